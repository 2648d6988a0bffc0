"""examples/connected-shop with a real Paygraph, Stripe's stand-in and PostgreSQL: what docs/connect.md promises.

`npm ci --ignore-scripts` in the example's folder installs what it needs.
"""

import base64
import hashlib
import hmac
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.client import CREATE_PAYMENT_INTENT
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET
from tests.e2e.connected import FOLDER, NEVER, OFTEN, ConnectedShop, Paygraph
from tests.e2e.databases import own_database
from tests.e2e.processes import HTTP, MAIN, PATIENCE, ROOT, Running, Shell, eventually, shell
from tests.node import needs_node
from tests.ports import free_ports


@pytest.fixture(scope="module")
def town(postgres_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paygraph]:
    with (
        own_database(postgres_url, like=migrated) as database_url,
        shell(tmp_path_factory.mktemp("town")) as sh,
    ):
        port, stripe_port = free_ports(2), free_ports()
        settings = {
            "DATABASE_URL": database_url,
            "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
            "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
            "JWT_SECRET": JWT_SECRET,
            "PORT": str(port),
            "CORS_ORIGINS": f"http://127.0.0.1:{port + 1}",
            "WEBHOOKS_TO_PRIVATE_NETWORKS": "true",  # the shop is on this machine
        }
        hook = f"http://127.0.0.1:{port}/webhooks/stripe"
        stripe = sh.start("sandbox", "--port", str(stripe_port), "--webhook-url", hook, **settings)
        stripe.answers(f"{settings['STRIPE_API_BASE']}/_sandbox/journal")
        yield Paygraph(sh, settings)


@pytest.fixture
def paygraph(town: Paygraph) -> Paygraph:
    """Up, whatever the test before did to it."""
    town.serve()
    return town


@pytest.fixture(scope="module")
def shop_settings(town: Paygraph, postgres_url: str) -> Iterator[dict[str, str]]:
    """With a database that the shop makes itself. One for all tests, since an order's number never comes again."""
    needs_node(FOLDER)
    with own_database(postgres_url, is_made=False) as database_url:
        port = int(town.settings["PORT"]) + 1
        yield {
            "PAYGRAPH_URL": town.url,
            "PAYGRAPH_KEY": town.key(),
            "DATABASE_URL": database_url,
            "STRIPE_JS": f"{town.stripe_url}/v3/stripe.js",
            "PORT": str(port),
            "SHOP_URL": f"http://127.0.0.1:{port}",
            "PULL_EVERY": OFTEN,
        }


@pytest.fixture
def shop(shop_settings: dict[str, str], tmp_path: Path) -> Iterator[ConnectedShop]:
    """The shop, not open yet; closed after the test."""
    with shell(tmp_path) as sh:
        yield ConnectedShop(sh, needs_node(FOLDER), shop_settings)


