"""importOrder: an order of the shop's own system, taken as it is, once for each reference."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.orders.tables import CancelReason
from runtime.database.database import Database
from services.identity.principal import MERCHANT, Principal, Scope
from services.identity.service_keys import ServiceKeys
from services.orders.checkout_tokens import CheckoutTokenMaker
from services.orders.imports import LONGEST_METADATA_KEY, MOST_METADATA
from services.orders.lines import MOST_LINES
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop

ORDER = """
  id reference status version userId cancelReason expiresAt metadata { key value }
  total { minorUnits currency } items { productName }
  lines { kind reference name quantity unitAmount { minorUnits } subtotal { minorUnits } }
"""
IMPORT = f"""
mutation($input: ImportOrderInput!) {{
  importOrder(input: $input) {{
    __typename
    ... on Order {{ {ORDER} }}
    ... on UserError {{ code message retryable }}
    ... on OrderTotalMismatch {{ sum {{ minorUnits currency }} }}
    ... on IdempotencyKeyReused {{ orderId }}
  }}
}}
"""
UPDATE = """
mutation($input: UpdateOrderInput!) {
  updateOrder(input: $input) { __typename ... on Order { version } ... on UserError { message } }
}
"""
BY_REFERENCE = f"query($reference: String!) {{ orderByReference(reference: $reference) {{ {ORDER} }} }}"
PAY = """
mutation($id: ID!) {
  createPaymentIntent(orderId: $id) { __typename ... on PaymentIntent { amount { minorUnits } } }
}
"""
LINES = [
    {"name": "Lamp", "reference": "SKU-7", "quantity": 2, "unitAmount": 4_500},
    {"kind": "SHIPPING", "name": "Parcel", "unitAmount": 590},
    {"kind": "TAX", "name": "VAT 19 %", "unitAmount": 1_822},
    {"kind": "DISCOUNT", "name": "WELCOME10", "reference": "WELCOME10", "unitAmount": 1_000},
    {"kind": "CREDIT", "name": "Gift card", "unitAmount": 500},
]
TOTAL = 9_000 + 590 + 1_822 - 1_000 - 500


def order(**others: Any) -> dict[str, Any]:
    return {
        "reference": "A-1001", "userId": "ada", "currency": "EUR", "lines": LINES, "total": TOTAL, **others
    }  # fmt: skip


async def take(client: Client, given: dict[str, Any]) -> dict[str, Any]:
    answer = await client.ask(IMPORT, {"input": given}, role="merchant")
    taken: dict[str, Any] = answer["data"]["importOrder"]
    return taken


async def test_an_order_is_taken_as_it_is_and_its_owner_can_pay_it(client: Client, stripe: Stripe) -> None:
    taken = await take(client, order(metadata=[{"key": "channel", "value": "web"}]))

    assert taken["__typename"] == "Order"
    assert taken["total"] == {"minorUnits": TOTAL, "currency": "EUR"}
    assert [(line["kind"], line["subtotal"]["minorUnits"]) for line in taken["lines"]] == [
        ("PRODUCT", 9_000), ("SHIPPING", 590), ("TAX", 1_822), ("DISCOUNT", -1_000), ("CREDIT", -500),
    ]  # fmt: skip
    assert taken["items"] == []  # nothing came from the catalogue here
    assert (taken["reference"], taken["userId"]) == ("A-1001", "ada")
    assert taken["metadata"] == [{"key": "channel", "value": "web"}]
    paid = await client.ask(PAY, {"id": taken["id"]}, user="ada")
    assert paid["data"]["createPaymentIntent"]["amount"] == {"minorUnits": TOTAL}


async def test_the_shops_metadata_is_for_the_shop(client: Client, shop: Shop) -> None:
    query = "query($id: ID!) { order(id: $id) { metadata { key value } } }"
    note = {"key": "risk", "value": "ask for the card"}
    taken = await take(client, order(userId="ada", metadata=[note]))

    for caller, seen in (({"user": "ada"}, []), ({"user": "shopkeeper", "role": "merchant"}, [note])):
        told = await client.data(query, {"id": taken["id"]}, **caller)
        assert told["order"]["metadata"] == seen


async def test_the_same_import_again_and_at_once_is_the_same_order(client: Client, shop: Shop) -> None:
    taken = await asyncio.gather(*(take(client, order()) for _ in range(8)))

    assert len({each["id"] for each in taken}) == 1
    assert (await take(client, order()))["id"] == taken[0]["id"]


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({"status": OrderStatus.PAID}, ("PAID", None)),
        ({"status": OrderStatus.REVIEW}, ("REVIEW", None)),
        ({"status": OrderStatus.REFUNDED}, ("REFUNDED", None)),
        ({"status": OrderStatus.CANCELED, "cancel_reason": CancelReason.EXPIRED}, ("CANCELED", "EXPIRED")),
        ({"expires_at": text("now() - interval '1 day'")}, ("PENDING", None)),
    ],
)
async def test_the_same_import_of_an_order_that_went_on_tells_how_it_stands(
    client: Client, shop: Shop, change: dict[str, Any], standing: tuple[str, str | None]
) -> None:
    """However late: an outbox sends again what it has no answer to."""
    first = await take(client, order())
    await shop.set_order(UUID(first["id"]), **change)

    again = await take(client, order())

    assert (again["__typename"], again["id"]) == ("Order", first["id"])
    assert (again["status"], again["cancelReason"]) == standing
    assert await shop.status(UUID(first["id"])) is OrderStatus[again["status"]]
    other = await take(client, order(receiptEmail="ada@shop.example"))
    assert (other["__typename"], other["orderId"]) == ("IdempotencyKeyReused", first["id"])


async def test_the_import_of_an_order_that_was_changed_since_is_that_order_as_it_is(
    client: Client, shop: Shop
) -> None:
    first = await take(client, order())
    change = {"orderId": first["id"], "expectedVersion": first["version"], "lines": [line()], "total": 100}
    await client.data(UPDATE, {"input": change}, role="merchant")

    again = await take(client, order())

    assert (again["id"], again["total"]["minorUnits"]) == (first["id"], 100)
    assert (await take(client, order(lines=[line()], total=100)))["__typename"] == "IdempotencyKeyReused"


@pytest.mark.parametrize(
    "reference",
    ["0001", "A 1", " A-1001", "a-1001", "%", "R\u00e9-1", "\u6ce8\u6587-7", "\U0001f4a1", "x" * 255],
)
async def test_a_reference_is_taken_letter_by_letter(client: Client, shop: Shop, reference: str) -> None:
    others = [await take(client, order(reference=each)) for each in ("1", "A-1001", "R\u00c9-1")]

    taken = await take(client, order(reference=reference))

    assert taken["reference"] == reference
    assert taken["id"] not in [each["id"] for each in others]
    found = await client.data(BY_REFERENCE, {"reference": reference}, role="merchant")
    assert found["orderByReference"]["id"] == taken["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"userId": "eve"},
        {"total": TOTAL - 590, "lines": [line for line in LINES if line["name"] != "Parcel"]},
        {"receiptEmail": "ada@shop.example"},
        {"expiresAt": "2999-01-01T00:00:00Z"},
        {"metadata": [{"key": "channel", "value": "phone"}]},
    ],
)
async def test_another_order_under_the_same_reference_is_refused(
    client: Client, change: dict[str, Any]
) -> None:
    first = await take(client, order())

    second = await take(client, order(**change))

    assert second["__typename"] == "IdempotencyKeyReused"
    assert second["orderId"] == first["id"]


async def test_a_total_that_is_not_the_sum_is_refused_with_the_sum(client: Client, shop: Shop) -> None:
    answer = await take(client, order(total=TOTAL + 1))

    assert answer["__typename"] == "OrderTotalMismatch"
    assert answer["sum"] == {"minorUnits": TOTAL, "currency": "EUR"}
    assert (await take(client, order()))["__typename"] == "Order"  # nothing was kept of the first


def line(**others: Any) -> dict[str, Any]:
    return {"name": "Lamp", "unitAmount": 100, **others}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lines": [], "total": 0}, "between 1 and 500 lines"),
        ({"lines": [line()] * (MOST_LINES + 1), "total": 100 * (MOST_LINES + 1)}, "between 1 and 500 lines"),
        ({"lines": [line(), line(quantity=0)], "total": 100}, "line 2: a quantity"),
        ({"lines": [line(unitAmount=-1)], "total": -1}, "line 1: an amount"),
        ({"lines": [line(name="")], "total": 100}, "line 1: a name"),
        ({"lines": [line(name="\0")], "total": 100}, "line 1: a name"),
        ({"lines": [line(reference="x" * 256)], "total": 100}, "line 1: a reference"),
        ({"lines": [line(), line(kind="DISCOUNT", unitAmount=101)], "total": -1}, "take away more"),
        (
            {"lines": [line(unitAmount=999_999_999_999, quantity=100_000)], "total": 1},
            "an amount times its quantity",
        ),
        (
            {
                "lines": [
                    line(unitAmount=999_999_999_999, quantity=100_000),
                    line(kind="DISCOUNT", unitAmount=999_999_999_999, quantity=100_000),
                ],
                "total": 0,
            },
            "line 1: an amount times its quantity",
        ),
        ({"lines": [line(name="L\u202eamp")], "total": 100}, "line 1: a name"),
        ({"lines": [line(name="a\u2028b")], "total": 100}, "line 1: a name"),
        ({"reference": ""}, "`reference`"),
        ({"reference": "x" * 256}, "`reference`"),
        ({"reference": "\ud800"}, "`reference`"),
        ({"userId": "key:0190a8a6-7e1c-7d3a-9f26-1a2b3c4d5e6f"}, "`userId`"),
        ({"receiptEmail": "ada"}, "`receiptEmail`"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "`expiresAt` lies in the past"),
        ({"expiresAt": "2999-01-01T00:00:00"}, "`expiresAt` needs a time zone"),
        ({"metadata": [{"key": "order_id", "value": "x"}]}, "`order_id`"),
        ({"metadata": [{"key": "a", "value": "x"}, {"key": "a", "value": "y"}]}, "stands twice"),
        ({"metadata": [{"key": "k" * (LONGEST_METADATA_KEY + 1), "value": "x"}]}, "a key of metadata"),
        ({"metadata": [{"key": "a[b]", "value": "x"}]}, "a key of metadata"),
        ({"metadata": [{"key": str(n), "value": "x"} for n in range(MOST_METADATA + 1)]}, "at most 40"),
    ],
)
async def test_what_makes_no_order_is_refused_in_words(
    client: Client, shop: Shop, change: dict[str, Any], told: str
) -> None:
    answer = await take(client, order(**change))

    assert answer["__typename"] == "InvalidOrder", answer
    assert told in answer["message"]


async def test_a_full_discount_is_an_order_that_stripe_need_not_hear_of(client: Client, shop: Shop) -> None:
    lines = [line(), line(kind="DISCOUNT", name="FREE")]

    taken = await take(client, order(lines=lines, total=0))

    assert taken["total"]["minorUnits"] == 0
    paid = await client.ask(PAY, {"id": taken["id"]}, user="ada")
    assert paid["data"]["createPaymentIntent"]["__typename"] == "AmountNotChargeable"


@pytest.mark.parametrize(
    "name",
    [
        "100\u00a0g Mehl",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "Shirt \U0001f468\u200d\U0001f469\u200d\U0001f467",
        "Caf\u00e9",
    ],
)
async def test_names_are_what_people_write(client: Client, shop: Shop, name: str) -> None:
    taken = await take(client, order(lines=[line(name=name)], total=100))

    assert [each["name"] for each in taken["lines"]] == [name]


async def test_an_answer_that_would_cost_too_much_is_refused_before_the_order_is_taken(
    client: Client, shop: Shop
) -> None:
    money = "{ minorUnits currency amount }"
    dear = IMPORT.replace(
        ORDER, f"{ORDER} more: lines {{ kind name quantity unitAmount {money} subtotal {money} }}"
    )
    large = order(lines=[line()] * MOST_LINES, total=100 * MOST_LINES)

    answer = await client.ask(dear, {"input": large}, role="merchant")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    missing = await client.ask(BY_REFERENCE, {"reference": "A-1001"}, role="merchant")
    assert missing["data"] == {"orderByReference": None}
    small = await client.ask(dear, {"input": order()}, role="merchant")
    assert small["data"]["importOrder"]["__typename"] == "Order"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "tomorrow", "20261"])
async def test_a_moment_that_nobody_can_hold_is_refused_by_its_kind(
    client: Client, shop: Shop, moment: str
) -> None:
    answer = await client.ask(IMPORT, {"input": order(expiresAt=moment)}, role="merchant")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_500_lines_are_one_order_of_one_change(client: Client, shop: Shop) -> None:
    taken = await take(client, order(lines=[line()] * MOST_LINES, total=100 * MOST_LINES))

    assert len(taken["lines"]) == MOST_LINES
    assert taken["version"] == 2


async def test_only_the_shop_may_import(client: Client, shop: Shop) -> None:
    customer = await client.ask(IMPORT, {"input": order()}, user="ada")
    anonymous = await client.ask(IMPORT, {"input": order()}, user=None)

    assert customer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_order_is_found_by_its_reference_by_its_owner_and_by_merchants(client: Client) -> None:
    taken = await take(client, order())

    async def found(**who: Any) -> Any:
        answer = await client.ask(BY_REFERENCE, {"reference": "A-1001"}, **who)
        return answer["data"]["orderByReference"]

    assert (await found(user="ada"))["id"] == taken["id"]
    assert (await found(user="ada"))["userId"] is None  # whose it is, is for merchants
    assert (await found(role="merchant"))["userId"] == "ada"
    assert await found(user="eve") is None


@pytest.mark.parametrize("scope", [Scope.ORDERS_READ, Scope.ORDERS_WRITE])
async def test_a_key_that_may_read_orders_reads_what_was_imported(
    client: Client, database: Database, scope: Scope
) -> None:
    note = [{"key": "channel", "value": "web"}]
    await take(client, order(receiptEmail="ada@shop.example", metadata=note))
    by = Principal("shopkeeper", roles=frozenset({MERCHANT}))
    _, key = await ServiceKeys(database).create(by, "warehouse", [scope])

    answer = await client.http.post(
        "/graphql",
        json={
            "query": '{ orderByReference(reference: "A-1001") { userId receiptEmail metadata { key value } } }'
        },
        headers={"Authorization": f"Bearer {key}"},
    )

    told = answer.json()["data"]["orderByReference"]
    assert told == {"userId": "ada", "receiptEmail": "ada@shop.example", "metadata": note}


async def test_a_checkout_token_finds_its_order_by_the_shops_number_and_no_other(
    client: Client, database: Database
) -> None:
    mine, theirs = [await take(client, order(reference=each, userId=None)) for each in ("G-1", "G-2")]
    by = Principal("shopkeeper", roles=frozenset({MERCHANT}))
    made = await CheckoutTokenMaker(database).create(by, UUID(mine["id"]), 60)

    async def found(reference: str) -> Any:
        answer = await client.http.post(
            "/graphql",
            json={"query": BY_REFERENCE, "variables": {"reference": reference}},
            headers={"Authorization": f"Bearer {made.token}"},
        )
        return answer.json()["data"]["orderByReference"]

    assert (await found("G-1"))["id"] == mine["id"]
    assert await found("G-2") is None
    assert theirs["id"] != mine["id"]


async def test_an_order_of_nobody_is_seen_by_merchants_alone(client: Client, shop: Shop) -> None:
    taken = await take(client, order(userId=None))

    seen = await client.ask(
        "query($id: ID!) { order(id: $id) { id userId } }", {"id": taken["id"]}, role="merchant"
    )
    assert seen["data"]["order"] == {"id": taken["id"], "userId": None}
    answer = await client.ask("query($id: ID!) { order(id: $id) { id } }", {"id": taken["id"]}, user="None")
    assert answer["data"]["order"] is None
    assert await shop.status(taken["id"]) is OrderStatus.PENDING
