"""createCheckoutToken: a bearer token for one order, for guests, payment links, and shops without sign-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from models.keys.statements import ADD_CHECKOUT_TOKEN, FORGET_OLD_CHECKOUT_TOKENS, ORDER_END
from models.orders.tables import OrderStatus
from runtime.database.database import Database
from services.identity.checkout_tokens import AFTER_END
from services.identity.opaque_tokens import CHECKOUT_TOKEN, hash_of, new_token
from services.identity.principal import Principal
from services.orders.refusals import OrderNotFound, OrderNotPayable

MOST_MINUTES = 60 * 24 * 30  # a payment link in an e-mail
FORGOTTEN_AFTER = timedelta(days=1)
MOST_FORGOTTEN_AT_ONCE = 100  # more than one call adds, so that the table does not grow


@dataclass(frozen=True, slots=True)
class NewCheckoutToken:
    token: str
    expires_at: datetime


class CheckoutTokenMaker:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, by: Principal, order_id: UUID, minutes: int) -> NewCheckoutToken:
        """A token that ends after `minutes` (1 to `MOST_MINUTES`), or with the order.

        Raises `OrderNotFound`, and `OrderNotPayable` for an order that no token would open.
        """
        token = new_token(CHECKOUT_TOKEN)
        row = await self._database.row(
            ADD_CHECKOUT_TOKEN,
            {
                "token_hash": hash_of(token),
                "order_id": order_id,
                "created_by": by.id,
                "lifetime": timedelta(minutes=minutes),
                "after_end": AFTER_END,
            },
        )
        if row is None:
            raise await self._refusal_of(order_id)
        old = {"age": FORGOTTEN_AFTER, "most": MOST_FORGOTTEN_AT_ONCE}
        await self._database.rows(FORGET_OLD_CHECKOUT_TOKENS, old)
        return NewCheckoutToken(token, row.expires_at)

    async def _refusal_of(self, order_id: UUID) -> OrderNotFound | OrderNotPayable:
        order = await self._database.row(ORDER_END, {"order_id": order_id})
        if order is None:
            return OrderNotFound()
        status = OrderStatus(order.status)
        # The sweep will cancel what has expired.
        is_due = order.is_expired and status is OrderStatus.PENDING
        return OrderNotPayable(OrderStatus.CANCELED if is_due else status)
