"""Reading one call's parameters: each reader answers Stripe's own 400 for what it cannot take."""

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from sandbox.http.answers import Object
from sandbox.http.documented import BEYOND
from sandbox.http.errors import invalid, missing

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST = 5000
_METADATA_KEYS, _METADATA_KEY, _METADATA_VALUE = 50, 40, 500
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Parameters:
    """A decoded form. `prefix` names a nested hash in messages: `payment_method_data[card]`."""

    def __init__(self, tree: Object, prefix: str = "") -> None:
        self.tree = tree
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.tree

    def name_of(self, name: str) -> str:
        return f"{self._prefix}[{name}]" if self._prefix else name

    def allow_only(self, known: Collection[str], unsupported: Collection[str] = ()) -> None:
        """Refuse names Stripe does not know, and those it knows but the sandbox does not do: never ignore one."""
        unknown = sorted(set(self.tree) - set(known))
        beyond = [name for name in unknown if name in unsupported or (name in BEYOND and not self._prefix)]
        if beyond:
            message = f"Sandbox: {beyond[0]} is a parameter of Stripe's that this stand-in does not do."
            raise invalid(message, param=beyond[0])
        if unknown:
            names = ", ".join(map(self.name_of, unknown))
            plural = "s" if len(unknown) > 1 else ""
            message = f"Received unknown parameter{plural}: {names}"
            raise invalid(message, param=self.name_of(unknown[0]), code="parameter_unknown")

    def text(self, name: str, *, longest: int = _LONGEST) -> str | None:
        """A string, or None when it is absent or unset by an empty value."""
        value = self.tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", param=self.name_of(name))
        if len(value) > longest:
            message = f"Invalid string: {value[:20]}…; must be at most {longest} characters"
            raise invalid(message, param=self.name_of(name), code="parameter_invalid_string_length")
        return value

    def required(self, name: str) -> str:
        """A string that must be there and not be empty."""
        if name not in self.tree:
            raise missing(self.name_of(name))
        value = self.text(name)
        if value is None:
            raise self._empty(name)
        return value

    def integer(self, name: str, *, least: int | None = None, most: int | None = None) -> int | None:
        """A whole number. `1e3`, `1.5`, `٣` and 5,000 digits are refused as Stripe refuses them."""
        value = self.tree.get(name)
        if value is None:
            return None
        if value == "":
            raise self._empty(name)
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            raise invalid(
                f"Invalid integer: {str(value)[:40]}",
                param=self.name_of(name),
                code="parameter_invalid_integer",
            )
        return self._within(name, int(value), least, most)

    def _within(self, name: str, number: int, least: int | None, most: int | None) -> int:
        if least is not None and number < least:
            message = f"This value must be greater than or equal to {least}."
            raise invalid(message, param=self.name_of(name), code="parameter_invalid_integer")
        if most is not None and number > most:
            message = f"This value must be less than or equal to {most} (it currently is '{number}')."
            raise invalid(message, param=self.name_of(name), code="parameter_invalid_integer")
        return number

    def boolean(self, name: str) -> bool | None:
        value = self.tree.get(name)
        if value is None:
            return None
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", param=self.name_of(name))
        return bool(value == "true")

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        value = self.text(name)
        allowed = list(choices)
        if value is None or value in allowed:
            return value
        listed = ", ".join(allowed[:-1]) + f", or {allowed[-1]}" if len(allowed) > 1 else allowed[0]
        raise invalid(f"Invalid {self.name_of(name)}: must be one of {listed}", param=self.name_of(name))

    def email(self, name: str) -> str | None:
        value = self.text(name, longest=800)
        if value is not None and not _EMAIL.fullmatch(value):
            raise invalid(f"Invalid email address: {value}", param=self.name_of(name), code="email_invalid")
        return value

    def url(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and (
            urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc
        ):
            raise invalid("Not a valid URL", param=self.name_of(name), code="url_invalid")
        return value

    def inside(self, name: str) -> "Parameters | None":
        """A nested hash as Parameters of its own."""
        value = self.tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=self.name_of(name))
        return Parameters(value, self.name_of(name))

    def texts(self, name: str) -> list[str]:
        """An array of strings, sent as `a[]=x` or as `a[0]=x`."""
        value = self.tree.get(name, [])
        values = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise invalid("Invalid array", param=self.name_of(name))
        return values

    def metadata(self, old: Object) -> Object:
        """`old` merged with what was sent: an empty value removes a key, an empty hash removes all.

        At most 50 keys of 40 characters with values of 500: https://docs.stripe.com/api/metadata.
        """
        if self.tree.get("metadata") == "":
            return {}
        sent = self.inside("metadata")
        if sent is None:
            return old
        merged = dict(old)
        for key, value in sent.tree.items():
            _check_metadata(key, value)
            merged[key] = value
        merged = {key: value for key, value in merged.items() if value != ""}
        if len(merged) > _METADATA_KEYS:
            raise invalid(
                f"Metadata can have up to {_METADATA_KEYS} keys, but you passed {len(merged)}",
                param="metadata",
            )
        return merged

    def _empty(self, name: str) -> Exception:
        shown = self.name_of(name)
        message = (
            f"You passed an empty string for '{shown}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{shown}' cannot be unset. You should remove '{shown}' from your request or supply a non-empty "
            "value."
        )
        return invalid(message, param=shown, code="parameter_invalid_empty")


def _check_metadata(key: str, value: object) -> None:
    if len(key) > _METADATA_KEY:
        message = (
            f"Metadata keys can have up to {_METADATA_KEY} characters, but you passed in a key that is {len(key)} "
            f"characters. Invalid key: {key}"
        )
        raise invalid(message, param="metadata")
    if not isinstance(value, str):
        raise invalid("Metadata values must be strings", param=f"metadata[{key}]")
    if len(value) > _METADATA_VALUE:
        message = (
            f"Metadata values can have up to {_METADATA_VALUE} characters, but you passed in a value that is "
            f"{len(value)} characters. Invalid value: {value[:20]}…"
        )
        raise invalid(message, param=f"metadata[{key}]")
