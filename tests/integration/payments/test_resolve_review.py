"""resolveReview and closeAttention: a person decides, without SQL; and money that waits keeps its order unpayable."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from tests.client import Client
from tests.conftest import Stripe
from tests.events import WEBHOOK_SECRET
from tests.make import Shop

RESOLVE = """
mutation Resolve($input: ResolveReviewInput!) {
  resolveReview(input: $input) {
    __typename
    ... on Order {
      status total { minorUnits } lines { kind unitAmount { minorUnits } }
      refunds { status amount { minorUnits } note }
    }
    ... on UserError { code message retryable }
    ... on OrderNotInReview { orderStatus }
  }
}
"""
ATTENTION = """
query Attention($open: Boolean!, $first: Int! = 20, $after: String) {
  attention(open: $open, first: $first, after: $after) {
    nodes { id kind message dueBy openedAt closedAt closedBy note order { id status } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CLOSE = """
mutation Close($id: ID!, $note: String!) {
  closeAttention(id: $id, note: $note) {
    __typename
    ... on AttentionCase { kind closedBy note closedAt }
    ... on UserError { code retryable }
  }
}
"""
REFUNDS = """
query Refunds($id: ID!) {
  order(id: $id) { refunds { status reason note customerMessage failureReason } disputes { dueBy } }
}
"""
REVIEWS = "query Reviews($id: ID!) { order(id: $id) { reviews { decision note decidedBy decidedAt } } }"
MERCHANT: dict[str, Any] = {"user": "shopkeeper", "role": "merchant"}


@pytest.fixture
def inbox(database: Database, gateway: StripeGateway) -> Inbox:
    return Inbox(database, gateway, StripeSignatureCheck((WEBHOOK_SECRET,)), livemode=False)


async def hear_everything(inbox: Inbox, stripe: Stripe) -> None:
    for event in list(stripe.sandbox.state.events):
        webhook = stripe.sandbox.webhook(event["id"])
        await inbox.receive(webhook.body, webhook.signature)
    await inbox.finish_all()


async def in_review(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, *, received: int = 12_900, total: int = 11_900
) -> UUID:
    order_id = await shop.order(items=[(received, 1)])
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await shop.set_price(order_id, total)
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.REVIEW
    return order_id


async def resolve(client: Client, order_id: object, decision: str, key: str = "k") -> dict[str, Any]:
    wish = {"orderId": str(order_id), "decision": decision, "note": "We agreed.", "idempotencyKey": key}
    answer: dict[str, Any] = (await client.data(RESOLVE, {"input": wish}, **MERCHANT))["resolveReview"]
    return answer


async def open_cases(client: Client) -> list[dict[str, Any]]:
    page = (await client.data(ATTENTION, {"open": True}, **MERCHANT))["attention"]
    nodes: list[dict[str, Any]] = page["nodes"]
    return nodes


@pytest.mark.parametrize("decision", ["ACCEPT", "REFUND"])
async def test_the_shop_reads_who_decided_what_and_why_and_a_customer_does_not(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, decision: str
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)
    assert (await client.data(REVIEWS, {"id": str(order_id)}, **MERCHANT))["order"] == {"reviews": []}

    await resolve(client, order_id, decision)
    await resolve(client, order_id, decision)

    read_by_shop = (await client.data(REVIEWS, {"id": str(order_id)}, user="boss", role="merchant"))["order"]
    [review] = read_by_shop["reviews"]
    assert review.pop("decidedAt") is not None
    assert review == {"decision": decision, "note": "We agreed.", "decidedBy": "shopkeeper"}
    assert (await client.data(REVIEWS, {"id": str(order_id)}))["order"] == {"reviews": []}


@pytest.mark.parametrize(("received", "adjustment"), [(12_900, 1_000), (10_000, -1_900)])
async def test_accepting_makes_the_total_what_was_received_and_settles(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, received: int, adjustment: int
) -> None:
    order_id = await in_review(client, shop, stripe, inbox, received=received)
    [case] = await open_cases(client)
    assert (case["kind"], case["order"]) == ("ORDER_IN_REVIEW", {"id": str(order_id), "status": "REVIEW"})

    order = await resolve(client, order_id, "ACCEPT")

    assert (order["status"], order["total"]) == ("PAID", {"minorUnits": received})
    assert order["lines"][-1] == {"kind": "ADJUSTMENT", "unitAmount": {"minorUnits": adjustment}}
    assert await open_cases(client) == []
    assert await resolve(client, order_id, "ACCEPT") == order
    assert (await resolve(client, order_id, "REFUND"))["__typename"] == "IdempotencyKeyReused"
    assert (await resolve(client, order_id, "REFUND", "other"))["__typename"] == "OrderNotInReview"


async def test_refunding_gives_everything_back_once(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)

    order = await resolve(client, order_id, "REFUND")
    again = await resolve(client, order_id, "REFUND")

    assert order == again
    assert (order["status"], [made["amount"] for made in stripe.sandbox.state.refunds]) == (
        "REFUNDED",
        [12_900],
    )
    assert order["refunds"] == [
        {"status": "SUCCEEDED", "amount": {"minorUnits": 12_900}, "note": "We agreed."}
    ]
    assert await open_cases(client) == []


async def test_another_currency_can_only_be_refunded(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)
    await shop.set_order(order_id, currency="EUR")

    refused = await resolve(client, order_id, "ACCEPT")
    assert (refused["__typename"], "currency" in refused["message"]) == ("OrderNotInReview", True)
    assert (await resolve(client, order_id, "REFUND"))["status"] == "REFUNDED"


async def test_nothing_is_decided_while_a_refund_is_on_its_way_to_stripe(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)
    lost = Rule(fault=parse_fault("reset; point=before"), method="POST", path="/v1/refunds", times=None)
    stripe.sandbox.faults.add(lost)
    assert (await resolve(client, order_id, "REFUND"))["status"] == "REVIEW"

    answer = await resolve(client, order_id, "ACCEPT", "other")

    assert (answer["__typename"], answer["retryable"]) == ("PaymentProviderUnavailable", True)


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CANCELED])
async def test_money_that_waits_keeps_its_order_unpayable_whatever_somebody_sets_its_status_to(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, status: OrderStatus
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)
    await shop.set_order(order_id, status=status)

    answer = await client.pay(order_id)

    assert answer["__typename"] == "OrderNotPayable"
    if status is OrderStatus.PENDING:
        assert answer["orderStatus"] == "REVIEW"
    assert [case["kind"] for case in await open_cases(client)] == ["ORDER_IN_REVIEW"]
    assert (await resolve(client, order_id, "ACCEPT"))["status"] == "PAID"


async def test_an_order_whose_settled_money_went_back_can_be_paid_again(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    assert (await client.pay(order_id))["__typename"] == "OrderNotPayable"

    stripe.sandbox.refund((await shop.payments(order_id))[0].intent_id)
    await hear_everything(inbox, stripe)
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)

    assert await shop.status(order_id) is OrderStatus.PAID
    assert [p.disposition for p in await shop.payments(order_id)] == ["duplicate", "settled"]


async def test_a_merchant_closes_a_case_with_a_note(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox
) -> None:
    await in_review(client, shop, stripe, inbox)
    [case] = await open_cases(client)

    closed = (await client.data(CLOSE, {"id": case["id"], "note": "Sent a cheque"}, **MERCHANT))[
        "closeAttention"
    ]

    assert (closed["closedBy"], closed["note"]) == ("shopkeeper", "Sent a cheque")
    assert await open_cases(client) == []
    page = (await client.data(ATTENTION, {"open": False}, **MERCHANT))["attention"]
    assert [node["id"] for node in page["nodes"]] == [case["id"]]


@pytest.mark.parametrize("case_id", ["0b5a6c1e-3f0d-4b51-9a53-1f6f3f0a7d11", "nonsense"])
async def test_a_case_that_is_not_there(client: Client, case_id: str) -> None:
    answer = await client.data(CLOSE, {"id": case_id, "note": "Done"}, **MERCHANT)
    assert answer["closeAttention"]["code"] == "ATTENTION_NOT_FOUND"


async def test_a_note_is_needed(client: Client) -> None:
    answer = await client.ask(CLOSE, {"id": str(uuid4()), "note": " "}, **MERCHANT)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(("user", "code"), [("ada", "FORBIDDEN"), (None, "UNAUTHENTICATED")])
async def test_only_the_shop_decides(client: Client, user: str | None, code: str) -> None:
    wish = {"orderId": str(uuid4()), "decision": "ACCEPT", "note": "n", "idempotencyKey": "k"}
    for query, variables in (
        (ATTENTION, {"open": True}),
        (CLOSE, {"id": str(uuid4()), "note": "n"}),
        (RESOLVE, {"input": wish}),
    ):
        answer = await client.ask(query, variables, user=user)
        assert answer["errors"][0]["extensions"]["code"] == code


async def test_an_order_that_is_not_in_review(client: Client, shop: Shop) -> None:
    answer = await resolve(client, await shop.order(), "REFUND")
    assert (answer["__typename"], answer["orderStatus"]) == ("OrderNotInReview", "PENDING")
    assert (await resolve(client, uuid4(), "REFUND"))["__typename"] == "OrderNotFound"
    assert (await resolve(client, "nonsense", "REFUND"))["__typename"] == "OrderNotFound"


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("suspected fraudster", None),
        ("fraudulent", None),
        ("duplicate", "duplicate"),
        ("requested_by_customer", "requested_by_customer"),
    ],
)
async def test_a_customer_reads_only_what_was_written_for_them(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, reason: str, shown: str | None
) -> None:
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    wish = {
        "orderId": str(order_id), "idempotencyKey": "k", "reason": reason, "note": "Ask the police",
        "customerMessage": "Sorry!",
    }  # fmt: skip
    refund = "mutation R($input: RefundOrderInput!) { refundOrder(input: $input) { __typename } }"
    await client.data(refund, {"input": wish}, **MERCHANT)

    [customers] = (await client.data(REFUNDS, {"id": str(order_id)}))["order"]["refunds"]
    [shops] = (await client.data(REFUNDS, {"id": str(order_id)}, **MERCHANT))["order"]["refunds"]

    assert (customers["reason"], customers["note"], customers["customerMessage"]) == (shown, None, "Sorry!")
    assert (shops["reason"], shops["note"]) == (reason, "Ask the police")


