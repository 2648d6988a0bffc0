"""Card testing with an account for each card: declines are counted by the address that a trusted proxy vouches for."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from main import build_app
from models.declines.tables import MOST_OF_ADDRESS, MOST_OF_USER
from runtime.addresses import TrustedProxies
from runtime.database.database import Database
from services.payments.declines import REFUSED_ADDRESSES, Declines
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET
from tests.make import Shop

PROXY, THIEF, HONEST = "10.0.0.7", "203.0.113.9", "198.51.100.4"
PAY = (
    "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename ... on PaymentIntent { id } "
    "... on RateLimited { retryable retryAfter } } }"
)


class Visitors:
    """Customers behind a proxy that says where each of them is."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def pay(self, order_id: UUID, address: str | None, user: str = "ada") -> dict[str, Any]:
        headers = {"X-Forwarded-For": f"192.0.2.66, {address}"} if address else {}
        token = Client(self._http, JWT_SECRET).token(user)
        answer = await self._http.post(
            "/graphql",
            json={"query": PAY, "variables": {"id": str(order_id)}},
            headers={**headers, "Authorization": f"Bearer {token}"},
        )
        paid: dict[str, Any] = answer.json()["data"]["createPaymentIntent"]
        return paid


@pytest.fixture
async def visitors(settings: Settings, database: Database) -> AsyncIterator[Visitors]:
    trusting = settings.model_copy(update={"trusted_proxies": (PROXY,)})
    app = build_app(trusting)
    behind = ProxyHeadersMiddleware(app, trusted_hosts=[PROXY])  # type: ignore[arg-type]
    transport = httpx.ASGITransport(behind, client=(PROXY, 1))  # type: ignore[arg-type]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http,
    ):
        yield Visitors(http)


@pytest.fixture
def declines(database: Database, gateway: StripeGateway) -> Declines:
    return Declines(database, gateway)


async def declined(declines: Declines, intent: str, cards: int) -> None:
    await declines.count(intent, [f"evt_{intent}_{number}" for number in range(cards)])


async def addresses(database: Database) -> list[str | None]:
    rows = await database.rows(text("SELECT address FROM declines ORDER BY event_id"))
    return [row.address for row in rows]


async def test_a_hundred_declines_from_one_address_are_enough_whoever_signs_in_there(
    visitors: Visitors, declines: Declines, shop: Shop
) -> None:
    open_ones = []
    for number in range(MOST_OF_ADDRESS // 5):
        order_id = await shop.order(user=f"thief-{number}")
        intent = (await visitors.pay(order_id, THIEF, f"thief-{number}"))["id"]
        await declined(declines, intent, 5)
        open_ones.append(order_id)
    refused_before = REFUSED_ADDRESSES._value.get()  # noqa: SLF001  the public way is a scrape

    order_id = await shop.order(user="thief-new")
    refused = await visitors.pay(order_id, THIEF, "thief-new")
    assert (refused["__typename"], refused["retryable"]) == ("RateLimited", True)
    assert 3_500 < refused["retryAfter"] <= 3_600
    assert not await shop.payments(order_id), "nothing was recorded"
    assert REFUSED_ADDRESSES._value.get() == refused_before + 1  # noqa: SLF001

    assert (await visitors.pay(await shop.order(), HONEST))["__typename"] == "PaymentIntent"
    # What honest customers of the same address were given stays payable.
    assert {(await shop.payments(each))[0].state for each in open_ones} == {"open"}


async def test_an_address_waits_until_its_declines_are_an_hour_old(
    visitors: Visitors, declines: Declines, shop: Shop, database: Database
) -> None:
    for number in range(MOST_OF_ADDRESS // 5):
        order_id = await shop.order(user=str(number))
        await declined(declines, (await visitors.pay(order_id, THIEF, str(number)))["id"], 5)
    await database.rows(text("UPDATE declines SET at = at - interval '59 minutes'"))
    assert 0 < (await visitors.pay(await shop.order(), THIEF))["retryAfter"] <= 60
    await database.rows(text("UPDATE declines SET at = at - interval '2 minutes'"))
    assert (await visitors.pay(await shop.order(), THIEF))["__typename"] == "PaymentIntent"


async def test_a_decline_counts_for_the_address_that_asked_last(
    visitors: Visitors, declines: Declines, shop: Shop, database: Database
) -> None:
    order_id = await shop.order()
    intent = (await visitors.pay(order_id, HONEST))["id"]
    await declined(declines, intent, 1)
    assert (await visitors.pay(order_id, "2001:db8:1:2:3::4"))["id"] == intent
    await declines.count(intent, ["evt_later"])
    assert await addresses(database) == ["2001:db8:1:2::/64", HONEST]


async def test_nobody_notes_an_address_for_anothers_order(
    visitors: Visitors, declines: Declines, shop: Shop, database: Database
) -> None:
    order_id = await shop.order(user="ada")
    intent = (await visitors.pay(order_id, HONEST))["id"]
    assert (await visitors.pay(order_id, THIEF, "mallory"))["__typename"] == "OrderNotFound"
    await declined(declines, intent, 1)
    assert await addresses(database) == [HONEST]


async def test_without_a_proxys_word_no_address_is_noted(
    visitors: Visitors, client: Client, declines: Declines, shop: Shop, database: Database
) -> None:
    asked = [await shop.order() for _ in range(3)]
    await visitors.pay(asked[0], None)
    await visitors.pay(asked[1], "unknown")
    await client.data(PAY, {"id": str(asked[2])})
    for order_id in asked:
        [payment] = await shop.payments(order_id)
        await declined(declines, payment.intent_id or "", 1)
    assert await addresses(database) == [None] * 3
    assert not await database.rows(text("SELECT 1 FROM payer_addresses"))


async def test_asking_again_writes_seldom_and_old_addresses_are_forgotten(
    visitors: Visitors, shop: Shop, database: Database
) -> None:
    order_id = await shop.order()
    for _ in range(3):
        await visitors.pay(order_id, HONEST)
    written = text("SELECT xmin::text AS version, at FROM payer_addresses")
    [first] = await database.rows(written)
    await visitors.pay(order_id, HONEST)
    assert await database.rows(written) == [first]
    await database.rows(text("UPDATE payer_addresses SET at = now() - interval '25 hours'"))
    await visitors.pay(await shop.order(), HONEST)
    assert [row.at > first.at for row in await database.rows(written)] == [True]


def test_an_address_has_more_declines_than_a_user() -> None:
    assert MOST_OF_ADDRESS >= 3 * MOST_OF_USER


def test_a_proxys_own_address_is_nobodys() -> None:
    proxies = TrustedProxies(("10.0.0.0/8", "2001:db8::1"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "", "unknown", "/run/paygraph.sock"):
        assert proxies.vouch_for(address) is None
    assert proxies.vouch_for(THIEF) == THIEF
    assert proxies.vouch_for("2001:db8::2") == "2001:db8::/64"
    assert TrustedProxies().vouch_for(THIEF) is None
