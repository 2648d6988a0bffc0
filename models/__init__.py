"""The tables. Importing the package fills the catalogue, so that foreign keys resolve whichever table is used."""

from models.attention.tables import AttentionCase, AttentionKind, AttentionSubject
from models.currencies.charge_limits import ChargeLimit
from models.declines.tables import Decline
from models.keys.tables import CheckoutToken, ServiceKey
from models.orders.changes import OrderChange
from models.orders.tables import Order, OrderItem, OrderStatus
from models.payments.installation import Installation
from models.payments.tables import Disposition, Payment, PaymentState, PaymentTransition
from models.products.tables import Product
from models.reconciliation.leases import Lease
from models.reconciliation.sweep_state import SweepRetry, SweepStep, SweepWindow
from models.refunds.tables import Dispute, Refund, RefundCause, RefundState
from models.reviews.tables import Review, ReviewDecision
from models.stripe_events.tables import StripeEvent

__all__ = [
    "AttentionCase",
    "AttentionKind",
    "AttentionSubject",
    "ChargeLimit",
    "CheckoutToken",
    "Decline",
    "Disposition",
    "Dispute",
    "Installation",
    "Lease",
    "Order",
    "OrderChange",
    "OrderItem",
    "OrderStatus",
    "Payment",
    "PaymentState",
    "PaymentTransition",
    "Product",
    "Refund",
    "RefundCause",
    "RefundState",
    "Review",
    "ReviewDecision",
    "ServiceKey",
    "StripeEvent",
    "SweepRetry",
    "SweepStep",
    "SweepWindow",
]
