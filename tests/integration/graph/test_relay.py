"""Relay's own compiler makes what refetches an order, a product and the user, and pages through orders.

`npm ci --ignore-scripts` in relay/ installs it.
"""

import shutil
from pathlib import Path

import pytest

from tests.node import run, workshop_of

FOLDER = Path(__file__).with_name("relay")


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    place = workshop_of(FOLDER, tmp_path)
    shutil.copytree(FOLDER / "src", place / "src")
    return place


async def test_relay_refetches_nodes_and_pages_through_orders(workshop: Path) -> None:
    code, output = await run(workshop, "relay-compiler", "relay.config.json")

    assert code == 0, output
    made = {file.name for file in (workshop / "src/__generated__").iterdir()}
    assert {
        "OrderPageRefetchQuery.graphql.js",
        "ProductRefetchQuery.graphql.js",
        "UserRefetchQuery.graphql.js",
        "OrdersPaginationQuery.graphql.js",
    } <= made
    refetch = (workshop / "src/__generated__/OrderPageRefetchQuery.graphql.js").read_text()
    assert "node(" in refetch
    assert "id: $id" in refetch


async def test_without_nodes_relay_refuses(workshop: Path) -> None:
    schema = (workshop / "schema.graphql").read_text()
    (workshop / "schema.graphql").write_text(schema.replace("type Order implements Node {", "type Order {"))

    code, output = await run(workshop, "relay-compiler", "relay.config.json")

    assert code
    assert "refetchable" in output
