"""Which heads of requests say in one way only where the body ends and which host and caller are meant.

What we and a proxy in front might read differently is refused: what one takes for a body the other takes for a request
(RFC 9112, 11.2). httptools refuses two lengths, a length beside chunks and broken lines by itself.
"""

import re
from collections.abc import Iterable

VERSIONS = ("1.0", "1.1")
CHUNKED = b"chunked"
# A name or an address with its port (RFC 9110, 7.2), with the characters that hosts have in practice.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


def is_clear_head(version: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a head of this HTTP version is clear; names of headers are in lower case."""
    hosts, codings, tokens = [], [], 0
    for name, value in headers:
        if name == b"host":
            hosts.append(value.strip())
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
        elif name == b"authorization":
            tokens += 1
    is_one_caller = tokens <= 1 and _is_one_host(version, target, hosts)
    return version in VERSIONS and is_one_caller and _is_framed(version, codings)


def _is_framed(version: str, codings: list[bytes]) -> bool:
    """Chunked at most, and not in HTTP/1.0, which does not know it (RFC 9112, 6.1)."""
    return not codings or (codings == [CHUNKED] and version == "1.1")


def _is_one_host(version: str, target: bytes, hosts: list[bytes]) -> bool:
    """One Host, or none in HTTP/1.0, and the target names no other (RFC 9112, 3.2)."""
    if len(hosts) != 1:
        return not hosts and version == "1.0"
    named = _ABSOLUTE.match(target)
    is_same = named is None or named[1].lower() == hosts[0].lower()
    return is_same and _HOST.fullmatch(hosts[0]) is not None
