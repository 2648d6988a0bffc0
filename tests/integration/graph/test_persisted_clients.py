"""Operations by their hash, as Apollo Client sends them, with manifests that Apollo's and codegen's own tools write.

`npm ci` in typed_clients/ installs them.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from main import build_app
from sandbox.serve import served
from services.stripe_api.gateway import API_VERSION
from settings import Settings
from tests.make import Shop
from tests.node import run, workshop_of
from tests.sockets import token

OPERATIONS = {"Config": "query", "Orders": "query", "Cancel": "mutation"}
MANIFESTS = {
    "apollo": ("generate-persisted-query-manifest", (), "persisted-query-manifest.json"),
    "codegen": (
        "graphql-codegen", ("--config", "persisted.codegen.js"), "persisted/persisted-documents.json",
    ),
}  # fmt: skip


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    return workshop_of(Path(__file__).with_name("typed_clients"), tmp_path)


async def asked_twice(workshop: Path, settings: Settings, kind: str, shop: Shop) -> list[list[str]]:
    """What two clients of a new server sent, one after the other, and what came back for each.

    Both ask a query without and one with variables, and cancel an order; a third asks something else by its text.
    """
    order_id = await shop.order()
    async with served(build_app(settings)) as url:
        arguments = [f"{url}/graphql", token(), kind, str(order_id)]
        code, output = await run(workshop, "node", "persisted.mjs", *arguments)
    assert code == 0, output
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert told["answers"] == [[API_VERSION, 1, "CANCELED"]] * 2
    wire: list[list[str]] = told["wire"]
    return wire


@pytest.mark.parametrize(("kind", "method"), [("automatic", "POST"), ("automatic by GET", "GET")])
async def test_apollo_registers_each_operation_once_and_is_then_answered_by_its_hash(
    workshop: Path, settings: Settings, shop: Shop, kind: str, method: str
) -> None:
    wire = await asked_twice(workshop, settings, kind, shop)

    methods = {name: method if kind == "query" else "POST" for name, kind in OPERATIONS.items()}
    first = [
        call
        for name in OPERATIONS
        for call in (
            [methods[name], name, "hash", "PERSISTED_QUERY_NOT_FOUND"],
            ["POST", name, "text", "data"],
        )
    ]
    second = [[methods[name], name, "hash", "data"] for name in OPERATIONS]
    assert wire == [*first, *second, ["POST", "Unlisted", "text", "data"]]


@pytest.mark.parametrize("kind", MANIFESTS)
async def test_the_documents_of_a_manifest_are_executed_and_no_others(
    workshop: Path, settings: Settings, shop: Shop, kind: str
) -> None:
    tool, arguments, manifest = MANIFESTS[kind]
    code, output = await run(workshop, tool, *arguments)
    assert code == 0, output
    enforced = {"trusted_documents": workshop / manifest, "trusted_documents_only": True}

    wire = await asked_twice(workshop, settings.model_copy(update=enforced), kind, shop)

    known = [["POST", name, "hash", "data"] for name in OPERATIONS]
    assert wire == [*known, *known, ["POST", "Unlisted", "text", "DOCUMENT_NOT_TRUSTED"]]
