"""The demo and a server where there is no IPv4, and where there is no IPv6."""

import sys
from pathlib import Path

import pytest

from runtime.addresses import http_address
from tests.e2e.networks import LOOPBACK, asked, why_not, with_network
from tests.e2e.processes import MAIN, eventually, shell
from tests.e2e.test_commands import SETTINGS

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.mark.parametrize("kind", LOOPBACK)
def test_the_demo_serves_and_prints_the_address_that_this_machine_has(kind: str, tmp_path: Path) -> None:
    with shell(tmp_path) as sh:
        command = with_network(kind, sys.executable, MAIN, "demo")
        running = sh.start_program("demo", *command, DATA_DIR=str(tmp_path / "data"))
        url = http_address(LOOPBACK[kind], 8000)
        host = url.removeprefix("http://")

        def is_ready() -> bool:
            assert running.process.poll() is None, running.output
            return asked(running, f"{url}/readyz", host) == 200

        eventually(is_ready)
        eventually(lambda: "Ctrl-C" in running.output)
        assert f"Shop     {url}/\n" in running.output
        stripe = http_address(LOOPBACK[kind], 8001)
        assert f"Stripe   {stripe}\n" in running.output
        assert asked(running, f"{stripe}/_sandbox/journal", stripe.removeprefix("http://")) == 200
        assert asked(running, f"{url}/", "evil.test") == 421
        assert f"STRIPE_API_BASE={stripe}\n" in (tmp_path / "data" / "demo.env").read_text()
        assert running.stop().code == 0


@pytest.mark.parametrize("host", ["::", "::1"])
def test_two_workers_serve_where_there_is_no_ipv4(host: str, own_url: str, tmp_path: Path) -> None:
    with shell(tmp_path) as sh:
        settings = {**SETTINGS, "DATABASE_URL": own_url, "HOST": host, "PORT": "8000", "WORKERS": "2"}
        server = sh.start_program(
            "serve", *with_network("IPv6 alone", sys.executable, MAIN, "serve"), **settings
        )

        def answers() -> bool:
            assert server.process.poll() is None, server.output
            return asked(server, "http://[::1]:8000/livez", "[::1]:8000") == 200

        eventually(answers)
        assert server.stop().code == 0
