"""Customers at the proxy's door: they buy without a pause, over TLS, and count what fails."""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.client import CREATE_PAYMENT_INTENT
from tests.e2e.shop import CREATE_ORDER, STATUS

HOST = "pay.example"
PAUSE = 0.15  # seconds between two requests of one customer
PRODUCTS = "{ products(first: 1) { nodes { id } } }"
CARD = {
    "payment_method_data[type]": "card",
    "payment_method_data[card][number]": "4242424242424242",
    "payment_method_data[card][exp_month]": "12",
    "payment_method_data[card][exp_year]": "2034",
    "payment_method_data[card][cvc]": "123",
}


@dataclass
class Door:
    """The shop's address as a customer sees it, with the trial's own CA."""

    ca: Path
    stripe_url: str
    publishable_key: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca))
        self.http = httpx.Client(base_url="https://127.0.0.1", verify=context, timeout=30, trust_env=False)

    def post(self, token: str, query: str, variables: dict[str, Any]) -> httpx.Response:
        return self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Host": HOST, "Authorization": f"Bearer {token}"},
            extensions={"sni_hostname": HOST},
        )

    def ask(self, token: str, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.post(token, query, variables)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    def order(self, token: str) -> str:
        product = self.ask(token, PRODUCTS)["products"]["nodes"][0]["id"]
        wish = {"items": [{"productId": product, "quantity": 1}], "idempotencyKey": str(uuid4())}
        return str(self.ask(token, CREATE_ORDER, input=wish)["createOrder"]["id"])

    def pay(self, token: str, order: str) -> str:
        """Pay as Stripe.js does; the intent's id."""
        intent = self.ask(token, CREATE_PAYMENT_INTENT, orderId=order)["createPaymentIntent"]
        paid = httpx.post(
            f"{self.stripe_url}/v1/payment_intents/{intent['id']}/confirm",
            auth=(self.publishable_key, ""),
            data={"client_secret": intent["clientSecret"], **CARD},
            trust_env=False,
        )
        assert paid.json()["status"] == "succeeded", paid.text
        return str(intent["id"])

    def status(self, token: str, order: str) -> str:
        return str(self.ask(token, STATUS, id=order)["order"]["status"])

    def is_paid(self, token: str, order: str, patience: float = 15.0) -> float:
        """Wait for PAID; how many seconds it took."""
        began = time.monotonic()
        while (status := self.status(token, order)) != "PAID":
            assert time.monotonic() - began < patience, f"{order} is {status}"
            time.sleep(0.1)
        return time.monotonic() - began


@dataclass
class Count:
    """Of requests: all, those that failed by what went wrong, and the slowest in seconds."""

    requests: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, failure: str | None) -> None:
        with self.lock:
            self.requests += 1
            self.slowest = max(self.slowest, seconds)
            if failure:
                self.failures[failure] += 1

    def __str__(self) -> str:
        failed = ", ".join(f"{name}: {count}" for name, count in self.failures.items()) or "none failed"
        return f"{self.requests} requests, {failed}, the slowest took {self.slowest:.2f} s"


@contextmanager
def customers(door: Door, tokens: list[str]) -> Iterator[Count]:
    """One customer a token buys while the block lasts: an order, its intent, its status, and so on."""
    count, over = Count(), threading.Event()
    product = door.ask(tokens[0], PRODUCTS)["products"]["nodes"][0]["id"]
    threads = [threading.Thread(target=_buy, args=(door, token, product, count, over)) for token in tokens]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _buy(door: Door, token: str, product: str, count: Count, over: threading.Event) -> None:
    own = Door(door.ca, door.stripe_url, door.publishable_key)
    while not over.is_set():
        wish = {"items": [{"productId": product, "quantity": 1}], "idempotencyKey": str(uuid4())}
        order = _asked(own, token, CREATE_ORDER, {"input": wish}, "createOrder", count)
        over.wait(PAUSE)
        if order is not None:
            _asked(own, token, CREATE_PAYMENT_INTENT, {"orderId": order["id"]}, "createPaymentIntent", count)
            over.wait(PAUSE)
            _asked(own, token, STATUS, {"id": order["id"]}, "order", count)
            over.wait(PAUSE)


def _asked(
    door: Door, token: str, query: str, variables: dict[str, Any], name: str, count: Count
) -> dict[str, Any] | None:
    """The answer, when it is what was asked for; counted either way, and never sent twice."""
    began, failure, found = time.monotonic(), None, None
    try:
        answer = door.post(token, query, variables)
        body = answer.json() if answer.status_code == 200 else {}
        found = (body.get("data") or {}).get(name)
        if found is None or ("id" not in found and "status" not in found):
            failure = f"{name} {answer.status_code} {str(body.get('errors') or found or answer.text)[:120]}"
            found = None
    except httpx.TransportError as error:
        failure = f"{name} {type(error).__name__}"
    count.add(time.monotonic() - began, failure)
    return found
