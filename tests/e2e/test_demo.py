"""The demo: one command serves a shop that can be paid, and what was paid is found again at the next start."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sandbox.config import SandboxConfig
from tests.e2e.processes import Ended, Running, Shell, eventually, free_ports, is_running, shell
from tests.e2e.shop import Customer, pay

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STRIPE = SandboxConfig()


@dataclass(frozen=True)
class Demo:
    """`python main.py demo` with a data folder of the test's own."""

    sh: Shell
    data: Path
    port: int

    @property
    def stripe_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def start(self, **settings: str) -> Running:
        running = self.sh.start("demo", DATA_DIR=str(self.data), PORT=str(self.port), **settings)
        running.answers(f"http://127.0.0.1:{self.port}/readyz")
        return running

    def customer(self, running: Running) -> Customer:
        token = re.search(r"a customer:\s+(\S+)", running.output)
        assert token
        return Customer(f"http://127.0.0.1:{self.port}", token[1])

    def postgres(self) -> int:
        """The process id of the demo's database."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with shell(tmp_path) as sh:
        yield Demo(sh, tmp_path / "data", free_ports(2))


def waiting(running: Running) -> list[str]:
    """The orders that the demo says can be paid."""
    listed = re.search(r"wait to be paid:\s+(.+)", running.output)
    assert listed
    return re.findall(UUID, listed[1])


def assert_clean(ended: Ended, postgres: int) -> None:
    assert ended.code == 0, ended.out
    assert "Traceback" not in ended.out
    assert "_secret_" not in ended.out
    eventually(lambda: not is_running(postgres))


def test_what_was_paid_outlives_ctrl_c_a_kill_and_sigterm(demo: Demo) -> None:
    running = demo.start()
    customer, (paid, half_way, _) = demo.customer(running), waiting(running)
    intent, open_intent = customer.payment_intent(paid), customer.payment_intent(half_way)
    pay(demo.stripe_url, STRIPE.publishable_key, intent)
    customer.is_told(paid, "PAID")
    postgres = demo.postgres()
    assert_clean(running.interrupt(), postgres)

    again = demo.start()
    assert (customer.status(paid), customer.status(half_way)) == ("PAID", "PENDING")
    assert paid not in waiting(again)
    assert customer.payment_intent(half_way) == open_intent
    again.process.kill()
    again.process.wait()

    once_more = demo.start()
    pay(demo.stripe_url, STRIPE.publishable_key, open_intent)
    customer.is_told(half_way, "PAID")
    at_stripe = httpx.get(f"{demo.stripe_url}/v1/payment_intents", auth=(STRIPE.secret_keys[0], "")).json()[
        "data"
    ]
    assert {(found["id"], found["status"]) for found in at_stripe} == {
        (intent["id"], "succeeded"),
        (open_intent["id"], "succeeded"),
    }
    postgres = demo.postgres()
    assert_clean(once_more.stop(), postgres)


def test_the_command_that_the_demo_prints_makes_its_first_order_payable(demo: Demo) -> None:
    running = demo.start()
    body = re.search(r"-d '(.+)'", running.output)
    assert body
    customer = demo.customer(running)
    answer = httpx.post(
        f"{customer.url}/graphql",
        content=body[1],
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {customer.token}"},
    ).json()["data"]["createPaymentIntent"]
    intent = customer.payment_intent(waiting(running)[0])
    assert (answer["id"], answer["clientSecret"]) == (intent["id"], intent["clientSecret"])


def test_the_signing_secret_is_made_once_and_readable_by_its_owner_alone(demo: Demo) -> None:
    secret = demo.data / "jwt-secret"
    demo.start().stop()
    first = secret.read_text()
    assert secret.stat().st_mode & 0o077 == 0
    demo.start().stop()
    assert secret.read_text() == first


@pytest.mark.parametrize("taken", [0, 1], ids=["the shop's port", "Stripe's port"])
def test_a_port_that_is_taken_leaves_no_database_running(demo: Demo, taken: int) -> None:
    with socket.create_server(("127.0.0.1", demo.port + taken)):
        ended = demo.sh.run("demo", DATA_DIR=str(demo.data), PORT=str(demo.port))
    assert ended.code != 0
    assert "in use" in ended.err
    assert "Traceback" not in ended.err
    assert not (demo.data / "postgres" / "postmaster.pid").exists()
