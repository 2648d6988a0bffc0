"""The tables. Importing the package fills the catalogue, so that foreign keys resolve whichever table is used."""

from models.charge_limits import ChargeLimit
from models.leases import Lease
from models.orders import Order, OrderItem, OrderStatus
from models.payments import Disposition, Payment, PaymentState, PaymentTransition
from models.products import Product
from models.refunds import Dispute, Refund, RefundCause, RefundState
from models.stripe_events import StripeEvent

__all__ = [
    "ChargeLimit",
    "Disposition",
    "Dispute",
    "Lease",
    "Order",
    "OrderItem",
    "OrderStatus",
    "Payment",
    "PaymentState",
    "PaymentTransition",
    "Product",
    "Refund",
    "RefundCause",
    "RefundState",
    "StripeEvent",
]
