"""The tables. Importing the package fills the catalogue, so that foreign keys resolve whichever table is used."""

from models.attention.tables import AttentionCase, AttentionKind, AttentionSubject
from models.currencies.charge_limits import ChargeLimit
from models.declines.tables import Decline, PayerAddress
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
from models.shop_events.tables import EventType, ShopEvent
from models.stripe_events.tables import StripeEvent
from models.webhooks.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint

__all__ = [
    "AttentionCase",
    "AttentionKind",
    "AttentionSubject",
    "ChargeLimit",
    "CheckoutToken",
    "Decline",
    "DeliveryStatus",
    "Disposition",
    "Dispute",
    "EventType",
    "Installation",
    "Lease",
    "Order",
    "OrderChange",
    "OrderItem",
    "OrderStatus",
    "PayerAddress",
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
    "ShopEvent",
    "StripeEvent",
    "SweepRetry",
    "SweepStep",
    "SweepWindow",
    "WebhookDelivery",
    "WebhookEndpoint",
]
