"""The two roles of docs/operations/sql: its files are run, and the server's role can do its work and nothing else."""

import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Delete, Insert, Select, Update, make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

import models
from models.operations.privileges import ALL, HELD, needed_privileges
from runtime.database.database import Database, build_database
from runtime.database.statements import Query
from runtime.embedded_postgres import embedded_postgres
from services.operations import migrations
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, make_settings, running
from tests.make import Shop

# It writes parameters as $1 with their types, as `EXPLAIN (GENERIC_PLAN)` wants them; asyncpg itself is not needed.
WITH_TYPES = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
Statement = Select[Any] | Insert | Update | Delete

FOLDER = Path(__file__).parents[3] / "docs/operations/sql"
PASSWORDS = {"owner_password": "choose-one", "server_password": "choose-another"}


def documented(file: str) -> list[str]:
    """The file's statements, with psql's variables as psql puts them in."""
    text = re.sub(r"^--.*\n", "", (FOLDER / file).read_text(), flags=re.MULTILINE)
    text = re.sub(r":'(\w+)'", lambda found: f"'{PASSWORDS[found[1]]}'", text)
    return [line.strip() for line in text.split(";") if line.strip()]


def run(url: str, statements: list[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@dataclass(frozen=True)
class Roles:
    owner: str
    server: str


@pytest.fixture(scope="module")
def roles() -> Iterator[Roles]:
    with embedded_postgres() as admin:
        run(admin, documented("roles.sql"))
        at = make_url(admin).set(database="paygraph")
        owner, server = (
            at.set(username=name, password=secret).render_as_string(hide_password=False)
            for name, secret in zip(("paygraph_owner", "paygraph_server"), PASSWORDS.values(), strict=True)
        )
        migrations.upgrade(owner)
        for _ in range(2):
            run(owner, documented("grants.sql"))
        yield Roles(owner, server)


@pytest_asyncio.fixture(loop_scope="session")
async def as_server(roles: Roles) -> AsyncIterator[Database]:
    database = build_database(roles.server)
    yield database
    await database.close()


async def test_the_server_has_each_privilege_that_it_needs_and_no_other(as_server: Database) -> None:
    for table, needed in needed_privileges().items():
        row = await as_server.row(HELD, {"table_name": table})
        assert row is not None, table
        held = {privilege for privilege in ALL if getattr(row, privilege.lower())}
        assert held == needed, table


def statements() -> dict[str, Statement]:
    """Every statement that models/ has, by its name, but for the migrations'."""
    found: dict[str, Statement] = {}
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if "migration" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            statement = value.statement if isinstance(value, Query) else value
            if name.isupper() and isinstance(statement, Select | Insert | Update | Delete):
                found[f"{module.name}.{name}"] = statement
    return found


def test_the_server_may_run_each_statement_of_the_code(roles: Roles) -> None:
    """PostgreSQL checks what a role may do when it explains a statement, also one without its parameters."""
    found = statements()
    assert len(found) > 80
    forbidden: dict[str, str] = {}
    with psycopg.connect(roles.server, autocommit=True) as connection:
        for name, statement in found.items():
            columns = None
            if isinstance(statement, Insert) and statement.select is None:
                columns = statement.table.columns.keys()
            sql = str(statement.compile(dialect=WITH_TYPES, column_keys=columns)).encode()
            try:
                connection.execute(b"EXPLAIN (GENERIC_PLAN) " + sql)
            except psycopg.errors.InsufficientPrivilege as error:
                forbidden[name] = str(error)
    assert forbidden.keys() == {"models.currencies.charge_limits.FILL_CHARGE_LIMITS"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "ALTER TABLE orders ADD COLUMN mine int",
        "ALTER TABLE payments DISABLE TRIGGER ALL",
        "ALTER TABLE payment_transitions OWNER TO paygraph_server",
        "DROP TABLE payment_transitions",
        "DROP INDEX orders_by_user",
        "TRUNCATE payment_transitions",
        "TRUNCATE orders CASCADE",
        "DELETE FROM payment_transitions",
        "UPDATE payment_transitions SET cause = 'another'",
        "DELETE FROM payments",
        "DELETE FROM refunds",
        "DELETE FROM orders",
        "UPDATE alembic_version SET version_num = '0001'",
        "INSERT INTO alembic_version VALUES ('9999')",
        "DELETE FROM alembic_version",
        "UPDATE charge_limits SET minimum = 0",
        "SET session_replication_role = replica",
        "SET ROLE paygraph_owner",
    ],
)
def test_the_server_can_neither_alter_tables_nor_delete_history(roles: Roles, statement: str) -> None:
    with (
        psycopg.connect(roles.server, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_another_role_gets_nothing(roles: Roles) -> None:
    with psycopg.connect(roles.owner, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT has_database_privilege('pg_monitor', 'paygraph', 'CONNECT')"
        ).fetchone()
    assert rows == (False,)


def test_a_table_of_a_later_migration_can_be_used_at_once(roles: Roles) -> None:
    run(roles.owner, ["CREATE TABLE later (id bigserial PRIMARY KEY, word text)"])
    try:
        with psycopg.connect(roles.server, autocommit=True) as connection:
            connection.execute("INSERT INTO later (word) VALUES ('a')")
            connection.execute("UPDATE later SET word = 'b'")
            assert connection.execute("SELECT word FROM later").fetchall() == [("b",)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM later")
    finally:
        run(roles.owner, ["DROP TABLE later"])


async def test_the_server_serves_as_its_role(roles: Roles, as_server: Database, stripe: Stripe) -> None:
    shop = Shop(as_server)
    settings = make_settings(roles.server, stripe.url)
    merchant: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
    async with running(settings) as http:
        client = Client(http, JWT_SECRET)
        assert (await http.get("/readyz")).status_code == 200
        product = str(await shop.product())
        placed = await client.data(
            "mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id } } }",
            {"input": {"items": [{"productId": product, "quantity": 2}]}},
        )
        order_id = placed["createOrder"]["id"]
        intent = await client.pay(order_id)
        assert intent["__typename"] == "PaymentIntent"
        canceled = await client.data(
            "mutation($id: ID!) { cancelOrder(orderId: $id) { ... on Order { status } } }", {"id": order_id}
        )
        assert canceled["cancelOrder"]["status"] == "CANCELED"
        made = await client.data(
            'mutation { createServiceKey(input: {name: "k", scopes: [ORDERS_READ]}) '
            "{ ... on NewServiceKey { key { id } } } }",
            **merchant,
        )
        assert made["createServiceKey"]["key"]["id"]
        token = await client.data(
            "mutation($id: ID!) { createCheckoutToken(orderId: $id) { __typename } }",
            {"id": order_id},
            **merchant,
        )
        assert token["createCheckoutToken"]["__typename"] == "CheckoutToken"
