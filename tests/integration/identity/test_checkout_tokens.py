"""Checkout tokens: one order is opened to whoever holds one, and nothing else is; they end with the order."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.identity.callers import Callers
from services.identity.checkout_tokens import CheckoutTokens
from services.identity.principal import Principal
from services.identity.service_keys import ServiceKeys
from services.identity.token_claims import InvalidToken
from services.identity.tokens import TokenVerifier
from services.orders.checkout_tokens import CheckoutTokenMaker
from services.orders.refusals import OrderNotPayable
from settings import Settings
from tests.client import CREATE_PAYMENT_INTENT, ORDER, Client
from tests.conftest import Stripe
from tests.make import Shop
from tests.tokens import Clock

CREATE = """
mutation Create($id: ID!, $minutes: Int!) {
  createCheckoutToken(orderId: $id, minutes: $minutes) {
    __typename
    ... on CheckoutToken { token expiresAt order { id status } }
    ... on UserError { code }
    ... on OrderNotPayable { orderStatus }
  }
}
"""
CANCEL = (
    "mutation Cancel($id: ID!) { cancelOrder(orderId: $id) "
    "{ __typename ... on Order { status } ... on UserError { code } } }"
)
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
SHOP = Principal("shopkeeper", roles=frozenset({"merchant"}))


async def with_token(http: httpx.AsyncClient, token: str, query: str, **variables: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    body = json.dumps({"query": query, "variables": variables})
    answer: dict[str, Any] = (await http.post("/graphql", content=body, headers=headers)).json()
    return answer


def code_of(answer: dict[str, Any]) -> str:
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def created(client: Client, order_id: UUID, minutes: int = 60) -> dict[str, Any]:
    variables = {"id": str(order_id), "minutes": minutes}
    made: dict[str, Any] = (await client.data(CREATE, variables, **MERCHANT))["createCheckoutToken"]
    return made


async def guests_order(shop: Shop) -> UUID:
    """An order that nobody owns, as a shop imports it for a guest."""
    order_id = await shop.order()
    await shop.set_order(order_id, user_id=None)
    return order_id


async def test_a_guest_reads_pays_and_cancels_the_order_of_the_token(
    client: Client, http: httpx.AsyncClient, shop: Shop, stripe: Stripe
) -> None:
    for ending in ("pay", "cancel"):
        order_id = await guests_order(shop)
        token = (await created(client, order_id))["token"]
        read = await with_token(http, token, ORDER, id=str(order_id))
        assert read["data"]["order"]["total"]["minorUnits"] == 5_248
        if ending == "cancel":
            gone = await with_token(http, token, CANCEL, id=str(order_id))
            assert gone["data"]["cancelOrder"]["status"] == "CANCELED"
            continue
        paid = [
            (await with_token(http, token, CREATE_PAYMENT_INTENT, orderId=str(order_id)))["data"]
            for _ in range(2)
        ]
        assert paid[0] == paid[1]
        assert "_secret_" in paid[0]["createPaymentIntent"]["clientSecret"]


async def test_no_other_order_is_opened_and_none_tells_that_it_is_there(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    token = (await created(client, await guests_order(shop)))["token"]
    foreign, missing = str(await shop.order(user="ada")), str(uuid4())
    for query, name in ((ORDER, "id"), (CREATE_PAYMENT_INTENT, "orderId"), (CANCEL, "id")):
        answers = [await with_token(http, token, query, **{name: order}) for order in (foreign, missing)]
        assert answers[0] == answers[1]
        assert "errors" not in answers[0]
    for query in (
        "{ orders { nodes { id } } }",
        "{ serviceKeys { id } }",
        "mutation { createOrder(input: {items: []}) { __typename } }",
        'mutation { refundOrder(input: {orderId: "1", idempotencyKey: "k"}) { __typename } }',
        'mutation { createCheckoutToken(orderId: "1") { __typename } }',
    ):
        assert code_of(await with_token(http, token, query)) == "FORBIDDEN"
    assert (await with_token(http, token, "{ me { id } }"))["data"] == {"me": None}


async def test_the_shop_alone_sees_the_history_of_a_payment(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    order_id = await guests_order(shop)
    token = (await created(client, order_id))["token"]
    await with_token(http, token, CREATE_PAYMENT_INTENT, orderId=str(order_id))
    query = "query($id: ID!) { order(id: $id) { payments { history { cause } } } }"
    answer = await with_token(http, token, query, id=str(order_id))
    assert answer["data"]["order"]["payments"] == [{"history": None}]


async def test_only_the_shop_gives_checkout_tokens(client: Client, shop: Shop) -> None:
    order_id = await shop.order(user="ada")
    variables = {"id": str(order_id), "minutes": 60}
    assert code_of(await client.ask(CREATE, variables, user="ada")) == "FORBIDDEN"
    for missing in (str(uuid4()), "nonsense"):
        refused = (await client.data(CREATE, {**variables, "id": missing}, **MERCHANT))["createCheckoutToken"]
        assert refused == {"__typename": "OrderNotFound", "code": "ORDER_NOT_FOUND"}
    for minutes in (0, -1, 43_201, 2_000_000_000):
        bad = await client.ask(CREATE, {**variables, "minutes": minutes}, **MERCHANT)
        assert code_of(bad) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        (
            {"expires_at": text("now() - interval '1 second'")},
            "CANCELED",
        ),  # as it will be with the next sweep
        ({"status": OrderStatus.PAID, "updated_at": text("now() - interval '61 minutes'")}, "PAID"),
        ({"status": OrderStatus.CANCELED, "updated_at": text("now() - interval '2 days'")}, "CANCELED"),
        ({"status": OrderStatus.PAID, "expires_at": text("now() - interval '1 second'")}, "PAID"),
    ],
)
async def test_there_is_no_token_that_would_open_nothing(
    client: Client, database: Database, shop: Shop, change: dict[str, Any], standing: str
) -> None:
    order_id = await guests_order(shop)
    await shop.set_order(order_id, created_at=text("now() - interval '3 days'"), **change)
    refused = await created(client, order_id)
    assert refused == {
        "__typename": "OrderNotPayable",
        "code": "ORDER_NOT_PAYABLE",
        "orderStatus": standing,
    }
    assert not await database.rows(text("SELECT 1 FROM checkout_tokens"))


async def test_a_token_for_an_order_that_was_paid_just_now_shows_that(client: Client, shop: Shop) -> None:
    order_id = await guests_order(shop)
    await shop.set_order(order_id, status=OrderStatus.PAID, updated_at=text("now()"))
    assert (await created(client, order_id))["order"]["status"] == "PAID"


async def test_a_token_ends_at_its_time_or_with_the_orders_expiry(
    client: Client, database: Database, shop: Shop
) -> None:
    order_id = await guests_order(shop)
    later = datetime.fromisoformat((await created(client, order_id, 600))["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=599) < later <= timedelta(minutes=600)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    await shop.set_order(order_id, expires_at=soon)
    made = await created(client, order_id, 600)
    assert datetime.fromisoformat(made["expiresAt"]) == soon
    await database.rows(text("UPDATE checkout_tokens SET expires_at = now()"))
    with pytest.raises(InvalidToken, match="unknown checkout token"):
        await CheckoutTokens(database).principal_of(made["token"])


@pytest.mark.parametrize("ended", [OrderStatus.PAID, OrderStatus.CANCELED, OrderStatus.REFUNDED])
async def test_a_token_shows_how_the_order_ended_for_an_hour_and_not_longer(
    database: Database, shop: Shop, ended: OrderStatus
) -> None:
    order_id = await guests_order(shop)
    token = (await CheckoutTokenMaker(database).create(SHOP, order_id, 600)).token
    await shop.set_order(order_id, status=ended, updated_at=text("now()"))
    assert (await CheckoutTokens(database).principal_of(token)).order_id == order_id
    await shop.set_order(order_id, updated_at=text("now() - interval '61 minutes'"))
    with pytest.raises(InvalidToken):
        await CheckoutTokens(database).principal_of(token)
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    await CheckoutTokens(database).principal_of(token)


async def until(database: Database, order_id: UUID, ago: str) -> None:
    """Whatever happened to the order so far was so long ago."""
    parameters = {"id": order_id, "ago": ago}
    for statement in (
        "UPDATE shop_events SET created_at = created_at - CAST(:ago AS text)::interval WHERE order_id = :id",
        "UPDATE orders SET updated_at = updated_at - CAST(:ago AS text)::interval WHERE id = :id",
    ):
        await database.rows(text(statement), parameters)


@pytest.mark.parametrize("ended", [OrderStatus.PAID, OrderStatus.CANCELED])
async def test_a_token_that_ended_with_its_order_stays_so_whatever_becomes_of_the_order(
    database: Database, shop: Shop, ended: OrderStatus
) -> None:
    order_id = await guests_order(shop)
    maker = CheckoutTokenMaker(database)
    token = (await maker.create(SHOP, order_id, 600)).token
    await shop.set_order(order_id, status=ended, updated_at=text("now()"))
    await until(database, order_id, "61 minutes")
    for later in (OrderStatus.PARTIALLY_REFUNDED, OrderStatus.REFUNDED, ended):
        await shop.set_order(order_id, status=later, updated_at=text("now()"))
        with pytest.raises(InvalidToken):
            await CheckoutTokens(database).principal_of(token)
        with pytest.raises(OrderNotPayable):
            await maker.create(SHOP, order_id, 600)


async def test_an_order_that_was_open_again_ends_anew(database: Database, shop: Shop) -> None:
    order_id = await guests_order(shop)
    token = (await CheckoutTokenMaker(database).create(SHOP, order_id, 600)).token
    for again in (OrderStatus.PENDING, OrderStatus.REVIEW):
        await shop.set_order(order_id, status=OrderStatus.CANCELED, updated_at=text("now()"))
        await until(database, order_id, "61 minutes")
        with pytest.raises(InvalidToken):
            await CheckoutTokens(database).principal_of(token)
        for status in (again, OrderStatus.PAID):
            await shop.set_order(order_id, status=status, updated_at=text("now()"))
            assert (await CheckoutTokens(database).principal_of(token)).order_id == order_id


async def test_a_token_goes_with_its_order_and_old_ones_are_forgotten(database: Database, shop: Shop) -> None:
    first, second = await guests_order(shop), await guests_order(shop)
    maker = CheckoutTokenMaker(database)
    for order_id in (first, second):
        await maker.create(SHOP, order_id, 60)
    await database.rows(text("DELETE FROM order_items"))
    await database.rows(text("DELETE FROM orders WHERE id = :id"), {"id": first})
    count = text("SELECT count(*) AS count FROM checkout_tokens")
    assert (await database.rows(count))[0].count == 1
    await database.rows(text("UPDATE checkout_tokens SET expires_at = now() - interval '25 hours'"))
    await maker.create(SHOP, second, 60)
    assert (await database.rows(count))[0].count == 1


async def test_a_page_that_asks_often_costs_one_statement_in_five_seconds(
    database: Database, shop: Shop
) -> None:
    clock = Clock()
    tokens = CheckoutTokens(database, now=clock)
    token = (await CheckoutTokenMaker(database).create(SHOP, await guests_order(shop), 60)).token
    first = await tokens.principal_of(token)
    assert await tokens.principal_of(token) is first
    clock.now += 5
    assert await tokens.principal_of(token) is not first


async def test_who_stayed_with_a_token_is_asked_again_and_ends_with_the_order(
    settings: Settings, database: Database, shop: Shop
) -> None:
    """As a socket does for each operation and each piece of news."""
    clock = Clock()
    order_id = await guests_order(shop)
    token = (await CheckoutTokenMaker(database).create(SHOP, order_id, 60)).token
    callers = Callers(
        TokenVerifier(settings.token_rules()), ServiceKeys(database), CheckoutTokens(database, now=clock)
    )
    guest = await callers.principal_of(token)
    assert await callers.is_valid(guest)
    await database.rows(
        text("UPDATE orders SET status = 'canceled', cancel_reason = 'customer' WHERE id = :id"),
        {"id": order_id},
    )
    await database.rows(text("UPDATE orders SET updated_at = now() - interval '3 days'"))
    clock.now += 5
    assert not await callers.is_valid(guest)


async def test_the_tokens_of_one_order_share_its_limit(
    settings: Settings, client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    order_id = await guests_order(shop)
    tokens = [(await created(client, order_id))["token"] for _ in range(2)]
    kinds = [
        (await with_token(http, tokens[n % 2], CREATE_PAYMENT_INTENT, orderId=str(order_id)))["data"][
            "createPaymentIntent"
        ]["__typename"]
        for n in range(settings.payments_per_minute_of_order + 1)
    ]
    assert kinds.count("RateLimited") == 1


async def test_a_token_is_kept_as_its_hash(client: Client, database: Database, shop: Shop) -> None:
    token = (await created(client, await guests_order(shop)))["token"]
    rows = await database.rows(text("SELECT checkout_tokens::text AS shown FROM checkout_tokens"))
    assert token not in rows[0].shown
