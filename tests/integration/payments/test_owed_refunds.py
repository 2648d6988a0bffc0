"""Money that its order has no use for goes back or a person is told, and what a person says about it holds."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.refunds.tables import TOLD_AFTER_TRIES
from runtime.database.database import Database, Row
from sandbox.faults import Rule, parse_fault
from services.payments.intents import RefundRequest, StripeRefund
from services.payments.refund_wishes import RefundWish
from services.payments.refunds import LEASE, PATIENCE, Refunds
from services.payments.refusals import OrderNotRefundable
from services.payments.settlement import Settlement
from services.reconciliation.attention_cases import AttentionCases
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop
from tests.reconciling import ITEMS_DUE, REFUNDS_DUE

DUE = (REFUNDS_DUE, ITEMS_DUE)
ALMOST_AN_HOUR = text("UPDATE refunds SET tries = :tries")


async def cases(database: Database) -> Sequence[Row]:
    return await database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL ORDER BY kind"))


async def sweeps(whole_shop: WholeShop, database: Database, count: int = 1) -> None:
    """So many sweeps, each as long after the last that everything is due."""
    for _ in range(count):
        for statement in DUE:
            await database.rows(statement)
        await whole_shop.sweep.run()


async def close_the_case(database: Database) -> None:
    [case] = await cases(database)
    await AttentionCases(database).close("shopkeeper", case.id, "6.00 in cash")


def given_back(whole_shop: WholeShop) -> list[int]:
    """Minor units, by each refund that Stripe made."""
    return [made["amount"] for made in whole_shop.sandbox.state.refunds if made["status"] == "succeeded"]


def break_calls(whole_shop: WholeShop, fault: str, method: str, path: str = "/v1/refunds") -> None:
    whole_shop.sandbox.faults.add(Rule(fault=parse_fault(fault), method=method, path=path, times=None))


async def late(whole_shop: WholeShop) -> tuple[UUID, str]:
    """10.00 for an order that was canceled before they came, not refunded yet; the order and the intent."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.pay(intent.id)
    return order_id, intent.id


