"""Service keys: what they open, what they never open, and how they end, also on a server that knew them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from runtime.database.database import Database
from services.identity.opaque_tokens import new_token
from services.identity.principal import Principal, Scope
from services.identity.refusals import InvalidServiceKey
from services.identity.service_keys import MOST_LIVE_KEYS, ServiceKeys
from services.identity.token_claims import InvalidToken
from tests.client import CREATE_PAYMENT_INTENT, Client
from tests.conftest import Stripe
from tests.lines import written_as
from tests.make import Shop
from tests.tokens import Clock

CREATE = """
mutation Create($input: CreateServiceKeyInput!) {
  createServiceKey(input: $input) {
    __typename
    ... on NewServiceKey { secret key { id name scopes expiresAt lastUsedAt revokedAt } }
    ... on UserError { code message retryable }
  }
}
"""
REVOKE = """
mutation Revoke($id: ID!) {
  revokeServiceKey(id: $id) { __typename ... on ServiceKey { id revokedAt } ... on UserError { code message } }
}
"""
KEYS = "{ serviceKeys { id name scopes lastUsedAt revokedAt } }"
LIST = "{ allOrders(first: 10) { nodes { id } } }"
READ = "query Read($id: ID!) { order(id: $id) { id payments { history { cause } } } }"
CANCEL = "mutation Cancel($id: ID!) { cancelOrder(orderId: $id) { __typename ... on Order { status } } }"
REFUND = (
    'mutation Refund($id: ID!) { refundOrder(input: {orderId: $id, idempotencyKey: "k"}) { __typename } }'
)
BUY = "mutation Buy($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }"
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}
OPERATOR = Principal("operator")


async def with_key(http: httpx.AsyncClient, secret: str, query: str, **variables: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {secret}"}
    body = json.dumps({"query": query, "variables": variables})
    answer: dict[str, Any] = (await http.post("/graphql", content=body, headers=headers)).json()
    return answer


def code_of(answer: dict[str, Any]) -> str:
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def created(client: Client, *scopes: str, **others: Any) -> dict[str, Any]:
    wish: dict[str, Any] = {"input": {"name": "warehouse", "scopes": scopes, **others}}
    made: dict[str, Any] = (await client.data(CREATE, wish, user="shopkeeper", role="merchant"))[
        "createServiceKey"
    ]
    return made


async def test_a_key_is_told_once_and_kept_as_its_hash(client: Client, database: Database) -> None:
    made = await created(client, "ORDERS_READ", "EVENTS_READ")
    assert made["key"] == {
        "id": made["key"]["id"],
        "name": "warehouse",
        "scopes": ["ORDERS_READ", "EVENTS_READ"],
        "expiresAt": None,
        "lastUsedAt": None,
        "revokedAt": None,
    }
    listed = (await client.data(KEYS, **MERCHANT))["serviceKeys"]
    assert [key["id"] for key in listed] == [made["key"]["id"]]
    rows = await database.rows(text("SELECT service_keys::text AS shown FROM service_keys"))
    assert made["secret"] not in rows[0].shown
    assert made["secret"] not in json.dumps(listed)


@pytest.mark.parametrize("call", [CREATE, KEYS, REVOKE])
async def test_only_a_merchant_or_a_key_for_keys_may_see_or_change_keys(
    client: Client, http: httpx.AsyncClient, call: str
) -> None:
    variables = {"input": {"name": "mine", "scopes": ["ORDERS_READ"]}, "id": str(UUID(int=1))}
    used = {name: value for name, value in variables.items() if f"${name}" in call}
    assert code_of(await client.ask(call, used, user="ada")) == "FORBIDDEN"
    assert code_of(await client.ask(call, used, user=None)) == "UNAUTHENTICATED"
    others = [scope.name for scope in Scope if scope is not Scope.KEYS_WRITE]
    secret = (await created(client, *others))["secret"]
    assert code_of(await with_key(http, secret, call, **used)) == "FORBIDDEN"
    secret = (await created(client, "KEYS_WRITE", "ORDERS_READ"))["secret"]
    assert "errors" not in await with_key(http, secret, call, **used)


async def test_a_key_reads_any_order_and_is_given_no_secret(
    client: Client, http: httpx.AsyncClient, shop: Shop, stripe: Stripe
) -> None:
    order_id = str(await shop.order(user="ada"))
    await client.pay(order_id)
    every = (await created(client, *(scope.name for scope in Scope)))["secret"]

    read = await with_key(http, every, READ, id=order_id)
    assert read["data"]["order"]["payments"][0]["history"]
    paid = await with_key(http, every, CREATE_PAYMENT_INTENT, orderId=order_id)
    assert paid["data"]["createPaymentIntent"]["code"] == "ORDER_NOT_FOUND"
    assert "_secret_" not in json.dumps(paid)
    assert len(stripe.sandbox.journal.calls()) == 1
    items = {"items": [{"productId": str(await shop.product()), "quantity": 1}]}
    assert code_of(await with_key(http, every, BUY, input=items)) == "FORBIDDEN"
    assert (await with_key(http, every, "{ me { id } }"))["data"] == {"me": None}


async def test_a_key_that_imports_orders_reads_each_and_can_not_list_everybodys(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    order_id = str(await shop.order(user="ada"))
    writes, reads = [
        (await created(client, scope, name=scope))["secret"] for scope in ("ORDERS_WRITE", "ORDERS_READ")
    ]

    assert (await with_key(http, writes, READ, id=order_id))["data"]["order"]
    assert code_of(await with_key(http, writes, LIST)) == "FORBIDDEN"
    assert (await with_key(http, reads, LIST))["data"]["allOrders"]["nodes"] == [{"id": order_id}]


async def test_what_is_foreign_to_a_key_looks_as_what_is_missing(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    foreign, missing = str(await shop.order(user="ada")), str(UUID(int=7))
    events = (await created(client, "EVENTS_READ"))["secret"]
    reads = (await created(client, "ORDERS_READ"))["secret"]
    for secret, query in ((events, READ), (events, CANCEL), (reads, CANCEL)):
        answers = [await with_key(http, secret, query, id=order_id) for order_id in (foreign, missing)]
        assert answers[0] == answers[1]
    assert code_of(await with_key(http, reads, REFUND, id=foreign)) == "FORBIDDEN"


async def test_a_key_of_orders_may_cancel_and_one_of_refunds_may_refund(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    order_id = str(await shop.order(user="ada"))
    writes = (await created(client, "ORDERS_WRITE"))["secret"]
    refunds = (await created(client, "REFUNDS_WRITE"))["secret"]
    assert (await with_key(http, refunds, REFUND, id=order_id))["data"]["refundOrder"] == {
        "__typename": "OrderNotRefundable"
    }
    assert (await with_key(http, writes, CANCEL, id=order_id))["data"]["cancelOrder"]["status"] == "CANCELED"


async def test_a_revoked_key_ends_at_once_here_and_within_seconds_elsewhere(
    client: Client, http: httpx.AsyncClient, database: Database, shop: Shop
) -> None:
    clock = Clock()
    elsewhere = ServiceKeys(database, now=clock)
    order_id = str(await shop.order())
    made = await created(client, "ORDERS_READ")
    secret = made["secret"]
    assert (await with_key(http, secret, READ, id=order_id))["data"]["order"]
    holder = await elsewhere.principal_of(secret)
    assert holder.key_id == UUID(made["key"]["id"])

    for _ in range(2):
        revoked = (await client.data(REVOKE, {"id": made["key"]["id"]}, **MERCHANT))["revokeServiceKey"]
        assert revoked["revokedAt"]
    assert code_of(await with_key(http, secret, READ, id=order_id)) == "UNAUTHENTICATED"
    clock.now += 3
    with pytest.raises(InvalidToken, match="unknown service key"):
        await elsewhere.principal_of(secret)
    assert not await elsewhere.is_live(holder.key_id)


async def test_a_key_that_another_server_made_is_known_within_a_second(database: Database) -> None:
    clock = Clock()
    here, elsewhere = ServiceKeys(database, now=clock), ServiceKeys(database)
    with pytest.raises(InvalidToken):
        await here.principal_of(await _made_and_gone(elsewhere))
    _, secret = await elsewhere.create(OPERATOR, "new", [Scope.ORDERS_READ])
    clock.now += 0.5
    assert (await here.principal_of(secret)).scopes == {Scope.ORDERS_READ}


async def _made_and_gone(keys: ServiceKeys) -> str:
    view, secret = await keys.create(OPERATOR, "gone", [Scope.ORDERS_READ])
    await keys.revoke(OPERATOR, view.id)
    return secret


async def test_an_expired_key_is_refused_by_a_server_that_still_knows_it(database: Database) -> None:
    wall = [datetime.now(UTC).timestamp()]
    keys = ServiceKeys(database, clock=lambda: wall[0])
    _, secret = await keys.create(
        OPERATOR, "short", [Scope.ORDERS_READ], datetime.now(UTC) + timedelta(hours=1)
    )
    await keys.principal_of(secret)
    wall[0] += 3_601
    with pytest.raises(InvalidToken, match="expired"):
        await keys.principal_of(secret)


async def test_a_storm_of_made_up_keys_costs_two_statements_a_second_at_most(database: Database) -> None:
    asked: list[str] = []
    keys = ServiceKeys(database, now=Clock())
    database.watch = Watching(asked)
    try:
        for _ in range(500):
            with pytest.raises(InvalidToken):
                await keys.principal_of(new_token("pgk_"))
            with pytest.raises(InvalidToken, match="malformed"):
                await keys.principal_of("pgk_" + "x" * 36)
    finally:
        database.watch = None
    assert len(asked) == 1


class Watching:
    def __init__(self, asked: list[str]) -> None:
        self._asked = asked

    def __call__(self, sql: str) -> "Watching":
        self._asked.append(sql)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


async def test_the_last_use_is_told_within_minutes_and_written_seldom(database: Database) -> None:
    clock = Clock()
    keys = ServiceKeys(database, now=clock)
    _, secret = await keys.create(OPERATOR, "used", [Scope.ORDERS_READ])
    assert (await keys.list())[0].last_used_at is None
    for _ in range(3):
        await keys.principal_of(secret)
        clock.now += 3
    first = (await keys.list())[0].last_used_at
    assert first is not None
    for _ in range(3):
        await keys.principal_of(secret)
        clock.now += 3
    assert (await keys.list())[0].last_used_at == first


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"name": ""}, "a name has 1 to 100"),
        ({"name": "n" * 101}, "a name has 1 to 100"),
        ({"name": "a\u0000b"}, "a name has 1 to 100"),
        ({"scopes": []}, "without a scope"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "ended already"),
        ({"expiresAt": "2970-01-01T00:00:00"}, "needs a time zone"),
    ],
)
async def test_a_wish_that_makes_no_key_is_refused(client: Client, wish: dict[str, Any], why: str) -> None:
    asked = {"input": {"name": "warehouse", "scopes": ["ORDERS_READ"], **wish}}
    refused = (await client.data(CREATE, asked, **MERCHANT))["createServiceKey"]
    assert refused["code"] == "INVALID_SERVICE_KEY"
    assert why.lower() in refused["message"].lower()


async def test_a_key_gives_no_more_than_it_has(client: Client, http: httpx.AsyncClient) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    secret = (await created(client, "KEYS_WRITE", "ORDERS_READ", expiresAt=tomorrow))["secret"]

    async def made(**wish: Any) -> str:
        answer = await with_key(http, secret, CREATE, input={"name": "child", **wish})
        kind: str = answer["data"]["createServiceKey"]["__typename"]
        return kind

    assert await made(scopes=["REFUNDS_WRITE"], expiresAt=tomorrow) == "InvalidServiceKey"
    assert await made(scopes=["ORDERS_READ"]) == "InvalidServiceKey"
    assert await made(scopes=["ORDERS_READ"], expiresAt=tomorrow) == "NewServiceKey"


async def test_a_key_revokes_itself_and_none_that_has_more_than_it_has(
    client: Client, http: httpx.AsyncClient
) -> None:
    secret = (await created(client, "KEYS_WRITE"))["secret"]
    [own] = (await client.data(KEYS, **MERCHANT))["serviceKeys"]
    more = (await created(client, "ORDERS_WRITE"))["key"]["id"]

    refused = (await with_key(http, secret, REVOKE, id=more))["data"]["revokeServiceKey"]
    ended = (await with_key(http, secret, REVOKE, id=own["id"]))["data"]["revokeServiceKey"]

    assert refused["code"] == "INVALID_SERVICE_KEY"
    assert ended["revokedAt"]
    left = {key["id"]: key["revokedAt"] for key in (await client.data(KEYS, **MERCHANT))["serviceKeys"]}
    assert left[more] is None


async def test_live_keys_are_listed_however_many_have_ended(client: Client, database: Database) -> None:
    live = (await created(client, "ORDERS_READ"))["key"]["id"]
    await database.rows(
        text(
            "INSERT INTO service_keys (id, name, scopes, key_hash, created_by, revoked_at) SELECT "
            "gen_random_uuid(), 'k', '{orders_read}', sha256(n::text::bytea), 'x', now() "
            "FROM generate_series(1, 300) n"
        )
    )
    listed = (await client.data(KEYS, **MERCHANT))["serviceKeys"]
    assert listed[0]["id"] == live
    assert len(listed) == 200


async def test_live_keys_are_bounded(database: Database) -> None:
    keys = ServiceKeys(database)
    await database.rows(
        text(
            "INSERT INTO service_keys (id, name, scopes, key_hash, created_by) SELECT gen_random_uuid(), 'k', "
            "'{orders_read}', sha256(n::text::bytea), 'x' FROM generate_series(1, :most) n"
        ),
        {"most": MOST_LIVE_KEYS},
    )
    with pytest.raises(InvalidServiceKey):
        await keys.create(OPERATOR, "one more", [Scope.ORDERS_READ])


async def test_a_missing_key_cannot_be_revoked(client: Client) -> None:
    for key_id in (str(UUID(int=5)), "nonsense"):
        refused = (await client.data(REVOKE, {"id": key_id}, **MERCHANT))["revokeServiceKey"]
        assert refused == {
            "__typename": "InvalidServiceKey",
            "code": "INVALID_SERVICE_KEY",
            "message": "There is no such key.",
        }


async def test_a_request_line_names_the_key_by_its_id_and_never_the_key(
    client: Client, http: httpx.AsyncClient, shop: Shop
) -> None:
    with written_as("json") as lines:
        made = await created(client, "ORDERS_READ")
        await with_key(http, made["secret"], READ, id=str(await shop.order()))
        await with_key(http, made["secret"][:-1] + "-", READ, id=str(await shop.order()))
    shown = lines.getvalue()
    assert made["secret"][:-1] not in shown
    assert f'"user":"key:{made["key"]["id"]}"' in shown.replace(": ", ":")
    assert "malformed-service-key" in shown


async def test_the_log_tells_who_made_and_who_ended_a_key(database: Database) -> None:
    keys = ServiceKeys(database)
    with written_as("json", "INFO") as lines:
        view, secret = await keys.create(OPERATOR, "told", [Scope.ORDERS_READ])
        await keys.revoke(Principal("shopkeeper"), view.id)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["message"], line["by"], line["key"]) for line in told] == [
        ("service key created", OPERATOR.id, str(view.id)),
        ("service key revoked", "shopkeeper", str(view.id)),
    ]
    assert secret not in lines.getvalue()
