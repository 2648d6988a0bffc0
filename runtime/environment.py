"""Where settings come from: the environment, one file that the command line names, and files that hold one secret.

A value is taken as it is written. Nothing expands a `$` or ends at an `&`, as a shell does with the same file.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from pathlib import Path

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "\u00ab\u00bb")
# Control characters, formats such as a BOM or a zero-width space, and surrogates.
_UNSEEN = ("Cc", "Cf", "Cs")
_LARGEST_FILE = 1024 * 1024
_CLOSE = 0.85  # of difflib: JWT_SECRETS and STRIPE_WEBHOOKS_SECRET are, HOSTNAME and PGHOST are not
_OTHERS = ("OTEL_",)  # OpenTelemetry's SDK has settings of its own, with names like ours


class UnreadableEnvironment(Exception):
    """A file of settings, or one that holds a secret, can't be read; the text names the setting and the reason."""


def load_env_file(path: Path, environment: MutableMapping[str, str]) -> None:
    """Add what a file sets to the environment, which goes first. Worker processes and OpenTelemetry see it too."""
    found: dict[str, str] = {}
    for name, value in env_file_values(_text(path, "--env-file"), str(path)):
        if found.setdefault(name, value) != value:  # of two, shells take the last, and some readers the first
            raise UnreadableEnvironment(f"{name}: is set twice in {path}, to different values")
    for name, value in found.items():
        environment.setdefault(name, value)


def env_file_values(text: str, where: str) -> Iterator[tuple[str, str]]:
    """The `NAME=value` lines of a file. Quotes around a value are dropped, `#` begins a comment line."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        matched = _LINE.fullmatch(stripped)
        if matched is None or "\0" in stripped:  # no environment can hold a NUL
            raise UnreadableEnvironment(f"--env-file: line {number} of {where} is not NAME=value")
        name, value = matched.groups()
        quoted = _QUOTED.fullmatch(value)
        if quoted is None and re.search(r"\s#", value):
            raise UnreadableEnvironment(
                f"{name}: line {number} of {where} has a `#` behind a space. Put a comment on a line of its own, "
                "or quotes around the value"
            )
        yield name, quoted[2] if quoted else value


def values_of(names: Iterable[str], secrets: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The values of these names, without white space at their ends.

    A secret may also stand in a file: the one that `NAME_FILE` names (as containers mount it), or `NAME` in the
    folder of systemd's credentials. A value that is not what whoever wrote it sees is refused.
    """
    given = {name: environment[name].strip() for name in names if environment.get(name, "").strip()}
    for name in secrets:
        held = _secret_file(name, environment)
        if held is None:
            continue
        if name in given:
            raise UnreadableEnvironment(f"{name}: is set twice, in the environment and by the file {held}")
        given[name] = _text(held, name).strip()
        if not given[name]:
            raise UnreadableEnvironment(f"{name}: {held} is empty")
    for name, value in given.items():
        _refuse_what_is_not_meant(name, value)
    return given


def _refuse_what_is_not_meant(name: str, value: str) -> None:
    if value[0] + value[-1] in _QUOTES and len(value) > 1:
        raise UnreadableEnvironment(
            f"{name}: has quotes around it, which would be a part of it; leave them out"
        )
    hidden = next(
        (each for each in value if unicodedata.category(each) in _UNSEEN and each not in "\t\r\n"), None
    )
    # Surrogates are how Python reads bytes of the environment that are no text.
    if hidden and unicodedata.category(hidden) == "Cs":
        raise UnreadableEnvironment(f"{name}: is not UTF-8")
    if hidden:
        raise UnreadableEnvironment(
            f"{name}: has a character that nobody can see, U+{ord(hidden):04X}; write it by hand instead of copying it"
        )


def near_misses(
    names: Iterable[str], secrets: Iterable[str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Names of the environment that nothing reads and that are almost one that is read, with the one they are like."""
    known = [*names, *(f"{each}_FILE" for each in secrets)]
    found = {}
    for name in environment:
        if name in known or name.startswith(_OTHERS):
            continue
        held = name.upper().removesuffix("_FILE")  # only secrets may stand in a file
        close = [held] if held in known else get_close_matches(name.upper(), known, n=1, cutoff=_CLOSE)
        if close:
            found[name] = close[0]
    return found


def _secret_file(name: str, environment: Mapping[str, str]) -> Path | None:
    named = environment.get(f"{name}_FILE", "").strip()
    if named:
        return Path(named)
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    held = Path(folder) / name
    return held if folder and _is_there(held, name) else None


def _is_there(path: Path, name: str) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # a folder that this user may not enter
        raise _unreadable(path, name, error) from None


def _text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnreadableEnvironment(f"{name}: {path} is too large to be settings")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, name, error) from None
    except UnicodeDecodeError:
        raise UnreadableEnvironment(f"{name}: {path} is not UTF-8") from None


def _unreadable(path: Path, name: str, error: OSError) -> UnreadableEnvironment:
    return UnreadableEnvironment(f"{name}: {path} can't be read: {os.strerror(error.errno or 0)}")
