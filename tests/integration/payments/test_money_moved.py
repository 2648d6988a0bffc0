"""What came in, went back and was disputed in a time: each amount once, in its currency, at its moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from runtime.database.database import Database
from services.identity.principal import Principal, Scope
from services.identity.service_keys import ServiceKeys
from tests.client import Client
from tests.make import Shop

MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
MOVED = """
query Moved($from: DateTime!, $to: DateTime!) {
  moneyMoved(from: $from, to: $to) {
    currency
    received { minorUnits amount }
    refunded { minorUnits }
    disputed { minorUnits }
  }
}
"""
DAY = datetime(2026, 3, 29, tzinfo=UTC)
NOTHING: list[Any] = []


async def money(shop: Shop, amount: int, currency: str) -> UUID:
    """A payment that succeeds now: the trigger says when."""
    order_id = await shop.order(currency=currency)
    payment_id = uuid4()
    row = {"id": payment_id, "order_id": order_id, "amount": amount, "currency": currency}
    await shop.database.rows(
        text(
            "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount, currency,"
            " order_version, amount_received, cause) VALUES (:id, :order_id, 'succeeded', 'settled', :key,"
            " :intent, :amount, :currency, 1, :amount, 'test')"
        ),
        row | {"key": payment_id.hex, "intent": f"pi_{payment_id.hex}"},
    )
    return payment_id


async def refund(database: Database, payment_id: UUID, amount: int, state: str, at: datetime) -> None:
    await database.rows(
        text(
            "INSERT INTO refunds (id, payment_id, state, cause, amount, stripe_refund_id, created_at)"
            " VALUES (:id, :payment_id, :state, 'dashboard', :amount, :key, :at)"
        ),
        {
            "id": uuid4(),
            "key": f"re_{uuid4().hex}",
            "payment_id": payment_id,
            "state": state,
            "amount": amount,
            "at": at,
        },
    )


async def dispute(database: Database, payment_id: UUID, amount: int, at: datetime) -> None:
    await database.rows(
        text(
            "INSERT INTO disputes (id, payment_id, status, reason, amount, created_at)"
            " VALUES (:id, :payment_id, 'won', 'general', :amount, :at)"
        ),
        {"id": f"dp_{uuid4().hex}", "payment_id": payment_id, "amount": amount, "at": at},
    )


async def moved(client: Client, since: datetime, until: datetime) -> list[tuple[str, int, int, int]]:
    variables = {"from": since.isoformat(), "to": until.isoformat()}
    found = (await client.data(MOVED, variables, **MERCHANT))["moneyMoved"]
    names = ("received", "refunded", "disputed")
    return [(each["currency"], *(each[name]["minorUnits"] for name in names)) for each in found]


async def test_each_currency_has_its_sums_of_the_time(client: Client, shop: Shop, database: Database) -> None:
    now = datetime.now(UTC)
    before, after = now - timedelta(minutes=5), now + timedelta(minutes=5)
    dollars = await money(shop, 5_000, "USD")
    await money(shop, 2_500, "USD")
    yen = await money(shop, 900, "JPY")
    await refund(database, dollars, 1_000, "succeeded", now)
    await refund(database, dollars, 500, "pending", now)
    for ended in ("failed", "canceled"):
        await refund(database, dollars, 700, ended, now)
    await refund(database, yen, 100, "succeeded", DAY - timedelta(microseconds=1))
    await refund(database, yen, 10, "succeeded", DAY)
    await refund(database, yen, 1, "succeeded", DAY + timedelta(days=1))
    await dispute(database, dollars, 3_000, now)

    assert await moved(client, before, after) == [("JPY", 900, 0, 0), ("USD", 7_500, 1_500, 3_000)]
    assert await moved(client, DAY, DAY + timedelta(days=1)) == [("JPY", 0, 10, 0)]
    assert await moved(client, DAY - timedelta(days=30), DAY - timedelta(days=1)) == NOTHING


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (timedelta(0), "later than"),
        (timedelta(seconds=-1), "later than"),
        (timedelta(days=31, hours=1, seconds=1), "31 days"),
    ],
    ids=str,
)
async def test_a_time_that_is_none_or_too_long_is_bad_input(
    client: Client, length: timedelta, why: str
) -> None:
    variables = {"from": DAY.isoformat(), "to": (DAY + length).isoformat()}
    [error] = (await client.ask(MOVED, variables, **MERCHANT))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert why in error["message"]


async def test_it_is_for_the_shop_alone(client: Client, shop: Shop) -> None:
    keys = ServiceKeys(shop.database)
    variables = {"from": DAY.isoformat(), "to": (DAY + timedelta(days=31, hours=1)).isoformat()}
    for user, code in (("ada", "FORBIDDEN"), (None, "UNAUTHENTICATED")):
        [error] = (await client.ask(MOVED, variables, user=user))["errors"]
        assert error["extensions"]["code"] == code
    for scope in Scope:
        _, secret = await keys.create(Principal("operator"), "k", [scope])
        answer = await client.http.post(
            "/graphql",
            json={"query": MOVED, "variables": variables},
            headers={"authorization": f"Bearer {secret}"},
        )
        assert ("errors" not in answer.json()) is (scope is Scope.ORDERS_READ), scope