def test_a_guest_pays_a_changed_order_with_a_voucher_and_gets_one_parcel(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    shop.open(PULL_EVERY=NEVER, PAYGRAPH_WEBHOOK_SECRET=shop.connect())
    order = shop.order(voucher="welcome")
    page = shop.payment_page(order)
    secret = page.client_secret()
    assert page.total == 19_647  # (17,800 − 1,780 + 490) + 19 %

    assert HTTP.post(f"{order}/shipping", data={"shipping": "express"}).status_code == 303
    again = shop.payment_page(order)
    assert (again.order_id, again.total) == (page.order_id, 20_599)
    assert again.client_secret() == secret, "the open form goes on with the new amount"
    by_graphql = again.post(
        "/graphql", {"query": CREATE_PAYMENT_INTENT, "variables": {"orderId": again.order_id}}
    )
    intent = by_graphql.json()["data"]["createPaymentIntent"]
    assert (intent["clientSecret"], intent["amount"]["minorUnits"]) == (secret, 20_599)

    paygraph.pay(secret)
    shop.says(order, "Paid. Thank you!")
    assert shop.parcels(order) == 1


def test_the_shops_page_may_call_paygraph_from_a_browser_and_another_page_may_not(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    shop.open()
    page = shop.payment_page(shop.order())
    for path in ("/api/payments/create-intent", "/graphql"):
        for origin, allowed in ((shop.url, shop.url), ("http://elsewhere.test", None)):
            answer = page.post(path, {"orderId": page.order_id, "query": "{ __typename }"}, Origin=origin)
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_a_webhook_that_comes_again_ships_nothing_more_and_a_forged_one_is_refused(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    secret = shop.connect()
    shop.open(PULL_EVERY=NEVER, PAYGRAPH_WEBHOOK_SECRET=secret)
    order = shop.order()
    page = shop.payment_page(order)
    paygraph.pay(page.client_secret())
    shop.says(order, "Paid. Thank you!")

    data = {"orderId": page.order_id, "reference": shop.number(order)}
    body = json.dumps({"type": "order.paid", "timestamp": "2026-11-26T02:00:00Z", "data": data})
    for _ in range(2):
        assert (
            HTTP.post(f"{shop.url}/webhooks/paygraph", content=body, headers=signed(secret, body)).status_code
            == 204
        )
    forged = body.replace("order.paid", "order.review")
    assert (
        HTTP.post(f"{shop.url}/webhooks/paygraph", content=forged, headers=signed(secret, body)).status_code
        == 400
    )
    assert shop.parcels(order) == 1


def test_the_shop_drops_what_is_older_than_what_it_has_and_asks_for_all_else(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    secret = shop.connect()
    shop.open(PULL_EVERY=NEVER, PAYGRAPH_WEBHOOK_SECRET=secret)
    order = shop.order()
    page = shop.payment_page(order)
    paygraph.pay(page.client_secret())
    shop.says(order, "Paid. Thank you!")
    number = shop.number(order)
    [(revision, asked_at)] = shop.sql("SELECT revision, asked_at FROM orders WHERE number = %s", number)
    assert revision > 0
    earlier, later = (asked_at + timedelta(seconds=seconds) for seconds in (-1, 1))

    def answer(revision: int | None, moment: datetime) -> int:
        data = {"orderId": page.order_id, "reference": number, "revision": revision}
        body = json.dumps({"type": "order.updated", "timestamp": moment.isoformat(), "data": data})
        hook = f"{shop.url}/webhooks/paygraph"
        return HTTP.post(hook, content=body, headers=signed(secret, body)).status_code

    paygraph.stop()  # who asks it gets no answer
    assert [answer(older, earlier) for older in (revision, revision - 1)] == [204, 204]
    assert [answer(newer, earlier) for newer in (revision + 1, None)] == [503, 503]
    assert answer(revision - 1, later) == 503, "behind a restored backup revisions begin again"


def signed(secret: str, body: str) -> dict[str, str]:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    message_id, moment = "msg_1", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{moment}.{body}".encode(), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    names = {"webhook-id": message_id, "webhook-timestamp": moment, "webhook-signature": signature}
    return {"content-type": "application/json", **names}


def test_orders_that_are_placed_while_paygraph_is_down_are_sent_when_it_is_back(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    paygraph.stop()
    shop.open()
    orders = [shop.order(), shop.order()]
    sorry = HTTP.get(f"{orders[0]}/pay")
    assert sorry.status_code == 503
    assert "Your order is kept" in sorry.text
    changed = HTTP.post(f"{orders[0]}/shipping", data={"shipping": "express"})
    assert changed.status_code == 303, "Paygraph does not have the order yet: it is the shop's alone"

    paygraph.serve()
    eventually(lambda: shop.sql("SELECT count(*) FROM outbox") == [(0,)])
    page = shop.payment_page(orders[0])
    assert page.total == 22_717  # (17,800 + 1,290) + 19 %
    secret = page.client_secret()

    paygraph.stop()
    paygraph.pay(secret)  # its webhook finds nobody, and Paygraph is not there to tell the shop
    paygraph.serve()
    shop.says(orders[0], "Paid. Thank you!")
    assert [shop.parcels(order) for order in orders] == [1, 0]


def test_what_was_paid_while_the_shop_was_down_is_pulled(paygraph: Paygraph, shop: ConnectedShop) -> None:
    first = shop.open()
    orders = [shop.order() for _ in range(3)]
    secrets = [shop.payment_page(order).client_secret() for order in orders]
    first.process.kill()
    first.process.wait()
    for secret in secrets:
        paygraph.pay(secret)

    second = shop.open(PULL_EVERY=OFTEN)
    for order in orders:
        shop.says(order, "Paid. Thank you!")
        assert shop.parcels(order) == 1
    [(cursor,)] = eventually(lambda: shop.sql("SELECT cursor FROM paygraph_events WHERE cursor IS NOT NULL"))
    second.process.kill()
    second.process.wait()
    # A backup was restored: all events come again.
    shop.sql("UPDATE paygraph_events SET cursor = NULL RETURNING 1")

    shop.open()
    eventually(lambda: shop.sql("SELECT cursor FROM paygraph_events") == [(cursor,)])
    assert [shop.parcels(order) for order in orders] == [1, 1, 1]


def test_the_shop_gives_money_back_once_for_one_form(paygraph: Paygraph, shop: ConnectedShop) -> None:
    shop.open()
    order = shop.order()
    paygraph.pay(shop.payment_page(order).client_secret())
    shop.says(order, "Paid. Thank you!")
    with shop.shopkeeper() as browser:
        for _ in range(2):  # a double click
            assert shop.refund(browser, order, amount="1000", key="form-1").status_code == 200
        assert "PARTIALLY_REFUNDED" in browser.get("/admin").text
        assert shop.refund(browser, order, amount="9999999").status_code == 409
        assert shop.refund(browser, order).status_code == 200
    shop.says(order, "Your money went back to you.")
    refunds = HTTP.get(f"{paygraph.stripe_url}/v1/refunds", auth=(STRIPE.secret_keys[0], "")).json()["data"]
    assert sorted(refund["amount"] for refund in refunds) == [1_000, 20_765]


def test_nothing_is_shipped_for_another_total_than_the_shops(paygraph: Paygraph, shop: ConnectedShop) -> None:
    shop.open()
    order = shop.order()
    secret = shop.payment_page(order).client_secret()
    shop.sql("UPDATE orders SET total = total + 100 WHERE number = %s RETURNING 1", shop.number(order))
    paygraph.pay(secret)
    shop.says(order, "Paid. Thank you!")
    assert shop.parcels(order) == 0
    with shop.shopkeeper() as browser:
        assert "Paid another total" in browser.get("/admin").text
        browser.post(f"/admin/orders/{order.rpartition('/')[2]}/ship")
    assert shop.parcels(order) == 1


def test_an_order_is_opened_by_its_address_or_its_user_and_by_nobody_else(
    paygraph: Paygraph, shop: ConnectedShop
) -> None:
    shop.open()
    [(shop_id,)] = shop.sql(
        "INSERT INTO orders (user_id, email, shipping, lines, total) VALUES ('ada', 'ada@shop.test', 'parcel', '[]', 1)"
        " RETURNING id"
    )
    assert HTTP.get(f"{shop.url}/orders/{shop_id}").status_code == 404
    assert HTTP.get(f"{shop.url}/orders/{shop_id}/pay").status_code == 404
    assert HTTP.get(f"{shop.url}/orders/nonsense").status_code == 404
    assert HTTP.get(f"{shop.url}/admin").headers["location"] == "/sign-in"
    with shop.shopkeeper() as browser:
        assert browser.get(f"/orders/{shop_id}").status_code == 200


def test_a_shop_whose_port_is_taken_ends_and_says_so(paygraph: Paygraph, shop: ConnectedShop) -> None:
    with socket.create_server(("127.0.0.1", int(shop.settings["PORT"]))):
        running = shop.sh.start_program("shop", shop.node, FOLDER / "server.js", **shop.settings)
        assert running.process.wait(PATIENCE) != 0
    assert "EADDRINUSE" in running.output
    assert "The shop is at" not in running.output


def test_the_shops_own_tests_pass() -> None:
    done = subprocess.run(  # noqa: S603  its own command line
        [needs_node(FOLDER), "--test"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


BEGIN, BY_HAND = re.findall(r"```sh\n(.+?)```", (ROOT / "docs/connect.md").read_text(), re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_of_the_documentation_take_a_shop_to_its_first_parcel(tmp_path: Path) -> None:
    node, port, shop_port = needs_node(FOLDER), free_ports(2), free_ports()
    folder = shutil.copytree(FOLDER, tmp_path / "shop", ignore=shutil.ignore_patterns("node_modules", ".env"))
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    url = f"http://127.0.0.1:{shop_port}"
    elsewhere = {"PAYGRAPH_URL": f"http://127.0.0.1:{port}", "PORT": str(shop_port), "SHOP_URL": url}

    with shell(tmp_path) as sh:
        demo = sh.start("demo", PORT=str(port), DATA_DIR=str(tmp_path / "data"), CORS_ORIGINS=url)
        demo.answers(f"http://127.0.0.1:{port}/readyz")
        typed(sh, as_here(BEGIN, folder, port), **elsewhere)
        running = npm_start(sh, folder, **elsewhere)

        told = typed(sh, as_here(BY_HAND, folder, port))
        assert len(secrets := re.findall(r"pi_\w+_secret_\w+", told)) == 2
        assert secrets[0] == secrets[1]
        settings = {**elsewhere, "DATABASE_URL": env_of(folder)["DATABASE_URL"]}
        shop = ConnectedShop(sh, node, settings)
        order = shop.order(voucher="WELCOME")
        stripe = {"STRIPE_API_BASE": f"http://127.0.0.1:{port + 1}"}
        Paygraph(sh, stripe).pay(shop.payment_page(order).client_secret())
        shop.says(order, "Paid. Thank you!")
        assert shop.parcels(order) == 1

        running.stop()
        away = npm_start(sh, folder, **{**elsewhere, "PAYGRAPH_URL": "http://127.0.0.1:9"})
        kept = shop.order()
        assert "Your order is kept" in HTTP.get(f"{kept}/pay").text
        away.stop()
        npm_start(sh, folder, **elsewhere)
        eventually(lambda: not shop.sql("SELECT 1 FROM outbox"))
        assert shop.payment_page(kept).client_secret() not in secrets


def as_here(lines: str, folder: Path, port: int) -> str:
    """The documentation's lines, for a copy of the shop beside the demo's `data`, and a demo on another port."""
    for there, here in {
        "examples/connected-shop": str(folder),
        "npm ci --ignore-scripts\n": "",
        "npm start\n": "",
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "127.0.0.1:8001": f"127.0.0.1:{port + 1}",
        ".data/": f"{folder.parent}/data/",
        ".venv/bin/python main.py": f"{sys.executable} {MAIN}",
    }.items():
        lines = lines.replace(there, here)
    return lines


def npm_start(sh: Shell, folder: Path, **settings: str) -> Running:
    start = json.loads((folder / "package.json").read_text())["scripts"]["start"]
    running = sh.start_program("shop", "/bin/bash", "-c", f"cd {folder}; exec {start}", **settings)
    running.answers(settings["SHOP_URL"])
    return running


def typed(sh: Shell, lines: str, **settings: str) -> str:
    """What lines print that a person types into a shell."""
    done = subprocess.run(  # noqa: S603  the documentation's own words
        ["/bin/bash", "-euo", "pipefail", "-c", lines],
        cwd=sh.folder,
        env=sh.environment(settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def env_of(folder: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in (folder / ".env").read_text().splitlines())
    return {name: value for name, _, value in pairs}
