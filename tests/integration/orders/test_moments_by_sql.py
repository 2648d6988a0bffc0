"""Moments that somebody sets by SQL, such as `infinity`: they are read, and hold up nothing else."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.connections import Connection
from runtime.database.database import Database
from runtime.database.statements import sql_of
from services.identity.principal import Principal, Scope
from services.identity.service_keys import ServiceKeys
from services.orders.orders import Orders
from tests.conftest import Stripe
from tests.proof.whole_shop import ADA, WholeShop

OPERATOR = Principal("operator")
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
FAR = ["infinity", "12026-01-01Z", "9999-12-31 23:59:59.999999+00"]
LONG_AGO = ["-infinity", "0044-03-15 12:00:00+00 BC"]


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def expiring(whole_shop: WholeShop, moment: str) -> UUID:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    change = text("UPDATE orders SET expires_at = CAST(:moment AS text)::timestamptz WHERE id = :id")
    await whole_shop.shop.database.rows(change, {"id": order_id, "moment": moment})
    return order_id


@pytest.mark.parametrize("moment", FAR)
async def test_an_order_that_never_expires_is_read_and_paid(
    whole_shop: WholeShop, database: Database, moment: str
) -> None:
    order_id = await expiring(whole_shop, moment)
    await whole_shop.shop.order()

    found = await Orders(database).find(ADA, order_id)
    assert found is not None
    assert found.expires_at == LAST
    page = await Orders(database).page("ada", first=10, after=None, status=None)
    assert len(page.items) == 2
    whole_shop.sandbox.pay((await whole_shop.ask(order_id)).id)
    await whole_shop.sweep.run()
    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID


@pytest.mark.parametrize("moment", LONG_AGO)
async def test_an_order_that_expired_before_all_time_is_read_and_canceled(
    whole_shop: WholeShop, database: Database, moment: str
) -> None:
    order_id = await expiring(whole_shop, moment)

    found = await Orders(database).find(ADA, order_id)
    assert found is not None
    assert found.expires_at == FIRST
    findings = await whole_shop.sweep.run()
    assert findings.unfinished == []
    assert await whole_shop.shop.status(order_id) is OrderStatus.CANCELED


async def test_a_key_that_never_ends_opens_and_keeps_no_other_from_opening(database: Database) -> None:
    keys = ServiceKeys(database)
    _, endless = await keys.create(OPERATOR, "endless", [Scope.ORDERS_READ])
    _, other = await keys.create(OPERATOR, "other", [Scope.ORDERS_READ])
    await database.rows(text("UPDATE service_keys SET expires_at = 'infinity' WHERE name = 'endless'"))

    for secret in (endless, other):
        assert (await ServiceKeys(database).principal_of(secret)).scopes == {Scope.ORDERS_READ}
    assert {key.expires_at for key in await keys.list()} == {LAST, None}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
async def test_the_zone_of_a_session_changes_nothing(postgres_url: str, zone: str) -> None:
    joint = "&" if "?" in postgres_url else "?"
    connection = await Connection.to(f"{postgres_url}{joint}options=-ctimezone%3D{zone}")
    try:
        for moment, read in [*((each, LAST) for each in FAR), *((each, FIRST) for each in LONG_AGO)]:
            [row] = await connection.run(
                sql_of(text(f"SELECT CAST('{moment}' AS timestamptz) AS moment"), ()), {}
            )
            assert row.moment == read
        [row] = await connection.run(
            sql_of(text("SELECT CAST('2026-11-26 12:00Z' AS timestamptz) AS moment"), ()), {}
        )
        assert row.moment == datetime(2026, 11, 26, 12, tzinfo=UTC)
    finally:
        connection.close()
