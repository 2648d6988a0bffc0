"""A copied database calls nobody for the original's money, and the sweep leaves it alone."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from services.operations.installation import renew_installation
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

OPEN_KINDS = text("SELECT kind FROM attention WHERE closed_at IS NULL ORDER BY kind")
IS_A_COPY_NO_MORE = text("UPDATE installation SET payments_since = NULL")


@pytest.fixture
async def whole_shop(database: Database, stripe: Stripe) -> AsyncIterator[WholeShop]:
    yield WholeShop(database, stripe.sandbox, SandboxGateway(stripe.sandbox))
    await database.rows(IS_A_COPY_NO_MORE)


async def test_a_copy_leaves_the_originals_cases_and_refunds_to_the_original(
    whole_shop: WholeShop, database: Database, postgres_url: str
) -> None:
    refused, delayed, reviewed = [await whole_shop.shop.order(items=[(1_000, 1)]) for _ in range(3)]
    intents = {order_id: (await whole_shop.ask(order_id)).id for order_id in (refused, delayed, reviewed)}
    await whole_shop.shop.set_price(reviewed, 900)
    for order_id, code in ((refused, "charge_not_refundable"), (delayed, "balance_insufficient")):
        await whole_shop.shop.set_order(order_id, status=OrderStatus.CANCELED)
        whole_shop.sandbox.plan_refunds(intents[order_id], refuse=code)
    for intent_id in intents.values():
        whole_shop.sandbox.pay(intent_id)
    whole_shop.sandbox.dispute(intents[reviewed])
    await whole_shop.sweep.run()
    await whole_shop.sweep.run()
    kinds = [row.kind for row in await database.rows(OPEN_KINDS)]
    failed = AttentionKind.REFUND_FAILED
    assert kinds == [AttentionKind.DISPUTE_OPEN, AttentionKind.ORDER_IN_REVIEW, failed, failed]

    await renew_installation(postgres_url)
    for order_id in (refused, delayed):
        whole_shop.sandbox.plan_refunds(intents[order_id])
    findings = await whole_shop.sweep.run()

    assert (await database.rows(OPEN_KINDS), findings.exit_code) == ([], 0)
    assert list(whole_shop.sandbox.state.refunds) == []
