"""`serve` on a PostgreSQL of its own, with the sandbox as a separate process: from an order to PAID, and to the end."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client import CREATE_PAYMENT_INTENT
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET
from tests.e2e.processes import HTTP, PATIENCE, Running, Shell, eventually, is_running, shell
from tests.e2e.shop import Customer, pay
from tests.numbers import numbers_of
from tests.ports import free_ports

REQUESTS = "paygraph_requests_total"


@dataclass(frozen=True)
class Town:
    """A migrated database, a Stripe, and the settings of a server between them."""

    sh: Shell
    stripe: Running
    stripe_url: str
    settings: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['PORT']}"

    def serve(self, **others: str) -> Running:
        settings = {**self.settings, **others}
        server = self.sh.start("serve", **settings)
        server.answers(f"http://127.0.0.1:{settings['PORT']}/readyz")
        return server

    def seed(self, orders: int) -> list[list[str]]:
        """Pending orders with their owners' tokens, as `seed` prints them."""
        return [
            line.split(" ")
            for line in self.sh.run("seed", "--orders", str(orders), **self.settings).out.splitlines()
        ]

    def calls(self, method: str, path: str) -> list[dict[str, Any]]:
        """What Stripe was asked, from its journal."""
        entries = HTTP.get(f"{self.stripe_url}/_sandbox/journal").json()["entries"]
        return [e for e in entries if e["kind"] == "call" and (e["method"], e["path"]) == (method, path)]

    def intents(self) -> list[dict[str, Any]]:
        """The PaymentIntents that are at Stripe."""
        listed = HTTP.get(f"{self.stripe_url}/v1/payment_intents", auth=(STRIPE.secret_keys[0], ""))
        found: list[dict[str, Any]] = listed.json()["data"]
        return found


@pytest.fixture
def town(own_url: str, tmp_path: Path) -> Iterator[Town]:
    with shell(tmp_path) as sh:
        port, stripe_port = free_ports(2), free_ports()
        stripe_url = f"http://127.0.0.1:{stripe_port}"
        settings = {
            "DATABASE_URL": own_url,
            "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
            "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_BASE": stripe_url,
            "JWT_SECRET": JWT_SECRET,
            "PORT": str(port),
        }
        hook = f"http://127.0.0.1:{port}/webhooks/stripe"
        stripe = sh.start("sandbox", "--port", str(stripe_port), "--webhook-url", hook, **settings)
        stripe.answers(f"{stripe_url}/_sandbox/journal")
        yield Town(sh, stripe, stripe_url, settings)


def test_seeded_orders_become_payable_and_paid_and_sigterm_ends_everything(town: Town) -> None:
    server = town.serve()
    for order_id, token in town.seed(3):
        customer = Customer(town.url, token)
        intent = customer.payment_intent(order_id)
        assert customer.payment_intent(order_id) == intent
        pay(town.stripe_url, STRIPE.publishable_key, intent)
        customer.is_told(order_id, "PAID")
    assert len(town.calls("POST", "/v1/payment_intents")) == 3

    for running in (server, town.stripe):
        ended = running.stop()
        assert ended.code == 0, ended.out
        assert "Traceback" not in ended.out
        assert "_secret_" not in ended.out


def test_ctrl_c_ends_everything_and_a_new_server_finds_the_order_paid(town: Town) -> None:
    server = town.serve()
    words = ("token", "--user", "grace", "--role", "merchant", "--hours", "1")
    customer = Customer(town.url, town.sh.run(*words, **town.settings).out.strip())
    assert customer.ask("{ me { id } }") == {"me": {"id": "grace"}}
    town.sh.run("seed", **town.settings)
    order_id = customer.order()
    intent = customer.payment_intent(order_id)

    stopped = server.interrupt()
    assert (stopped.code, "Traceback" in stopped.out) == (0, False), stopped.out
    pay(town.stripe_url, STRIPE.publishable_key, intent)  # its webhook finds nobody at home and is sent again
    town.serve()
    customer.is_told(order_id, "PAID")

    stopped = town.stripe.interrupt()
    assert (stopped.code, "Traceback" in stopped.out) == (0, False), stopped.out


