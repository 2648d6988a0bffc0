"""Addresses: whether a setting can be one, whether this machine may listen there, and which count as one."""

import errno
import socket
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

IPV6_NETWORK = 64  # bits of the network that one host usually has to itself


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
    """Whether libpq can read it: one host or several, `postgresql://user@one,two:5433/shop`."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        return False
    try:
        conninfo_to_dict(f"postgresql://{rest}")
    except ProgrammingError:
        return False
    return True


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
    """Whether what is sent there can't be read on the way: over TLS, or on this machine."""
    parts = _split(url)
    return (
        parts is not None
        and is_http_url(url)
        and (parts.scheme == "https" or is_loopback(parts.hostname or ""))
    )


def refuse_unless_free(host: str, port: int) -> None:
    """OSError, which names the settings and says what to do, where this process can't listen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"HOST: {host} is no address of this machine: {error.strerror}") from None
    failures = [failure for each in found if (failure := _failure_to_bind(*each))]
    taken = [failure for failure in failures if failure.errno == errno.EADDRINUSE]
    if taken:
        raise OSError(f"PORT: {port} on {host} is in use by another program; end it, or set another PORT")
    if len(failures) == len(found):
        raise OSError(f"HOST, PORT: {port} on {host} can't be listened on: {failures[0].strerror}")


def _failure_to_bind(family: int, kind: int, protocol: int, _: str, address: Any) -> OSError | None:
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts


def network_of(address: str) -> str:
    """What is limited as one address: a customer has one of IPv4, and all of a network of IPv6 (RFC 6177)."""
    try:
        found = ip_address(address)
    except ValueError:  # such as a Unix socket's
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), IPV6_NETWORK), strict=False))
