"""SQL changes an order while a change by updateOrder is staged for it: the newer one stays, and nothing hangs."""

from uuid import UUID

import pytest
from sqlalchemy import text

from models import OrderStatus
from models.attention.tables import AttentionKind
from runtime.database.database import Database
from services.orders.lines import OrderLine
from services.orders.views import PlacedOrder
from services.payments.intents import OutcomeUnknown
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.refusals import OrderChangedMeanwhile, PaymentProviderUnavailable
from services.payments.settlement import Settlement
from tests.conftest import Stripe
from tests.proof.gateway import SandboxGateway
from tests.proof.interrupted_gateway import InterruptedGateway
from tests.proof.whole_shop import WholeShop

PENDING_CHANGES = text("SELECT FROM order_changes")
AN_HOUR_LATER = text("UPDATE order_changes SET created_at = created_at - interval '1 hour'")


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def change(
    whole_shop: WholeShop, gateway: SandboxGateway, order_id: UUID, total: int, version: int = 2
) -> PlacedOrder:
    wanted = WantedChange(
        order_id=order_id,
        requested_by="shop",
        expected_version=version,
        lines=[OrderLine(name="Lamp", unit_amount=total, quantity=1)],
        total=total,
    )
    return await OrderChanges(whole_shop.shop.database, gateway).change(wanted)


async def lost_change(whole_shop: WholeShop, moment: str) -> tuple[UUID, str]:
    """An order of 10.00 and its intent; a change to 13.00 is staged, and Stripe's answer was lost."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)

    async def the_connection_is_lost() -> None:
        raise OutcomeUnknown("lost")

    gateway = InterruptedGateway(whole_shop.sandbox, {moment: the_connection_is_lost})
    with pytest.raises(PaymentProviderUnavailable):
        await change(whole_shop, gateway, order_id, 1_300)
    await whole_shop.shop.database.rows(AN_HOUR_LATER)
    return order_id, intent.id


async def pay(whole_shop: WholeShop, intent_id: str) -> None:
    """The customer pays, and the webhook arrives before the next sweep."""
    whole_shop.sandbox.pay(intent_id)
    intent = await whole_shop.gateway.retrieve_intent(intent_id)
    await Settlement(whole_shop.shop.database).apply(intent, cause="evt_test")


async def items(whole_shop: WholeShop) -> list[tuple[str, int]]:
    rows = await whole_shop.shop.database.rows(text("SELECT product_name, unit_amount FROM order_items"))
    return [(row.product_name, row.unit_amount) for row in rows]


async def test_money_for_a_staged_change_does_not_undo_a_newer_price(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await lost_change(whole_shop, "after reprice")
    await whole_shop.shop.set_price(order_id, 1_500)
    await pay(whole_shop, intent_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    assert await items(whole_shop) == [("Mug", 1_500)]
    await whole_shop.sweep.run()
    assert not await database.rows(PENDING_CHANGES)
    [case] = await database.rows(text("SELECT kind FROM attention WHERE closed_at IS NULL"))
    assert case.kind == AttentionKind.ORDER_IN_REVIEW


async def test_money_for_a_staged_change_does_not_pay_an_order_in_another_currency(
    whole_shop: WholeShop, database: Database
) -> None:
    order_id, intent_id = await lost_change(whole_shop, "after reprice")
    await whole_shop.shop.set_order(order_id, currency="EUR")
    await pay(whole_shop, intent_id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.REVIEW
    assert await items(whole_shop) == [("Mug", 1_000)]
    await whole_shop.sweep.run()
    assert not await database.rows(PENDING_CHANGES)


@pytest.mark.parametrize("moment", ["before reprice", "after reprice"])
@pytest.mark.parametrize("first", ["the customer", "the sweep"])
async def test_the_order_is_payable_at_its_newest_price_and_stays_so(
    whole_shop: WholeShop, database: Database, moment: str, first: str
) -> None:
    order_id, intent_id = await lost_change(whole_shop, moment)
    await whole_shop.shop.set_price(order_id, 1_500)
    if first == "the sweep":
        await whole_shop.sweep.run()
    intent = await whole_shop.ask(order_id)
    await whole_shop.sweep.run()

    assert (intent.id, intent.amount) == (intent_id, 1_500)
    assert not await database.rows(PENDING_CHANGES)
    whole_shop.sandbox.pay(intent_id)
    await whole_shop.sweep.run()
    [payment] = await whole_shop.shop.payments(order_id)
    assert (payment.disposition, payment.amount_received) == ("settled", 1_500)


async def test_the_order_can_be_changed_again(whole_shop: WholeShop) -> None:
    order_id, _ = await lost_change(whole_shop, "after reprice")
    await whole_shop.shop.set_price(order_id, 1_500)

    with pytest.raises(OrderChangedMeanwhile) as refused:
        await change(whole_shop, whole_shop.gateway, order_id, 1_300)
    version = refused.value.order.version
    changed = await change(whole_shop, whole_shop.gateway, order_id, 1_400, version)

    assert changed.total == 1_400
    assert (await whole_shop.ask(order_id)).amount == 1_400


async def test_an_order_in_another_currency_than_its_intent_is_changed_and_payable(
    whole_shop: WholeShop,
) -> None:
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    before = await whole_shop.ask(order_id)
    await whole_shop.shop.set_order(order_id, currency="EUR")

    await change(whole_shop, whole_shop.gateway, order_id, 3_000)

    assert whole_shop.sandbox.state.payment_intents.require(before.id)["status"] == "canceled"
    after = await whole_shop.ask(order_id)
    assert (after.amount, after.currency) == (3_000, "EUR")
