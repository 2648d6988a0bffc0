"""A pending order can be paid once Stripe is well: nothing that failed before keeps its customer out."""

from sqlalchemy import text

from runtime.database.database import Database
from services.identity.refusals import Refusal
from services.payments.payment_intents import PaymentIntents
from services.payments.refusals import PaymentInProgress, PaymentProviderUnavailable

PENDING = text("SELECT id FROM orders WHERE status = 'pending' AND user_id = 'ada' ORDER BY id")


async def each_pending_order_can_be_paid(database: Database, payments: PaymentIntents) -> None:
    """createPaymentIntent answers with an intent, or with a reason that has nothing to do with waiting."""
    for order in await database.rows(PENDING):
        try:
            await payments.create("ada", order.id)
        except (PaymentInProgress, PaymentProviderUnavailable) as error:
            raise AssertionError(f"L1: order {order.id} can't be paid: {error!r}") from error
        except Refusal:  # such as an amount that can't be charged, or an order that has ended
            continue
