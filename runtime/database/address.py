"""Where the database is, and how every session of ours is opened: bounds on what it may wait for, and what it may hold.

`DATABASE_URL` may name several hosts, `postgresql://user@one,two:5433/shop`: a session goes to whichever of them can
be written to (`target_session_attrs=read-write`, libpq's own), and to none that can't.
"""

from collections.abc import Mapping

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


def is_local_or_encrypted(url: str) -> bool:
    """Whether what goes to this address leaves the machine under TLS alone. Raises as `parts_of` does."""
    parts = parts_of(url)
    if parts.get("sslmode") in ENCRYPTED or parts.get("sslrootcert") == "system":
        return True
    hosts = str(parts.get("host") or "").split(",")
    return all(not host or host.startswith("/") or is_loopback(host) for host in hosts)


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
    return make_conninfo("", **{**defaults, **given, "options": options})  # type: ignore[arg-type]
