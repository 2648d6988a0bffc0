"""Where a repricing may have reached Stripe, `updateOrder` says yes only once the intent has its amount."""

import pytest
from sqlalchemy import text

from models import OrderStatus
from runtime.database.database import Database
from services.payments.intents import OutcomeUnknown
from services.payments.payment_intents import PaymentIntents
from services.payments.refusals import PaymentProviderUnavailable
from tests.conftest import Stripe
from tests.integration.orders.test_update_order_and_sql import change, lost_change, pay
from tests.proof.interrupted_gateway import InterruptedGateway
from tests.proof.whole_shop import WholeShop


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def version_of(whole_shop: WholeShop) -> int:
    [row] = await whole_shop.shop.database.rows(text("SELECT version FROM orders"))
    return int(row.version)


async def test_a_change_back_after_a_lost_repricing_is_what_the_customer_pays(
    whole_shop: WholeShop, database: Database
) -> None:
    """Staged 13.00 reached Stripe, its answer was lost, SQL changed the price, and updateOrder goes back to 10.00."""
    order_id, intent_id = await lost_change(whole_shop, "after reprice")
    await whole_shop.shop.set_price(order_id, 1_500)
    await whole_shop.sweep.run()  # drops the outdated change

    changed = await change(whole_shop, whole_shop.gateway, order_id, 1_000, await version_of(whole_shop))
    assert changed.total == 1_000
    await pay(whole_shop, intent_id)  # by the page that is open since before

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID


async def test_a_change_back_after_a_lost_repricing_by_another_ask(
    whole_shop: WholeShop, database: Database
) -> None:
    """Without a staged change: createPaymentIntent repriced to a price by SQL, and its answer was lost."""
    order_id = await whole_shop.shop.order(items=[(1_000, 1)])
    intent = await whole_shop.ask(order_id)
    await whole_shop.shop.set_price(order_id, 1_300)

    async def the_connection_is_lost() -> None:
        raise OutcomeUnknown("lost")

    gateway = InterruptedGateway(whole_shop.sandbox, {"after reprice": the_connection_is_lost})
    with pytest.raises(PaymentProviderUnavailable):
        await PaymentIntents(database, gateway, deadline=2).create("ada", order_id)

    changed = await change(whole_shop, whole_shop.gateway, order_id, 1_000, await version_of(whole_shop))
    assert changed.total == 1_000
    await pay(whole_shop, intent.id)

    assert await whole_shop.shop.status(order_id) is OrderStatus.PAID
