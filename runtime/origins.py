"""Which pages may call: an origin is a scheme, a host and a port (RFC 6454), as browsers send it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
SCHEMES_OF_APPS = ("capacitor", "ionic", "tauri")  # of pages that come with an app: capacitor://localhost
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
EXAMPLE = "https://shop.example"
PATTERN_EXAMPLE = "https://*.preview.example"
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110, 5.1, without the `*` that would mean any
_HOST = re.compile(rf"{LABEL}(?:\.{LABEL})*")
# An address of IPv4 to browsers, if one at all.
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")


class InvalidOrigin(ValueError):
    """No page ever has this origin; the message says what to write instead."""


def read_origin(text: str) -> str:
    """The origin as browsers send it: small letters, no port that its scheme has anyway, no slash at the end."""
    if any(character.isspace() for character in text):
        raise InvalidOrigin(f"{text!r} has a space in it; separate several origins by commas")
    if text == "*":
        raise InvalidOrigin("name each origin; `*` would let any page call with a customer's token")
    if text.lower() == "null":
        raise InvalidOrigin(
            "`null` is the origin of every sandboxed page and local file; name the page's own"
        )
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise InvalidOrigin(f"{text!r} is not an origin such as {EXAMPLE}") from None
    if "://" not in text or not host:
        raise InvalidOrigin(f"{text!r} has no scheme or no host; write it like {EXAMPLE}")
    if parts.scheme not in (*DEFAULT_PORTS, *SCHEMES_OF_APPS):
        known = ", ".join(SCHEMES_OF_APPS)
        raise InvalidOrigin(f"{text!r} is of no page: those have https, http, or an app's {known}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise InvalidOrigin(
            f"{text!r} is more than an origin; leave out what comes behind the host: {EXAMPLE}"
        )
    return f"{parts.scheme}://{_shown(host)}{_port_behind(parts.scheme, port)}"


def pattern_of(text: str) -> str:
    """A regular expression of the origins whose host has one label in place of the `*`: `https://*.preview.example`."""
    scheme, mark, rest = text.partition("://*.")
    if not mark or "*" in rest or "." not in rest:
        raise InvalidOrigin(
            f"{text!r} is not a pattern such as {PATTERN_EXAMPLE}: one `*` for the first part"
        )
    origin = read_origin(f"{scheme}://{rest}")
    if _address(urlsplit(origin).hostname or ""):
        raise InvalidOrigin(f"{text!r} names an address: no page's host stands below one")
    return re.escape(origin).replace("://", f"://{LABEL}\\.", 1)


@dataclass(frozen=True)
class AllowedOrigins:
    """Origins by name and by pattern. Raises `InvalidOrigin` for what can be neither."""

    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _ = (self.exact, self.regex)

    def __bool__(self) -> bool:
        return bool(self.names or self.patterns)

    @cached_property
    def exact(self) -> frozenset[str]:
        return frozenset(map(read_origin, self.names))

    @cached_property
    def regex(self) -> str | None:
        """Of the patterns, for the whole of an origin; None without them."""
        return "|".join(map(pattern_of, self.patterns)) or None

    def allow(self, origin: str) -> bool:
        return origin in self.exact or bool(self.regex and re.fullmatch(self.regex, origin))


def _shown(host: str) -> str:
    address = _address(host)
    if address is not None:
        return f"[{address.compressed}]" if address.version == 6 else host
    name = _in_ascii(host)
    if not _HOST.fullmatch(name) or _ENDS_IN_A_NUMBER.search(name):
        raise InvalidOrigin(f"{host!r} is not a host's name; write the origin like {EXAMPLE}")
    return name


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    # A zone (`fe80::1%eth0`) means something to one machine alone, and no browser sends one.
    return None if isinstance(address, IPv6Address) and address.scope_id else address


def _in_ascii(host: str) -> str:
    """The name as browsers send it. Python's rules are those of 2003: what they change, browsers spell differently."""
    try:
        name = host.encode("idna")
        is_alike = name.decode("idna") == unicodedata.normalize("NFC", host.lower())
    except UnicodeError:
        return host
    if not (is_alike or host.isascii()):
        raise InvalidOrigin(
            f"{host!r} is spelt differently by browsers; open the page and copy `location.origin`, which begins its "
            "parts with xn--"
        )
    return name.decode()


def _port_behind(scheme: str, port: int | None) -> str:
    return "" if port is None or port == DEFAULT_PORTS.get(scheme) else f":{port}"


def problems_of(names: Iterable[str], patterns: Iterable[str]) -> Iterator[str]:
    """A sentence for each word of the two settings that no page can match."""
    settings = (("CORS_ORIGINS", names, read_origin), ("CORS_ORIGIN_PATTERNS", patterns, pattern_of))
    for setting, words, read in settings:
        for word in words:
            try:
                read(word)
            except InvalidOrigin as error:
                yield f"{setting}: {error}"


def strangers_in(names: Iterable[str], patterns: Iterable[str]) -> Iterator[str]:
    """The patterns whose host is neither that of a named origin nor below one. Names that can't be read name none.

    Below a host of the shop's own stand only its own pages; below a hoster's (`https://*.vercel.app`) anybody's.
    """
    own = {urlsplit(read_origin(name)).hostname or "" for name in names if _is_origin(name)}
    for pattern in patterns:
        _, _, base = pattern.partition("://*.")
        host = urlsplit(read_origin(f"https://{base}")).hostname if _is_origin(f"https://{base}") else None
        if host and not any(host == name or host.endswith(f".{name}") for name in own):
            yield pattern


def _is_origin(text: str) -> bool:
    try:
        read_origin(text)
    except InvalidOrigin:
        return False
    return True


def is_header_name(text: str) -> bool:
    return HEADER_NAME.fullmatch(text) is not None
