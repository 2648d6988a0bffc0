"""Whether a setting can be an address at all; whether anybody is there is found out later."""

from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit


def is_network(text: str) -> bool:
    """Whether it names some machines; all of them, `*` or a mask of 0 bits, would trust every stranger's headers."""
    try:
        return ip_network(text).prefixlen > 0
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_postgresql_url(text: str) -> bool:
    parts = _split(text)
    return parts is not None and parts.scheme in ("postgresql", "postgres", "postgresql+psycopg")


def is_http_url(text: str) -> bool:
    """Whether it is an address to send requests to, with no user in it: `http://127.0.0.1:x@evil.test` leads there."""
    parts = _split(text)
    return (
        parts is not None
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and parts.username is None
        and not any(character.isspace() for character in text)
    )


def is_private(url: str) -> bool:
    """Whether what is sent there can be read by nobody on the way: over TLS, or on this machine."""
    parts = _split(url)
    return (
        parts is not None
        and is_http_url(url)
        and (parts.scheme == "https" or is_loopback(parts.hostname or ""))
    )


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts
