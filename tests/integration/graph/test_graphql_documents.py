"""Automatic persisted queries and trusted documents, as Apollo and codegen send them."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.serving.documents import LONGEST_REMEMBERED, MOST_BYTES, Documents
from services.operations.manifests import UnreadableManifest, read_manifest
from settings import Settings
from tests.conftest import running

CONFIG = "{ paymentConfig { apiVersion } }"
SHA = hashlib.sha256(CONFIG.encode()).hexdigest()
ANSWER = {"data": {"paymentConfig": {"apiVersion": "2026-10-28.endive"}}}
Open = Callable[..., Any]


def persisted(sha: object = SHA, version: object = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": sha}}


def code(answer: httpx.Response) -> str:
    [error] = answer.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


async def test_a_query_is_registered_with_its_hash_and_then_known_by_it(http: httpx.AsyncClient) -> None:
    unknown = await http.post("/graphql", json={"extensions": persisted()})
    registered = await http.post("/graphql", json={"query": CONFIG, "extensions": persisted()})
    known = await http.post("/graphql", json={"extensions": persisted()})

    assert (code(unknown), unknown.json()["errors"][0]["message"]) == (
        "PERSISTED_QUERY_NOT_FOUND",
        "PersistedQueryNotFound",
    )
    assert registered.json() == known.json() == ANSWER


async def test_a_hash_may_carry_the_prefix_of_codegens(http: httpx.AsyncClient) -> None:
    await http.post("/graphql", json={"query": CONFIG, "extensions": persisted()})

    answer = await http.post("/graphql", json={"extensions": persisted(f"sha256:{SHA}")})

    assert answer.json() == ANSWER


async def test_a_known_query_may_come_by_get(http: httpx.AsyncClient) -> None:
    await http.post("/graphql", json={"query": CONFIG, "extensions": persisted()})

    answer = await http.get("/graphql", params={"extensions": json.dumps(persisted())})

    assert answer.json() == ANSWER


async def test_a_known_mutation_may_not_come_by_get(http: httpx.AsyncClient) -> None:
    mutation = 'mutation { cancelOrder(orderId: "x") { __typename } }'
    sha = hashlib.sha256(mutation.encode()).hexdigest()
    await http.post("/graphql", json={"query": mutation, "extensions": persisted(sha)})

    answer = await http.get("/graphql", params={"extensions": json.dumps(persisted(sha))})

    assert answer.status_code in (400, 405)
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        (persisted("0" * 64), "PERSISTED_QUERY_HASH_MISMATCH"),
        (persisted("0"), "BAD_USER_INPUT"),
        (persisted(None), "BAD_USER_INPUT"),
        (persisted(SHA, 2), "BAD_USER_INPUT"),
        ({"persistedQuery": "x"}, "BAD_USER_INPUT"),
    ],
)
async def test_a_hash_that_is_wrong_registers_nothing(
    http: httpx.AsyncClient, extensions: dict[str, Any], expected: str
) -> None:
    answer = await http.post("/graphql", json={"query": CONFIG, "extensions": extensions})

    assert code(answer) == expected


def test_what_is_remembered_is_bounded_by_bytes() -> None:
    """A character beyond the 16-bit plane makes Python keep four bytes for each of the text."""
    documents = Documents()
    filler = "\U0001f600" * (LONGEST_REMEMBERED - 50)
    queries = [
        f'{{ order(id: "{number} {filler}") {{ id }} }}'
        for number in range(MOST_BYTES // 4 // len(filler) + 1)
    ]
    for query in queries:
        documents.resolve(query, persisted(hashlib.sha256(query.encode()).hexdigest()))

    first, last = [
        persisted(hashlib.sha256(query.encode()).hexdigest()) for query in (queries[0], queries[-1])
    ]
    with pytest.raises(Exception, match="PersistedQueryNotFound"):
        documents.resolve(None, first)
    assert documents.resolve(None, last) == queries[-1]


MANIFESTS: dict[str, object] = {
    "codegen": {f"sha256:{SHA}": CONFIG},
    "codegen without a prefix": {SHA: CONFIG},
    "Apollo": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": SHA, "name": "Config", "type": "query", "body": CONFIG}],
    },
}


@pytest.fixture(params=list(MANIFESTS.values()), ids=list(MANIFESTS))
async def trusting(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that executes nothing but its manifest."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(request.param))
    changes = {"trusted_documents": manifest, "trusted_documents_only": True}
    async with running(settings.model_copy(update=changes)) as client:
        yield client


async def test_only_trusted_documents_are_executed(trusting: httpx.AsyncClient) -> None:
    by_hash = await trusting.post("/graphql", json={"extensions": persisted()})
    by_text = await trusting.post("/graphql", json={"query": CONFIG})
    other = "{ paymentConfig { publishableKey } }"
    untrusted = await trusting.post("/graphql", json={"query": other})
    sha = hashlib.sha256(other.encode()).hexdigest()
    registered = await trusting.post("/graphql", json={"query": other, "extensions": persisted(sha)})
    unknown = await trusting.post("/graphql", json={"extensions": persisted(sha)})

    assert by_hash.json() == by_text.json() == ANSWER
    assert {code(answer) for answer in (untrusted, registered, unknown)} == {"DOCUMENT_NOT_TRUSTED"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}', '{"operations": [{"id": "a"}]}', "nonsense"])
def test_a_file_that_is_no_manifest_is_refused_at_the_start(tmp_path: Path, content: str) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(content)

    with pytest.raises(UnreadableManifest):
        read_manifest(manifest)


def test_a_manifest_by_other_hashes_than_clients_may_send_is_refused_with_what_to_do(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    sha1 = hashlib.sha1(CONFIG.encode(), usedforsecurity=False).hexdigest()
    manifest.write_text(json.dumps({sha1: CONFIG}))

    with pytest.raises(
        UnreadableManifest, match=f"'{sha1}', which is no sha256 in hex; codegen makes them with"
    ):
        read_manifest(manifest)
