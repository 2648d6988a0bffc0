"""What tests of refunds and disputes share: hearing all that Stripe has to tell, and what became of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database, Row, Transaction
from services.payments.refund_wishes import RefundWish
from services.payments.settlement import Settlement
from services.reconciliation.attention_cases import AttentionCases
from services.reconciliation.inbox import Inbox
from tests.conftest import Stripe
from tests.make import Shop
from tests.proof.whole_shop import WholeShop
from tests.reconciling import sweep

WAITING = text("SELECT count(*) AS number FROM pg_locks WHERE NOT granted")


async def hear_everything(inbox: Inbox, stripe: Stripe) -> None:
    for event in list(stripe.sandbox.state.events):
        webhook = stripe.sandbox.webhook(event["id"])
        await inbox.receive(webhook.body, webhook.signature)
    await inbox.finish_all()


async def intent_of(shop: Shop, order_id: UUID) -> str:
    return str((await shop.payments(order_id))[0].intent_id)


def wish(order_id: UUID, *, amount: int | None = None, key: str = "k") -> RefundWish:
    return RefundWish(
        order_id=order_id, amount=amount, reason=None, idempotency_key=key, requested_by="shopkeeper"
    )


async def all_refunds(database: Database) -> list[Row]:
    return list(await database.rows(text("SELECT * FROM refunds ORDER BY created_at")))


async def open_cases(database: Database) -> list[Row]:
    return list(await database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL ORDER BY kind")))


async def kinds(database: Database) -> list[str]:
    return [case.kind for case in await open_cases(database)]


async def told(database: Database) -> list[str]:
    return [case.message for case in await open_cases(database)]


async def close_all(database: Database) -> None:
    """By a person's word."""
    for case in await open_cases(database):
        await AttentionCases(database).close("shopkeeper", case.id, "in cash")


async def all_fail(whole_shop: WholeShop, database: Database) -> None:
    """The card is closed: whatever went back comes back from the bank."""
    for made in list(whole_shop.sandbox.state.refunds):
        if made["status"] == "succeeded":
            whole_shop.sandbox.move_refund(made["id"], "failed", "expired_or_canceled_card")
    await sweep(whole_shop, database, 2)


async def paid_late(whole_shop: WholeShop) -> tuple[UUID, str]:
    """10.00, after its order was canceled."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent_id = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
    whole_shop.sandbox.pay(intent_id)
    return order_id, intent_id


async def paid_too_much(whole_shop: WholeShop) -> tuple[UUID, str]:
    """13.00 came for 10.00, since the price changed while the customer paid."""
    order_id = await whole_shop.shop.order(items=[(1_300, 1)])
    intent_id = (await whole_shop.ask(order_id)).id
    await whole_shop.shop.set_price(order_id, 1_000)
    whole_shop.sandbox.pay(intent_id)
    await whole_shop.sweep.run()
    return order_id, intent_id


async def paid_twice(whole_shop: WholeShop, database: Database) -> tuple[UUID, str]:
    """13.00 at an old price, then the exact 10.00 by an intent whose answer was lost; the order and the second."""
    order_id = await whole_shop.shop.order(items=[(1_300, 1)])
    first = (await whole_shop.ask(order_id)).id
    await database.rows(text("UPDATE payments SET state = 'abandoned'"))
    await whole_shop.shop.set_price(order_id, 1_000)
    second = (await whole_shop.ask(order_id)).id
    for intent_id in (first, second):
        whole_shop.sandbox.pay(intent_id)
        await Settlement(database).apply(await whole_shop.gateway.retrieve_intent(intent_id), cause="test")
    return order_id, second


async def lose(whole_shop: WholeShop, database: Database, dispute_id: str) -> None:
    """The bank keeps its money; what is left can be refunded again."""
    whole_shop.sandbox.move_dispute(dispute_id, "lost")
    state = whole_shop.sandbox.state
    for charge in list(state.charges):
        state.save(state.charges, charge | {"disputed": False})
    await sweep(whole_shop, database, 2)


async def while_uncommitted(
    database: Database, change: str, work: Callable[[], Awaitable[Any]], *, waiters: int = 1
) -> None:
    """`work` begins while somebody's SQL is not committed, waits for it, and goes on when it is."""

    async def write(transaction: Transaction) -> asyncio.Task[Any]:
        await transaction.rows(text(change))
        task = asyncio.ensure_future(work())
        async with asyncio.timeout(10):
            while (await transaction.one(WAITING)).number < waiters:
                assert not task.done(), "it did not wait for the lock"
        return task

    await (await database.transaction(write))
