"""Where the database is, and how every session of ours is opened: bounds on what it may wait for, and what it may hold.

`DATABASE_URL` may name several hosts, `postgresql://user@one,two:5433/shop`: a session goes to whichever of them can
be written to (`target_session_attrs=read-write`, libpq's own), and to none that can't.

libpq also reads the environment and a file of services. What the address names itself is never overridden by either.
"""

import os
from collections.abc import Mapping
from itertools import zip_longest

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runtime.addresses import is_loopback

CONNECT_SECONDS = 5  # for each host
ENCRYPTED = ("require", "verify-ca", "verify-full")  # values of sslmode

# A machine that vanished without a word is given up after 25 seconds, by us …
KEEPALIVE: Mapping[str, object] = {
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds, for what it has not taken delivery of
}
# … and by PostgreSQL, when the machine that vanished is ours.
KEEPALIVE_OF_SERVER = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


def parts_of(url: str) -> Mapping[str, object]:
    """What an address says by libpq's names; `psycopg.ProgrammingError` for one that libpq can't read."""
    return conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))


class UnknownDestination(ValueError):
    """Where an address leads stands in a file of libpq's services; the text is the name that leads there."""


def is_local_or_encrypted(url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what goes to this address leaves the machine under TLS alone.

    `environment` is libpq's: it says what the address leaves out. Raises `UnknownDestination`, and as `parts_of` does.
    """
    parts = parts_of(url)
    if _is_encrypted(parts):
        return True
    for name, service in (("service", parts.get("service")), ("PGSERVICE", environment.get("PGSERVICE"))):
        if service:
            raise UnknownDestination(name)
    found = {**_left_out(parts, environment), **parts}
    return _is_encrypted(found) or all(map(_is_here, _destinations(found)))


def _is_encrypted(parts: Mapping[str, object]) -> bool:
    return parts.get("sslmode") in ENCRYPTED or (
        "sslmode" not in parts and parts.get("sslrootcert") == "system"
    )


def _left_out(parts: Mapping[str, object], environment: Mapping[str, str]) -> dict[str, object]:
    """What libpq takes from the environment; see `conninfo` for `hostaddr`, which would override the host."""
    names = {"host": "PGHOST", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    if not parts.get("host"):
        names["hostaddr"] = "PGHOSTADDR"
    return {name: environment[variable] for name, variable in names.items() if environment.get(variable)}


def _destinations(parts: Mapping[str, object]) -> list[str]:
    """Where each session may go: `hostaddr` goes before `host`, and both may be lists."""
    hosts, addresses = (str(parts.get(name) or "").split(",") for name in ("host", "hostaddr"))
    return [address or host for host, address in zip_longest(hosts, addresses, fillvalue="")]


def _is_here(host: str) -> bool:
    """Whether it is this machine: a socket's folder or abstract name, libpq's own default, or the loopback."""
    return not host or host.startswith(("/", "@")) or is_loopback(host)


def conninfo(url: str, *, application: str, session: Mapping[str, str]) -> str:
    """What libpq connects by. `session` are PostgreSQL's settings; those that the address sets itself go first.

    Raises `psycopg.ProgrammingError` for an address that libpq can't read.
    """
    given = parts_of(url)
    options = " ".join(f"-c {name}={value}" for name, value in {**KEEPALIVE_OF_SERVER, **session}.items())
    defaults: dict[str, object] = {
        "application_name": application,
        "connect_timeout": CONNECT_SECONDS,
        "target_session_attrs": "read-write",
        **KEEPALIVE,
    }
    options = f"{options} {given.get('options', '')}".strip()
    if given.get("host"):  # or PGHOSTADDR would lead a session elsewhere than the host that is named here
        defaults["hostaddr"] = ""
    return make_conninfo("", **{**defaults, **given, "options": options})  # type: ignore[arg-type]
