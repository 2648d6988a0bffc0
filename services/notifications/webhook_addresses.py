"""Where webhooks may go: addresses of the shop's own on the internet, and nothing inside this server's network.

A caller who may create an endpoint must not reach by it what only this machine can: cloud metadata, databases, admin
pages. A name is resolved, each of its addresses is checked, and the connection goes to those very addresses, so that a
name can't lead elsewhere between the check and the call.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from models.webhooks.tables import LONGEST_URL

Address: TypeAlias = IPv4Address | IPv6Address

# Never, whatever else is allowed: metadata and host services of clouds that stand outside of 169.254.0.0/16.
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")))
# What people number their own machines with, and carriers and clouds theirs. Documentation and benchmarks have others.
_PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
# How a network of IPv6 alone reaches an IPv4 address, which is then judged.
_NAT64 = ip_network("64:ff9b::/96")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LOOKUPS = 20  # names that are looked up at once, so that a slow one holds up no other


class ForbiddenAddress(OSError):
    """An address that events are never sent to; the text is for the shop's people."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Which addresses besides those on the internet may be sent to."""

    private: bool = False
    loopback: bool = False

    def refusal_of(self, address: Address) -> str | None:
        """Why nothing is sent there; None when it may be."""
        kind = kind_of(address)
        if kind == "public" or (kind == "private" and self.private):
            return None
        if kind == "loopback" and (self.loopback or self.private):
            return None
        return f"{address} is a {kind} address, and events are not sent there"


PUBLIC_ONLY = AddressRules()


def kind_of(address: Address) -> str:
    """`public`, `private` or `loopback`; every other kind is sent nothing, whatever the settings."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return kind_of(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped or address.sixtofour or address.teredo or address.scope_id:
            return "tunneled"
    special = (
        ("link-local or metadata", address in _METADATA or address.is_link_local),
        ("multicast", address.is_multicast),
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("reserved", address.is_reserved or (isinstance(address, IPv6Address) and address.is_site_local)),
        ("private", any(address.version == each.version and address in each for each in _PRIVATE)),
        ("public", address.is_global),
    )
    return next((kind for kind, is_so in special if is_so), "reserved")


def read_url(text: str, rules: AddressRules) -> URL:
    """The address of an endpoint in the one form that is checked and called; `ForbiddenAddress` says what is wrong.

    Names are resolved when they are called. The very object that is checked here is what the HTTP client gets, so the
    two can't read one text differently.
    """
    url, host = _parsed(text)
    address = _literal(host)
    if address is None:
        check_name(host)
    elif refusal := rules.refusal_of(address):
        raise ForbiddenAddress(refusal)
    is_here = address.is_loopback if address else is_local_name(host)
    if is_here and not (rules.loopback or rules.private):
        raise ForbiddenAddress(f"{host} is this machine, and events are not sent there")
    if url.scheme == "http" and not is_here:
        raise ForbiddenAddress("an address begins with https://")
    return url


def _parsed(text: str) -> tuple[URL, str]:
    """An address with its host, as far as its form goes."""
    if len(text) > LONGEST_URL or not text.isprintable() or any(letter.isspace() for letter in text):
        raise ForbiddenAddress(f"an address has at most {LONGEST_URL} characters and no spaces")
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError:
        host = port = url = None
    if url is not None and len(str(url)) > LONGEST_URL:
        raise ForbiddenAddress(f"an address has at most {LONGEST_URL} characters, and é counts as %C3%A9")
    if url is None or url.scheme not in ("https", "http") or not host or not port or "\\" in text:
        raise ForbiddenAddress("it is no address such as https://shop.example/paygraph")
    if url.raw_user is not None or url.raw_password is not None or url.raw_fragment:
        raise ForbiddenAddress("an address has no user, no password and no #fragment")
    return url, host


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def check_name(host: str) -> None:
    """A host's name as DNS has it, and no number that some libraries take for an address: 2130706433, 0x7f.1, 127.1."""
    labels = host.removesuffix(".").split(".")
    last = labels[-1]
    is_number = last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
    if is_number or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise ForbiddenAddress(f"{host[:100]} is no host's name, and no address in its usual form")


def is_local_name(host: str) -> bool:
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


class CheckedResolver(AbstractResolver):
    """The addresses of a name, when events may be sent to every one of them."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        for _, address in found:
            self._check(host, ip_address(address))
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
            )
            for kind, address in found
        ]

    def _check(self, host: str, address: Address) -> None:
        if is_local_name(host) and not address.is_loopback:
            raise ForbiddenAddress(f"{host} is not this machine")
        if refusal := self._rules.refusal_of(address):
            raise ForbiddenAddress(refusal)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> Sequence[tuple[int, str]]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    # A scope (fe80::1%eth0) stands behind the address; only link-local ones have any, and those are refused.
    return [(kind, str(place[0])) for kind, _, _, _, place in found]