async def test_a_refund_that_failed_says_why_and_a_dispute_until_when(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, database: Database
) -> None:
    order_id = await in_review(client, shop, stripe, inbox)
    await resolve(client, order_id, "REFUND")
    [made] = stripe.sandbox.state.refunds
    stripe.sandbox.complete_refund(made["id"], succeeds=False)
    stripe.sandbox.dispute((await shop.payments(order_id))[0].intent_id)
    await hear_everything(inbox, stripe)

    order = (await client.data(REFUNDS, {"id": str(order_id)}))["order"]

    assert (order["refunds"][0]["status"], order["refunds"][0]["failureReason"]) == (
        "FAILED",
        "lost_or_stolen_card",
    )
    assert order["disputes"][0]["dueBy"] is not None
    rows = await database.rows(text("SELECT due_by FROM attention WHERE kind = 'dispute_open'"))
    assert rows[0].due_by is not None


async def set_back_to_pending(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, gateway: StripeGateway, database: Database
) -> UUID:
    """A paid order whose status somebody set back by SQL; the sweep has been there."""
    order_id = await shop.order()
    stripe.sandbox.pay((await client.pay(order_id))["id"])
    await hear_everything(inbox, stripe)
    assert await shop.status(order_id) is OrderStatus.PAID
    await shop.set_order(order_id, status=OrderStatus.PENDING)
    findings = await Sweep(database, gateway, inbox).run()
    assert (findings.cases, findings.exit_code) == (1, 1)
    return order_id


