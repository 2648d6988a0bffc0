"""Whether a setting can be an address at all; whether anybody is there is found out later."""

from ipaddress import ip_network
from urllib.parse import urlsplit


def is_network(text: str) -> bool:
    """Whether it names some machines; all of them, `*` or a mask of 0 bits, would trust every stranger's headers."""
    try:
        return ip_network(text).prefixlen > 0
    except ValueError:
        return False


def is_postgresql_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return False
    return parts.scheme in ("postgresql", "postgres", "postgresql+psycopg")