def test_two_workers_serve_on_one_port_and_end_together(town: Town) -> None:
    server = town.serve(WORKERS="2", LOG_FORMAT="json")
    [[order_id, token]] = town.seed(1)
    customer = Customer(town.url, token)
    pay(town.stripe_url, STRIPE.publishable_key, customer.payment_intent(order_id))
    customer.is_told(order_id, "PAID")

    workers = children(server.process.pid)
    assert len(workers) >= 2
    [folder] = metrics_folders(workers)
    count_together(town, customer)
    ended = server.stop()
    assert (ended.code, "Traceback" in ended.out) == (0, False), ended.out
    eventually(lambda: not any(map(is_running, workers)))
    assert not folder.exists()


def test_a_worker_that_is_killed_is_replaced_and_that_is_told_and_counted(town: Town) -> None:
    server = town.serve(WORKERS="2", LOG_FORMAT="json", LOG_LEVEL="WARNING")
    before = workers_of(server.process.pid)
    first = before.pop()
    os.kill(first, signal.SIGKILL)
    [second] = eventually(lambda: workers_of(server.process.pid) - before - {first})
    os.kill(second, signal.SIGKILL)  # while it still starts

    replaced = "paygraph_workers_replaced_total"
    eventually(lambda: numbers_of(HTTP.get(f"{town.url}/metrics").text).of(replaced) == 2)
    told = [json.loads(line) for line in server.output.splitlines() if "] died" in line]
    assert [(line["level"], line["message"].split()[2]) for line in told] == [
        ("error", f"[{pid}]") for pid in (first, second)
    ]


def test_customers_are_served_while_another_worker_is_still_importing(town: Town) -> None:
    """One worker comes to a stop before its first import, and goes on when the gate is opened."""
    gate = town.sh.folder / "gate"
    os.mkfifo(gate)
    slow = SLOW_START.format(first=str(gate.with_name("first")), gate=str(gate))
    (town.sh.folder / "sitecustomize.py").write_text(slow)
    server = town.serve(WORKERS="2", LOG_FORMAT="json", PYTHONPATH=str(town.sh.folder), HOST="::")
    before = eventually(lambda: found if len(found := workers_of(server.process.pid)) == 2 else None)
    for _ in range(20):  # over a connection of its own each: none may wait for who does not answer
        assert HTTP.get(f"{town.url}/readyz").status_code == 200
    assert pool_of(town) == 10

    with gate.open("wb"):
        eventually(lambda: pool_of(town) == 20)
    assert workers_of(server.process.pid) == before
    assert numbers_of(HTTP.get(f"{town.url}/metrics").text).of("paygraph_workers_replaced_total") == 0
    assert "] died" not in server.output
    assert server.stop().code == 0


# Of two workers the second one to begin opens the gate to read, which waits for whoever opens it to write.
SLOW_START = """
import sys
if "--multiprocessing-fork" in sys.argv:
    try:
        open({first!r}, "x").close()
    except FileExistsError:
        open({gate!r}, "rb").close()
"""


def pool_of(town: Town) -> float:
    return numbers_of(HTTP.get(f"{town.url}/metrics").text).of("paygraph_pool_size")


def workers_of(server: int) -> set[int]:
    return {pid for pid in children(server) if is_worker(pid)}


def is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:  # it was replaced meanwhile
        return False


def count_together(town: Town, customer: Customer) -> None:
    """Whichever worker answers and is scraped: what was asked for is counted once, and pools are added up."""
    before = numbers_of(HTTP.get(f"{town.url}/metrics").text).of(REQUESTS, operation="me", result="User")
    for _ in range(40):  # each over a connection of its own, so that both workers get some
        customer.ask("{ me { id } }")
    shown = [numbers_of(HTTP.get(f"{town.url}/metrics").text) for _ in range(10)]
    assert {numbers.of(REQUESTS, operation="me", result="User") - before for numbers in shown} == {40}
    assert {numbers.of("paygraph_pool_size") for numbers in shown} == {20}
    assert shown[0].of("paygraph_payments_moved", state="succeeded") == 1