async def duplicate(whole_shop: WholeShop, database: Database) -> tuple[UUID, str]:
    """10.00 for an order that another intent paid; the order and the second intent to be paid."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    other = (await whole_shop.ask(order_id)).id
    await database.rows(text("UPDATE payments SET state = 'abandoned'"))
    first = (await whole_shop.ask(order_id)).id
    whole_shop.sandbox.pay(first)
    await Settlement(database).apply(await whole_shop.gateway.retrieve_intent(first), cause="test")
    whole_shop.sandbox.pay(other)
    return order_id, other


async def whose_refund_failed(whole_shop: WholeShop, database: Database, kind: str) -> tuple[UUID, str]:
    """Late or duplicate money whose automatic refund came back from the bank."""
    order_id, intent_id = await (late(whole_shop) if kind == "late" else duplicate(whole_shop, database))
    await sweeps(whole_shop, database, 2)
    [made] = whole_shop.sandbox.state.refunds
    assert made["payment_intent"] == intent_id
    whole_shop.sandbox.move_refund(made["id"], "failed", "expired_or_canceled_card")
    await whole_shop.refunds.refresh(intent_id)
    return order_id, intent_id


@pytest.mark.parametrize("code", ["balance_insufficient", "charge_not_refundable"])
async def test_what_a_person_gave_back_in_another_way_is_not_refunded_again(
    whole_shop: WholeShop, database: Database, code: str
) -> None:
    _, intent_id = await late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse=code)
    await sweeps(whole_shop, database)
    await close_the_case(database)
    whole_shop.sandbox.plan_refunds(intent_id)
    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.refunds.refresh(intent_id)

    await sweeps(whole_shop, database, 3)

    assert given_back(whole_shop) == [400]
    assert await cases(database) == []


async def test_the_rest_of_owed_money_is_refunded_while_nobody_said_otherwise(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="charge_not_refundable")
    await sweeps(whole_shop, database)
    whole_shop.sandbox.plan_refunds(intent_id)
    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.refunds.refresh(intent_id)

    await sweeps(whole_shop, database, 3)

    assert given_back(whole_shop) == [400, 600]
    assert await cases(database) == []


async def test_a_rest_that_no_refund_can_have_is_left_to_a_person(
    whole_shop: WholeShop, database: Database
) -> None:
    """A bank takes 2.50 of 7 ISK, and Stripe gives back whole ISK only."""
    order_id = await whole_shop.shop.order(items=[(700, 1)], currency="ISK")
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.pay(intent.id)
    dispute = whole_shop.sandbox.dispute(intent.id, amount=250)
    await sweeps(whole_shop, database)
    whole_shop.sandbox.close_dispute(dispute["id"], won=False)

    await sweeps(whole_shop, database, 3)

    [case] = await cases(database)
    assert case.kind == "refund_failed"
    asked = [
        int(call["params"]["amount"]) for call in whole_shop.sandbox.journal.calls("POST", "/v1/refunds")
    ]
    assert set(asked) == {700}
    assert (await whole_shop.refund(order_id)).amount == 400


@pytest.mark.parametrize("cause", ["late", "merchant"])
async def test_a_refund_that_a_person_gave_up_opens_no_other_case(
    whole_shop: WholeShop, database: Database, cause: str
) -> None:
    order_id, _ = await (whole_shop.paid() if cause == "merchant" else late(whole_shop))
    whole_shop.sandbox.permissions.forbid("rak_refund_write")
    if cause == "merchant":
        await whole_shop.refund(order_id, 300)
    else:
        await sweeps(whole_shop, database)
    await close_the_case(database)

    await sweeps(whole_shop, database, 2)

    assert await cases(database) == []


@pytest.mark.parametrize("kind", ["late", "duplicate"])
async def test_refund_order_gives_back_the_money_whose_refund_failed(
    whole_shop: WholeShop, database: Database, kind: str
) -> None:
    order_id, intent_id = await whose_refund_failed(whole_shop, database, kind)
    before = await whole_shop.shop.status(order_id)
    [case] = await cases(database)
    assert "refundOrder" in case.message

    made = await whole_shop.refund(order_id, key="new")
    again = await whole_shop.refund(order_id, key="new")

    assert again == made
    assert [r["payment_intent"] for r in whole_shop.sandbox.state.refunds] == [intent_id, intent_id]
    assert (await cases(database), await whole_shop.shop.status(order_id)) == ([], before)


async def test_refund_order_leaves_alone_what_a_person_gave_back_in_another_way(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whose_refund_failed(whole_shop, database, "duplicate")
    await close_the_case(database)

    await whole_shop.refund(order_id, key="new")

    [_, good] = whole_shop.sandbox.state.refunds
    assert good["payment_intent"] != intent_id
    assert await whole_shop.shop.status(order_id) is OrderStatus.REFUNDED


async def test_late_money_that_is_being_returned_is_not_refunded_by_hand(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await late(whole_shop)
    await sweeps(whole_shop, database)
    assert given_back(whole_shop) == [1_000]

    with pytest.raises(OrderNotRefundable):
        await whole_shop.refund(order_id)


@pytest.mark.parametrize(("fault", "method"), [("500; point=before", "POST"), ("503", "GET")])
async def test_an_owed_refund_that_is_never_made_is_told_after_about_an_hour(
    whole_shop: WholeShop, database: Database, fault: str, method: str
) -> None:
    order_id, _ = await late(whole_shop)
    break_calls(whole_shop, fault, method)
    await sweeps(whole_shop, database, 2)
    assert await cases(database) == []
    await database.rows(ALMOST_AN_HOUR, {"tries": TOLD_AFTER_TRIES - 1})

    await sweeps(whole_shop, database)

    [case] = await cases(database)
    assert (case.kind, case.order_id, "10.00 USD" in case.message) == ("refund_failed", order_id, True)
    whole_shop.sandbox.faults.clear()
    await sweeps(whole_shop, database)
    assert (given_back(whole_shop), await cases(database)) == ([1_000], [])


async def test_a_refund_that_is_not_decided_yet_holds_up_no_other(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await late(whole_shop)
    odd = whole_shop.sandbox.refund(intent_id, 100)
    whole_shop.sandbox.disguise(odd["id"], status=None)

    await sweeps(whole_shop, database, 2)

    states = await database.rows(text("SELECT amount, state FROM refunds WHERE state <> 'failed' ORDER BY 1"))
    assert [tuple(row) for row in states] == [(100, "pending"), (900, "succeeded")]


async def test_a_refund_is_made_by_the_next_try_after_the_balance_was_filled(
    whole_shop: WholeShop, database: Database
) -> None:
    _, intent_id = await late(whole_shop)
    whole_shop.sandbox.plan_refunds(intent_id, refuse="balance_insufficient")
    await sweeps(whole_shop, database, 3)
    [case] = await cases(database)
    assert "balance" in case.message
    whole_shop.sandbox.plan_refunds(intent_id)

    await sweeps(whole_shop, database)

    assert (given_back(whole_shop), await cases(database)) == ([1_000], [])


async def test_two_refunds_that_stripe_made_of_one_wish_are_both_in_the_books(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await whole_shop.paid()
    break_calls(whole_shop, "500; point=before", "POST")
    view = await whole_shop.refund(order_id, 300)
    whole_shop.sandbox.faults.clear()
    for _ in range(2):
        whole_shop.sandbox.refund(intent_id, 300, metadata={"refund_id": str(view.id)})

    await whole_shop.refunds.carry_out(view.id)

    rows = await database.rows(text("SELECT amount, stripe_refund_id FROM refunds"))
    assert sum(row.amount for row in rows) == 600
    assert len({row.stripe_refund_id for row in rows}) == 2


class _Silent(SandboxGateway):
    """Makes a refund and never answers."""

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        made = await super().create_refund(request)
        await asyncio.Event().wait()
        return made


async def test_a_try_ends_before_its_lease_and_the_next_one_finds_what_it_made(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, _ = await whole_shop.paid()
    refunds = Refunds(database, _Silent(whole_shop.sandbox), patience=0.2)
    wish = RefundWish(order_id=order_id, amount=300, reason=None, idempotency_key="k", requested_by="boss")

    async with asyncio.timeout(10):
        await refunds.request(wish)

    [refund] = await database.rows(text("SELECT state, lease_until FROM refunds"))
    assert (refund.state, refund.lease_until) == ("creating", None)
    assert timedelta(seconds=PATIENCE) < LEASE
    await sweeps(whole_shop, database)
    assert [row.state for row in await database.rows(text("SELECT state FROM refunds"))] == ["succeeded"]
    assert given_back(whole_shop) == [300]


@pytest.mark.parametrize("heard", ["one after the other", "together", "in a restored backup"])
async def test_a_failed_refund_that_the_dashboard_may_have_made_up_for_says_so(
    whole_shop: WholeShop, database: Database, heard: str
) -> None:
    order_id, intent_id = await whole_shop.paid()
    await whole_shop.refund(order_id, 400)
    [first] = whole_shop.sandbox.state.refunds
    whole_shop.sandbox.move_refund(first["id"], "failed", "lost_or_stolen_card")
    if heard != "together":
        await whole_shop.refunds.refresh(intent_id)
    whole_shop.sandbox.refund(intent_id, 400)
    await whole_shop.refunds.refresh(intent_id)
    if heard == "in a restored backup":
        assert await cases(database) == []
        await database.rows(text("TRUNCATE refunds"))
    await sweeps(whole_shop, database)
    await whole_shop.refunds.refresh(intent_id)

    told = [case.message for case in await cases(database)]
    if heard == "one after the other":
        assert told == []
    else:
        [message] = told
        assert "failed (lost_or_stolen_card)" in message
        assert "If that made up for this one, close this case" in message


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.PAID])
async def test_a_success_of_nothing_owes_nothing(
    whole_shop: WholeShop, database: Database, status: OrderStatus
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_order(order_id, status=status)
    whole_shop.sandbox.pay(intent.id)
    whole_shop.sandbox.disguise(intent.id, amount_received=0)

    await sweeps(whole_shop, database, 2)

    assert [payment.state for payment in await whole_shop.shop.payments(order_id)] == ["succeeded"]
    assert (await cases(database), given_back(whole_shop)) == ([], [])
