"""Whoever places or makes something has it once where the database ends the connection over a COMMIT."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text

from runtime.database.database import Database, build_database
from services.identity.principal import Principal, Scope
from services.identity.service_keys import ServiceKeys
from services.orders.checkout_tokens import CheckoutTokenMaker
from services.orders.orders import Orders, WantedItem
from tests.make import Shop

SHOPKEEPER = Principal("shopkeeper", roles=frozenset({"merchant"}))


class LostAnswers:
    """The first statement that begins with `word` is carried out, and its answer gets lost."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.lost = 0

    @contextmanager
    def __call__(self, sql: str) -> Iterator[None]:
        yield
        if sql.startswith(self._word) and not self.lost:
            self.lost += 1
            raise psycopg.OperationalError("the connection is closed")


@pytest.fixture
async def forgetful(postgres_url: str, database: Database) -> Database:
    return build_database(postgres_url)


@pytest.mark.parametrize("key", [None, "cart-1"])
async def test_an_order_is_placed_once(
    forgetful: Database, shop: Shop, database: Database, key: str | None
) -> None:
    product = await shop.product()
    answers = forgetful.watch = LostAnswers("COMMIT")

    placed = await Orders(forgetful).place("ada", [WantedItem(str(product), 2)], None, key)

    assert answers.lost == 1
    [order] = await database.rows(text("SELECT id, version, revision FROM orders"))
    assert (placed.id, placed.version, placed.revision) == (order.id, order.version, order.revision)
    assert [line.quantity for line in placed.lines] == [2]
    await forgetful.close()


async def test_a_service_key_that_is_told_is_the_one_that_was_made(forgetful: Database) -> None:
    answers = forgetful.watch = LostAnswers("INSERT INTO service_keys")
    keys = ServiceKeys(forgetful)

    view, secret = await keys.create(SHOPKEEPER, "warehouse", [Scope.ORDERS_READ])

    assert answers.lost == 1
    assert (await keys.principal_of(secret)).key_id == view.id
    assert [each.id for each in await keys.list()] == [view.id]
    await forgetful.close()


async def test_a_checkout_token_opens_the_order_that_it_was_made_for(
    forgetful: Database, shop: Shop, database: Database
) -> None:
    order_id = await shop.order()
    answers = forgetful.watch = LostAnswers("INSERT INTO checkout_tokens")

    made = await CheckoutTokenMaker(forgetful).create(SHOPKEEPER, order_id, minutes=60)

    assert answers.lost == 1
    [row] = await database.rows(text("SELECT order_id, expires_at FROM checkout_tokens"))
    assert (row.order_id, row.expires_at) == (order_id, made.expires_at)
    await forgetful.close()