def metrics_folders(workers: list[int]) -> set[Path]:
    """Where the workers count together."""
    names = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in workers]
    found = {
        name.decode() for each in names for name in each if name.startswith(b"PROMETHEUS_MULTIPROC_DIR=")
    }
    return {Path(name.partition("=")[2]) for name in found}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_lets_a_call_in_flight_end(town: Town, workers: str) -> None:
    [[order_id, token]] = town.seed(1)
    customer = Customer(town.url, token)
    server = town.serve(WORKERS=workers)
    slow = {"kind": "slow_header", "point": "after", "seconds": 2}
    rule = {"method": "POST", "path": "/v1/payment_intents", "fault": slow}
    HTTP.post(f"{town.stripe_url}/_sandbox/faults", json=rule).raise_for_status()

    with ThreadPoolExecutor(1) as tab:
        asked = tab.submit(customer.payment_intent, order_id)
        eventually(town.intents)  # Stripe has made it, and is slow to say so
        server.process.send_signal(signal.SIGTERM)
        intent = asked.result()
    assert intent["id"] == town.intents()[0]["id"]
    assert (server.process.wait(PATIENCE), "Traceback" in server.output) == (0, False), server.output


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_24_calls_to_4_processes_end_in_one_intent_and_24_equal_answers(town: Town) -> None:
    first = int(town.settings["PORT"])
    ports = [first, *(free_ports() for _ in range(3))]
    with ThreadPoolExecutor(4) as operators:
        list(operators.map(lambda port: town.serve(PORT=str(port)), ports))
    [[order_id, token]] = town.seed(1)
    customers = [Customer(f"http://127.0.0.1:{port}", token) for port in ports * 6]

    with ThreadPoolExecutor(24) as tabs:
        answers = list(tabs.map(lambda customer: customer.payment_intent(order_id), customers))

    assert len(answers) == 24
    assert all(answer == answers[0] for answer in answers)
    [created] = town.calls("POST", "/v1/payment_intents")
    assert created["status"] == 200
    intents = HTTP.get(f"{town.stripe_url}/v1/payment_intents", auth=(STRIPE.secret_keys[0], "")).json()[
        "data"
    ]
    assert [intent["id"] for intent in intents] == [answers[0]["id"]]


def test_a_killed_server_leaves_an_order_that_the_next_one_makes_payable(town: Town) -> None:
    [[order_id, token]] = town.seed(1)
    customer = Customer(town.url, token)
    fault = {"kind": "hang", "point": "after", "seconds": 120}
    rule = {"method": "POST", "path": "/v1/payment_intents", "times": None, "fault": fault}
    HTTP.post(f"{town.stripe_url}/_sandbox/faults", json=rule).raise_for_status()
    server = town.serve()
    with ThreadPoolExecutor(1) as tab:
        asked = tab.submit(customer.payment_intent, order_id)
        [made] = eventually(town.intents)
        server.process.kill()
        assert isinstance(asked.exception(), httpx.TransportError)
    HTTP.delete(f"{town.stripe_url}/_sandbox/faults").raise_for_status()

    town.serve()
    answer = eventually(lambda: released(customer, order_id))
    assert answer["id"] == made["id"]
    assert town.intents() == [made]


def released(customer: Customer, order_id: str) -> dict[str, Any] | None:
    """None while the dead server's lease runs."""
    answer: dict[str, Any] = customer.ask(CREATE_PAYMENT_INTENT, orderId=order_id)["createPaymentIntent"]
    assert answer["__typename"] in ("PaymentIntent", "PaymentInProgress"), answer
    return answer if answer["__typename"] == "PaymentIntent" else None
