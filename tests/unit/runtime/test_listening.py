"""HOST and PORT: which addresses a server listens on, and what it says where it can't."""

import socket

import pytest

from runtime.addresses import http_address
from runtime.listening import listening, own_loopback, refuse_unless_free
from tests.networks import needs_ipv6


def reaches(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port)).close()
    except OSError:
        return False
    return True


def reached(host: str) -> set[str]:
    """The loopback addresses that a server with this HOST answers on."""
    with listening(host, 0) as sockets:
        ports = {each.getsockname()[1] for each in sockets}
        assert len(ports) == 1
        for each in sockets:
            each.listen()
        return {known for known in ("127.0.0.1", "::1") if reaches(known, *ports)}


@needs_ipv6
@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("::", {"127.0.0.1", "::1"}),
        ("0.0.0.0", {"127.0.0.1"}),  # noqa: S104  of a test
        ("::1", {"::1"}),
        ("127.0.0.1", {"127.0.0.1"}),
    ],
)
def test_a_server_listens_where_its_host_says(host: str, answers: set[str]) -> None:
    assert reached(host) == answers


def test_a_name_is_listened_on_at_each_address_that_this_machine_has() -> None:
    assert own_loopback() in reached("localhost")


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::", marks=needs_ipv6)])
def test_a_port_in_use_is_told_by_the_name_of_its_setting(host: str) -> None:
    with listening(host, 0) as [taken]:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"PORT: {port} on {host} is in use"):
            refuse_unless_free(host, port)
    refuse_unless_free(host, port)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "nonsense.invalid", "/run/paygraph.sock", f"{'a' * 64}.test"]
)
def test_a_host_of_another_machine_is_told_by_the_name_of_its_setting(host: str) -> None:
    with pytest.raises(OSError, match=rf"HOST.*{host}"):
        refuse_unless_free(host, 0)


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert http_address("::1", 8000) == "http://[::1]:8000"
    assert http_address("127.0.0.1", 8000) == "http://127.0.0.1:8000"
