"""Addresses: whether a setting can be one, how it is written in a URL, and which count as one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

LAST_PORT = 65_535
IPV6_NETWORK = 64  # bits of the network that one host usually has to itself
# Bits that are fixed in the largest network that may be trusted: 10.0.0.0/8, and a provider's parts are a /13 at most.
LARGEST_PRIVATE_4, LARGEST_PUBLIC_4 = 8, 12
LARGEST_PRIVATE_6, LARGEST_PUBLIC_6 = 7, 19  # fc00::/7, and the largest part that a provider was ever given
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 as a socket of both kinds shows it


def is_network(text: str) -> bool:
    """Whether it names some machines: a whole private network at most, and of the internet a provider's part.

    All of them, `*` or 0.0.0.0/0, or a half of them, would trust every stranger's headers.
    """
    try:
        network = ip_network(text)
    except ValueError:
        return False
    if isinstance(network, IPv6Network):
        if not network.overlaps(_MAPPED):
            return network.prefixlen >= (LARGEST_PRIVATE_6 if network.is_private else LARGEST_PUBLIC_6)
        network = _as_ipv4(network)
    return network.prefixlen >= (LARGEST_PRIVATE_4 if network.is_private else LARGEST_PUBLIC_4)


def _as_ipv4(network: IPv6Network) -> IPv4Network:
    """The part of IPv4 that stands in it, `::ffff:10.0.0.0/104`: all of it for a network that is larger still."""
    if network.prefixlen < _MAPPED.prefixlen:
        return IPv4Network("0.0.0.0/0")
    bits = int(network.network_address) & 0xFFFF_FFFF
    return IPv4Network((bits, network.prefixlen - _MAPPED.prefixlen))


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def http_address(host: str, port: int) -> str:
    """`http://127.0.0.1:8000`, and `http://[::1]:8000` for an address of IPv6."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_postgresql_url(text: str) -> bool:
    """Whether libpq can read it: one host or several, `postgresql://user@one,two:5433/shop`."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        return False
    try:
        parts = conninfo_to_dict(f"postgresql://{rest}")
    except ProgrammingError:
        return False
    ports = str(parts.get("port") or "").split(",")
    return all(not port or (port.isdecimal() and 0 < int(port[:9]) <= LAST_PORT) for port in ports)


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


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The machines whose word on where a request comes from is believed; `names` are addresses and networks."""

    names: tuple[str, ...] = ()

    def vouch_for(self, address: str) -> str | None:
        """What counts as one address for whoever a trusted proxy says it is; None where nobody says so.

        A proxy's own address is that of all its clients, so it is nobody's.
        """
        try:
            found = ip_address(address)
        except ValueError:
            return None
        if not self.names or any(found in network for network in networks_of(self.names)):
            return None
        return network_of(address)


@lru_cache(maxsize=16)
def networks_of(names: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that these addresses and networks name. One of IPv4 is among them in both ways that it is seen:
    a socket of both kinds shows 10.0.0.7 as ::ffff:10.0.0.7."""
    return tuple(each for name in names for each in _both_ways(ip_network(name)))


def _both_ways(network: IPv4Network | IPv6Network) -> Iterator[IPv4Network | IPv6Network]:
    yield network
    if isinstance(network, IPv4Network):
        mapped = int(_MAPPED.network_address) + int(network.network_address)
        yield IPv6Network((mapped, _MAPPED.prefixlen + network.prefixlen))
    elif network.subnet_of(_MAPPED):
        yield _as_ipv4(network)


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
