"""A database gets its id back (`new-installation-id --id`): it goes on with what is its own, and with nothing else."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.reconciliation.copied_database import UNKNOWN_ID
from runtime.database.database import build_database
from sandbox.config import SandboxConfig
from sandbox.core import Sandbox
from services.identity.refusals import Refusal
from services.operations.installation import NeverHadThisId, renew_installation
from services.payments.refusals import OrderNotRefundable
from tests.events import WEBHOOK_SECRET
from tests.proof.whole_shop import ADA, WholeShop
from tests.reconciling import pass_time

CASES = text("SELECT kind FROM attention WHERE closed_at IS NULL")
DUE = text("UPDATE payments SET looked_at = looked_at - interval '1 day'")


@pytest.fixture
async def shop(own_url: str) -> AsyncIterator[WholeShop]:
    database = build_database(own_url)
    yield WholeShop(database, Sandbox(SandboxConfig(webhook_secret=WEBHOOK_SECRET)))
    await database.close()


async def id_of(shop: WholeShop) -> UUID:
    return UUID(await shop.shop.installation_id())


async def sweep(shop: WholeShop, times: int = 3) -> None:
    for _ in range(times):
        await shop.shop.database.rows(DUE)
        await shop.sweep.run()


async def hear(shop: WholeShop) -> None:
    for event in list(shop.sandbox.state.events):
        webhook = shop.sandbox.webhook(event["id"])
        await shop.inbox.receive(webhook.body, webhook.signature)


def given_back(shop: WholeShop) -> list[int]:
    return [refund["amount"] for refund in shop.sandbox.state.refunds]


@pytest.mark.parametrize("how", ["its own id", "the id before a second renewal"])
async def test_a_copy_does_not_take_the_originals_money(shop: WholeShop, own_url: str, how: str) -> None:
    order_id, _ = await shop.paid()
    await renew_installation(own_url)
    copys_id = await id_of(shop)
    if how == "the id before a second renewal":
        await renew_installation(own_url)

    await renew_installation(own_url, copys_id)

    assert await id_of(shop) == copys_id
    with pytest.raises(OrderNotRefundable):
        await shop.refund(order_id)


@pytest.mark.parametrize("renewals", [1, 2])
async def test_the_original_has_its_money_again(shop: WholeShop, own_url: str, renewals: int) -> None:
    order_id, _ = await shop.paid()
    old = await id_of(shop)
    for _ in range(renewals):
        await renew_installation(own_url)

    await renew_installation(own_url, old)
    await shop.refund(order_id)

    assert given_back(shop) == [1_000]


async def test_a_database_renewed_before_its_ids_were_kept_has_its_money_again(
    shop: WholeShop, own_url: str
) -> None:
    order_id, _ = await shop.paid()
    old = await id_of(shop)
    await renew_installation(own_url)
    await shop.shop.database.rows(text("DELETE FROM former_installations"))
    await shop.shop.database.rows(
        text("UPDATE payments SET installation_id = :unknown"), {"unknown": UNKNOWN_ID}
    )

    await renew_installation(own_url, old)
    await shop.refund(order_id)

    assert given_back(shop) == [1_000]


async def test_a_copy_gets_no_id_back_that_it_never_had(shop: WholeShop, own_url: str) -> None:
    old = await id_of(shop)
    await renew_installation(own_url)
    copys_id = await id_of(shop)

    with pytest.raises(NeverHadThisId, match=f"never had the id .*; those that it had before are {old}"):
        await renew_installation(own_url, UUID(int=7))

    assert await id_of(shop) == copys_id


@pytest.mark.parametrize("before", ["renewed by mistake", "migrated from before there were ids"])
@pytest.mark.parametrize("then", ["nothing", "cancels", "asks again"])
async def test_what_was_asked_for_under_another_id_is_heard_of(
    shop: WholeShop, own_url: str, before: str, then: str
) -> None:
    old = UUID(int=5)
    if before == "renewed by mistake":
        old = await id_of(shop)
        await renew_installation(own_url)
    order_id = await shop.shop.order(items=[(1_000, 1)])
    intent = await shop.ask(order_id)
    await renew_installation(own_url, old)
    shop.sandbox.pay(intent.id)
    try:
        if then == "cancels":
            await shop.cancellation.cancel(ADA, order_id)
        if then == "asks again":
            await shop.ask(order_id)
    except Refusal:
        pass

    await hear(shop)
    await shop.inbox.finish_all()
    await sweep(shop)

    assert await shop.shop.status(order_id) is OrderStatus.PAID


async def test_what_was_paid_while_the_id_was_another_is_heard_of(shop: WholeShop, own_url: str) -> None:
    old = await id_of(shop)
    order_id = await shop.shop.order(items=[(1_000, 1)])
    intent = await shop.ask(order_id)
    await shop.sweep.run()
    await renew_installation(own_url)
    shop.sandbox.pay(intent.id)
    pass_time(shop, 3_600)
    await shop.sweep.run()  # it reads Stripe's lists as another

    said = await renew_installation(own_url, old)
    await sweep(shop)

    assert said.startswith(f"installation {old} again: it goes on with 1 payments, 0 refunds and")
    assert await shop.shop.status(order_id) is OrderStatus.PAID


async def test_an_event_that_waited_is_finished_when_the_id_comes_back(shop: WholeShop, own_url: str) -> None:
    old = await id_of(shop)
    order_id, intent_id = await shop.paid()
    await shop.sweep.run()
    await shop.shop.database.rows(
        text("UPDATE leases SET done_until = now() + interval '1 hour' WHERE name LIKE 'list of %'")
    )
    shop.sandbox.refund(intent_id, 400)
    await hear(shop)
    await renew_installation(own_url)

    await renew_installation(own_url, old)
    await sweep(shop)

    assert await shop.shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED


async def test_a_dispute_of_meanwhile_is_told(shop: WholeShop, own_url: str) -> None:
    old = await id_of(shop)
    _, intent_id = await shop.paid()
    await shop.sweep.run()
    await renew_installation(own_url)
    shop.sandbox.dispute(intent_id)
    await hear(shop)
    pass_time(shop, 3_600)
    await shop.sweep.run()

    await renew_installation(own_url, old)
    await sweep(shop)

    assert [row.kind for row in await shop.shop.database.rows(CASES)] == ["dispute_open"]


async def test_money_without_an_order_is_the_originals_case(shop: WholeShop, own_url: str) -> None:
    old = await id_of(shop)
    await shop.paid()
    forgotten = "TRUNCATE orders, order_items, payments, payment_transitions, stripe_events, leases CASCADE"
    await shop.shop.database.rows(text(forgotten))
    await sweep(shop, 1)
    told = await shop.shop.database.rows(CASES)
    await renew_installation(own_url)
    await sweep(shop, 1)
    of_the_copy = await shop.shop.database.rows(CASES)

    await renew_installation(own_url, old)
    await sweep(shop)

    again = await shop.shop.database.rows(CASES)
    assert [[row.kind for row in rows] for rows in (told, of_the_copy, again)] == [
        ["money_without_order"],
        [],
        ["money_without_order"],
    ]


@pytest.mark.parametrize("state", ["pending", "not made"])
async def test_a_refund_under_way_goes_on_and_is_made_once(shop: WholeShop, own_url: str, state: str) -> None:
    old = await id_of(shop)
    order_id, intent_id = await shop.paid()
    if state == "pending":
        shop.sandbox.plan_refunds(intent_id, status="pending")
        await shop.refund(order_id, 400)
    else:
        shop.sandbox.permissions.forbid("rak_refund_write")
        await shop.refund(order_id, 400)
        shop.sandbox.permissions.allow("rak_refund_write")
    await renew_installation(own_url)

    await renew_installation(own_url, old)
    for refund in list(shop.sandbox.state.refunds):
        shop.sandbox.move_refund(refund["id"], "succeeded")
    await shop.refunds.refresh(intent_id)
    await sweep(shop)

    assert await shop.shop.status(order_id) is OrderStatus.PARTIALLY_REFUNDED
    assert (await shop.shop.database.rows(CASES), given_back(shop)) == ([], [400])


async def test_an_order_that_was_asked_for_again_meanwhile_keeps_the_newer_payment(
    shop: WholeShop, own_url: str
) -> None:
    old = await id_of(shop)
    order_id = await shop.shop.order(items=[(1_000, 1)])
    first = await shop.ask(order_id)
    await renew_installation(own_url)
    second = await shop.ask(order_id)

    await renew_installation(own_url, old)
    for intent in (first, second):
        shop.sandbox.pay(intent.id)
    await hear(shop)
    await sweep(shop)

    assert second.id != first.id
    assert await shop.shop.status(order_id) is OrderStatus.PAID
    assert given_back(shop) == [1_000]
