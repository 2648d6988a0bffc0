"""The shops that `make bench` measures can be written into today's tables, triggers or none."""

from sqlalchemy import text

from bench import account, growth
from runtime.database.database import build_database

PRODUCT = text(
    "INSERT INTO products (id, name, unit_amount, currency) VALUES (gen_random_uuid(), 'Mug', 1999, 'USD')"
)
OWN = text("SELECT count(*) AS number FROM payments JOIN installation ON installation_id = installation.id")


async def test_a_shop_that_has_grown(own_url: str) -> None:
    database = build_database(own_url)
    await database.rows(PRODUCT)

    growth.fill(own_url, 200)

    assert [row.number for row in await database.rows(OWN)] == [200]
    await database.close()


async def test_a_shop_on_a_busy_account(own_url: str) -> None:
    database = build_database(own_url)

    await account.fill(database, 200)

    assert [row.number for row in await database.rows(OWN)] == [200]
    await database.close()
