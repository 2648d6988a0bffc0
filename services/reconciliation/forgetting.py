"""The Stripe account or mode behind the keys changed for good: what can't be asked about any more is given up."""

from uuid import UUID

from models.orders.changes import DROP_CHANGE_OF_PAYMENT
from models.payments.settlement_statements import LOCK_ORDER
from models.payments.statements import MOVE_PAYMENT
from models.payments.tables import PaymentState
from models.reconciliation.statements import LIVE_INTENTS, LiveIntent
from runtime.database.database import Database, Transaction
from services.payments.call_priority import Rank, asking_as
from services.payments.intents import GatewayError, is_missing
from services.reconciliation.stripe_account import IntentReader, StripeAccount

BATCH = 100


async def forget_unknown(database: Database, gateway: IntentReader) -> int:
    """Give up live payments whose intents Stripe says it does not have; their orders can be paid anew.

    Returns how many. One that Stripe knows stays as it is. Raises a `GatewayError` when Stripe could not be asked:
    then the account is not given up, and the command is to be repeated.
    """
    forgotten, after = 0, UUID(int=0)
    with asking_as(Rank.REPAIR):
        while due := await database.rows(LIVE_INTENTS, {"limit": BATCH, "after_id": after}):
            for payment in due:
                forgotten += await _forget_if_unknown(database, gateway, payment)
            after = due[-1].order_id
    await StripeAccount(database, gateway).give_up()
    return forgotten


async def _forget_if_unknown(database: Database, gateway: IntentReader, payment: LiveIntent) -> bool:
    try:
        await gateway.retrieve_intent(payment.intent_id)
    except GatewayError as error:
        if not is_missing(error):
            raise
    else:
        return False
    changes = {
        "payment_id": payment.id,
        "from_state": payment.state,
        "to_state": PaymentState.ABANDONED,
        "failure_code": "stripe_account_changed",
        "cause": "forget-unknown-payments",
    }

    async def write(transaction: Transaction) -> bool:
        await transaction.rows(LOCK_ORDER, {"order_id": payment.order_id})
        if await transaction.row(MOVE_PAYMENT, changes) is None:
            return False
        await transaction.rows(DROP_CHANGE_OF_PAYMENT, {"payment_id": payment.id})
        return True

    return await database.transaction(write, locks=payment.order_id)