@pytest.mark.parametrize(("decision", "status"), [("ACCEPT", "PAID"), ("REFUND", "REFUNDED")])
async def test_settled_money_on_an_order_that_was_set_back_to_pending_waits_for_a_person(
    client: Client,
    shop: Shop,
    stripe: Stripe,
    inbox: Inbox,
    gateway: StripeGateway,
    database: Database,
    decision: str,
    status: str,
) -> None:
    order_id = await set_back_to_pending(client, shop, stripe, inbox, gateway, database)
    [case] = await open_cases(client)
    assert (case["kind"], case["order"]) == ("ORDER_IN_REVIEW", {"id": str(order_id), "status": "PENDING"})
    assert "set back to pending by hand" in case["message"]
    assert (await client.pay(order_id))["orderStatus"] == "REVIEW"

    order = await resolve(client, order_id, decision)

    assert (order["status"], order["total"]) == (status, {"minorUnits": 5_248})
    assert [line["kind"] for line in order["lines"]] == ["PRODUCT", "PRODUCT"]
    assert await open_cases(client) == []
    given_back = [5_248] if decision == "REFUND" else []
    assert [refund["amount"] for refund in stripe.sandbox.state.refunds] == given_back


async def test_the_case_of_settled_money_closes_when_the_status_is_right_again(
    client: Client, shop: Shop, stripe: Stripe, inbox: Inbox, gateway: StripeGateway, database: Database
) -> None:
    order_id = await set_back_to_pending(client, shop, stripe, inbox, gateway, database)
    await shop.set_order(order_id, status=OrderStatus.PAID)

    findings = await Sweep(database, gateway, inbox).run()

    assert (findings.cases, await open_cases(client)) == (0, [])
