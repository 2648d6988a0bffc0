"""clairvoyance rebuilds a schema from what refusals let slip, given words to guess with. Here it gets every name."""

import json
from pathlib import Path

from graphql import build_schema, is_introspection_type, is_object_type

from graph.schema import sdl
from main import build_app
from sandbox.serve import served
from settings import Settings
from tests.attackers.tools import Outcome, attack
from tests.client import Client

OBJECTS = {
    name: type_.fields
    for name, type_ in build_schema(sdl()).type_map.items()
    if is_object_type(type_) and not is_introspection_type(type_)
}
WORDS = sorted({field for fields in OBJECTS.values() for field in fields} | {"password", "admin", "users"})
# Few, since each is asked for in each type, and a caller who asks for too much waits.
SOME = [
    "admin",
    "id",
    "items",
    "me",
    "name",
    "nodes",
    "order",
    "orders",
    "password",
    "paymentConfig",
    "publishableKey",
]
FOUND = "schema.json"


async def guess(settings: Settings, client: Client, folder: Path, words: list[str]) -> Outcome:
    (folder / "words").write_text("\n".join(words))
    signed_in = ("-H", f"Authorization: Bearer {client.token('ada')}")
    async with served(build_app(settings)) as url:
        arguments = ("-w", "words", "-o", FOUND, "-c", "5", *signed_in)
        return await attack("clairvoyance", f"{url}/graphql", *arguments, here=folder)


async def test_clairvoyance_learns_nothing_from_a_server_as_it_is_in_production(
    settings: Settings, client: Client, tmp_path: Path
) -> None:
    production = settings.model_copy(update={"introspection": False})

    done = await guess(production, client, tmp_path, WORDS)

    assert "EndpointError: Unable to get TypeRef" in done.out, done.out
    assert not (tmp_path / FOUND).exists()
    assert not [name for name in OBJECTS if f"'{name}'" in done.out]


async def test_it_would_learn_much_from_a_server_that_tells_what_is_wrong(
    settings: Settings, client: Client, tmp_path: Path
) -> None:
    done = await guess(settings, client, tmp_path, SOME)

    assert done.code == 0, done.out
    learnt = {t["name"] for t in json.loads((tmp_path / FOUND).read_text())["data"]["__schema"]["types"]}
    assert learnt >= {"User", "Order", "OrderItem", "PaymentConfig"}
