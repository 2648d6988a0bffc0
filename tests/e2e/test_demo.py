"""The demo: one command serves a shop that can be paid, and what was paid is found again at the next start."""

import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runtime.embedded_postgres import embedded_postgres
from sandbox.config import SandboxConfig
from tests.e2e.processes import HTTP, ROOT, Ended, Running, Shell, eventually, is_running, shell
from tests.e2e.shop import Customer, pay
from tests.ports import free_ports

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


def printed_call(running: Running, customer: Customer) -> dict[str, Any]:
    """What the command that the demo prints is answered."""
    body = re.search(r"-d '(.+)'", running.output)
    assert body
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {customer.token}"}
    answer = HTTP.post(f"{customer.url}/graphql", content=body[1], headers=headers).json()
    intent: dict[str, Any] = answer["data"]["createPaymentIntent"]
    return intent


def assert_clean(ended: Ended, postgres: int) -> None:
    assert ended.code == 0, ended.out
    assert "Traceback" not in ended.out
    assert "_secret_" not in ended.out
    eventually(lambda: not is_running(postgres))


def test_what_was_paid_outlives_ctrl_c_a_kill_and_sigterm(demo: Demo) -> None:
    running = demo.start()
    customer, (paid, half_way, _) = demo.customer(running), waiting(running)
    second = demo.sh.run("demo", DATA_DIR=str(demo.data), PORT=str(free_ports(2)))
    assert (second.code, second.err.startswith("DATA_DIR: another demo runs")) == (1, True)
    secret = (demo.data / "jwt-secret").read_text()
    assert (demo.data / "jwt-secret").stat().st_mode & 0o077 == 0
    printed = printed_call(running, customer)
    intent, open_intent = customer.payment_intent(paid), customer.payment_intent(half_way)
    assert (printed["id"], printed["clientSecret"]) == (intent["id"], intent["clientSecret"])
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
    at_stripe = HTTP.get(f"{demo.stripe_url}/v1/payment_intents", auth=(STRIPE.secret_keys[0], "")).json()[
        "data"
    ]
    assert {(found["id"], found["status"]) for found in at_stripe} == {
        (intent["id"], "succeeded"),
        (open_intent["id"], "succeeded"),
    }
    assert (demo.data / "jwt-secret").read_text() == secret
    postgres = demo.postgres()
    assert_clean(once_more.stop(), postgres)


def test_other_commands_find_the_demo_by_the_file_that_it_writes(demo: Demo) -> None:
    demo.start()
    file = demo.data / "demo.env"
    assert file.stat().st_mode & 0o077 == 0
    told = ("--env-file", str(file))
    key = demo.sh.run("key", *told, "--name", "shop", "--scopes", "ORDERS_READ").out.strip()
    token = demo.sh.run("token", *told, "--user", "grace").out.strip()
    url = f"http://127.0.0.1:{demo.port}"
    assert Customer(url, key).ask("{ allOrders(first: 1) { pageInfo { hasNextPage } } }")
    assert Customer(url, token).ask("{ me { id } }") == {"me": {"id": "grace"}}
    assert demo.sh.run("reconcile", *told).code == 0


def test_a_database_that_was_only_half_made_is_made_anew(demo: Demo) -> None:
    half = demo.data / "postgres"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (demo.data / "postgres.making").touch()

    with embedded_postgres(half) as url, psycopg.connect(url) as admin:
        assert admin.execute("SELECT 1").fetchone() == (1,)
    assert not (demo.data / "postgres.making").exists()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP], ids=["told to end", "its terminal closed"])
def test_a_demo_that_is_ended_while_its_database_starts_leaves_none_running(
    demo: Demo, sent: signal.Signals
) -> None:
    running = demo.sh.start("demo", DATA_DIR=str(demo.data), PORT=str(demo.port))
    # Initdb has no log.
    begun, started = (demo.data / "postgres" / name for name in ("log", "postmaster.pid"))
    eventually(lambda: begun.exists() and started.exists() and "\n" in started.read_text())
    postgres = demo.postgres()
    assert_clean(running.stop(sent), postgres)
    assert not started.exists()


def test_the_example_of_settings_copied_as_it_is_breaks_nothing(demo: Demo) -> None:
    """Neither beside the demo, which reads no file, nor as the file of a command."""
    (demo.sh.folder / ".env").write_text((ROOT / ".env.example").read_text())
    exported = re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    own = ("PORT", "DATA_DIR", "HOST")
    running = demo.start(**{name: value for name, value in exported if name not in own})
    assert waiting(running)
    named = demo.sh.run("serve", "--env-file", ".env")
    assert (named.code, named.err.splitlines()[0]) == (1, "DATABASE_URL: is not set")


@pytest.mark.parametrize("taken", [0, 1], ids=["the shop's port", "Stripe's port"])
def test_a_port_that_is_taken_leaves_no_database_running(demo: Demo, taken: int) -> None:
    with socket.create_server(("127.0.0.1", demo.port + taken)):
        ended = demo.sh.run("demo", DATA_DIR=str(demo.data), PORT=str(demo.port))
    assert ended.code != 0
    assert ended.err.startswith("PORT: ")
    assert not (demo.data / "postgres" / "postmaster.pid").exists()


def test_a_folder_that_cant_hold_the_data_is_refused_by_name(demo: Demo) -> None:
    demo.data.write_text("a file")
    for folder in (demo.data, Path("/proc/demo")):
        ended = demo.sh.run("demo", DATA_DIR=str(folder), PORT=str(demo.port))
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"DATA_DIR: {folder} can't be written to: ")


@pytest.mark.parametrize("port", ["0", "65535"])
def test_a_port_without_one_after_it_is_refused(demo: Demo, port: str) -> None:
    ended = demo.sh.run("demo", DATA_DIR=str(demo.data), PORT=port)
    assert ended.code == 1
    assert ended.err.startswith("PORT: the demo takes a port and the one after it")
    assert not (demo.data / "postgres").exists()
