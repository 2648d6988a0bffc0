"""Where a server listens: the sockets of HOST and PORT, the same for one worker and for several, of IPv4 and IPv6."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

LOOPBACK_4, LOOPBACK_6 = "127.0.0.1", "::1"
ANY_6 = "::"


class _Place(NamedTuple):
    """An address that `getaddrinfo` found."""

    family: int
    kind: int
    protocol: int
    name: str
    address: Any

    def with_port(self, port: int) -> "_Place":
        return self._replace(address=(self.address[0], port, *self.address[2:]))


def own_loopback() -> str:
    """127.0.0.1, and ::1 on a machine that has no IPv4."""
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK_4, 0))
        except OSError:
            return LOOPBACK_6
    return LOOPBACK_4


def refuse_unless_free(host: str, port: int) -> None:
    """OSError, which names the settings and says what to do, where this process can't listen."""
    with listening(host, port):
        pass


@contextmanager
def listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Sockets that are bound to each address of the host, and closed when the block ends; a server makes them listen.

    `::` takes IPv4 too: such a connection comes from `::ffff:192.0.2.1`. Port 0 is any that is free, the same for each
    address. An address of the host that this machine does not have is left out.

    OSError, which names the settings and says what to do, where none is left, and for a port that is in use.
    """
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        failures: list[OSError] = []
        for place in _places_of(host, port):
            wanted = place.with_port(sockets[0].getsockname()[1]) if sockets else place
            try:
                sockets.append(opened.enter_context(_bound(wanted, takes_both=host == ANY_6)))
            except OSError as error:
                failures.append(error)
        if any(failure.errno == errno.EADDRINUSE for failure in failures):
            raise OSError(f"PORT: {port} on {host} is in use by another program; end it, or set another PORT")
        if not sockets:
            raise OSError(f"HOST, PORT: {port} on {host} can't be listened on: {failures[0].strerror}")
        yield sockets


def _places_of(host: str, port: int) -> list[_Place]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"HOST: {host} is no address of this machine: {error.strerror}") from None
    except UnicodeError:  # a part of more than 63 letters, or none
        raise OSError(f"HOST: {host} is no address of this machine") from None
    return [_Place(*each) for each in dict.fromkeys(found)]  # some machines name localhost twice


def _bound(place: _Place, *, takes_both: bool) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer may wait 40 ms.
    made = socket.socket(place.family, place.kind, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if place.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not takes_both)
        made.bind(place.address)
    except OSError:
        made.close()
        raise
    return made
