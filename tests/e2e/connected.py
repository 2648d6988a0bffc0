"""examples/connected-shop beside a Paygraph: the shop as a process of Node's, its customers, its people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from tests.conftest import STRIPE
from tests.e2e.processes import HTTP, ROOT, Ended, Running, Shell, eventually

FOLDER = ROOT / "examples" / "connected-shop"
SCOPES = "ORDERS_READ,ORDERS_WRITE,REFUNDS_WRITE,EVENTS_READ,WEBHOOKS_WRITE"
NEVER = "86400"  # seconds between two pulls, for tests in which webhooks bring everything
OFTEN = "0.2"
PARCELS = "SELECT count(*) FROM shipments JOIN orders ON orders.id = order_id WHERE number = %s"


@dataclass
class Paygraph:
    """A Paygraph with its Stripe. `settings` are those of its commands."""

    sh: Shell
    settings: dict[str, str]
    server: Running | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['PORT']}"

    @property
    def stripe_url(self) -> str:
        return self.settings["STRIPE_API_BASE"]

    def serve(self) -> None:
        """See to it that it is up."""
        if self.server is None:
            self.server = self.sh.start("serve", **self.settings)
        self.server.answers(f"{self.url}/readyz")

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def key(self) -> str:
        made = self.sh.run("key", "--name", "shop", "--scopes", SCOPES, **self.settings)
        assert made.code == 0, made.err
        return made.out.strip()

    def pay(self, client_secret: str) -> None:
        """As Stripe.js does it in the browser."""
        answer = HTTP.post(
            f"{self.stripe_url}/v1/payment_intents/{client_secret.partition('_secret_')[0]}/confirm",
            auth=(STRIPE.publishable_key, ""),
            data={"client_secret": client_secret, "payment_method": "pm_card_visa"},
        )
        assert answer.json()["status"] == "succeeded", answer.text


@dataclass(frozen=True)
class PaymentPage:
    """What the page hands to pay.js."""

    paygraph: str
    token: str
    order_id: str
    total: int

    def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        headers["Authorization"] = f"Bearer {self.token}"
        return HTTP.post(f"{self.paygraph}{path}", json=body, headers=headers)

    def client_secret(self) -> str:
        answer = self.post("/api/payments/create-intent", {"orderId": self.order_id})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["clientSecret"])


@dataclass(frozen=True)
class ConnectedShop:
    """The shop: `node` is its program, `settings` what it reads, `database_url` what only the warehouse looks into."""

    sh: Shell
    node: str
    settings: dict[str, str]

    @property
    def url(self) -> str:
        return self.settings["SHOP_URL"]

    def open(self, **others: str) -> Running:
        shop = self.sh.start_program("shop", self.node, FOLDER / "server.js", **{**self.settings, **others})
        shop.answers(f"{self.url}/")
        return shop

    def connect(self) -> str:
        """`npm run connect`: the secret of the webhook endpoint that it makes."""
        running = self.sh.start_program("connect", self.node, FOLDER / "connect.js", **self.settings)
        ended = Ended(running.process.wait(60), running.output)
        assert ended.code == 0, ended.out
        return ended.out.strip().removeprefix("PAYGRAPH_WEBHOOK_SECRET=")

    def order(self, **others: str) -> str:
        """A guest orders two lamps; where the order's page is."""
        form = {"LAMP": "2", "email": "guest@shop.test", "shipping": "parcel", "voucher": "", **others}
        answer = HTTP.post(f"{self.url}/orders", data=form)
        assert answer.status_code == 303, answer.text
        return f"{self.url}{answer.headers['location']}"

    def payment_page(self, order: str) -> PaymentPage:
        page = HTTP.get(f"{order}/pay")
        assert page.status_code == 200, page.text
        given = dict(re.findall(r'data-(\w+)="([^"]*)"', page.text))
        return PaymentPage(given["paygraph"], given["token"], given["order"], int(given["total"]))

    def number(self, order: str) -> str:
        found = re.search(r"A-\d+", HTTP.get(order).text)
        assert found
        return found[0]

    def says(self, order: str, words: str) -> None:
        """Wait until the order's page has these words."""
        eventually(lambda: words in HTTP.get(order).text)

    def parcels(self, order: str) -> int:
        [(count,)] = self.sql(PARCELS, self.number(order))
        return int(count)

    def sql(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.settings["DATABASE_URL"]) as database:
            return database.execute(statement.encode(), values).fetchall()

    @contextmanager
    def shopkeeper(self) -> Iterator[httpx.Client]:
        """The shopkeeper's browser, signed in."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=60) as browser:
            form = {"email": "admin@shop.test", "password": "shopkeeper"}
            assert browser.post("/sign-in", data=form).status_code == 200
            yield browser

    def refund(self, browser: httpx.Client, order: str, *, amount: str = "", key: str = "") -> httpx.Response:
        path = f"/admin/orders/{order.rpartition('/')[2]}/refund"
        return browser.post(path, data={"key": key or str(uuid4()), "amount": amount})
