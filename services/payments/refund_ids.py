"""Ids of refunds, made from the intent and what is wanted of it.

The same wish is the same refund: also in a database that was restored from a backup, or on a standby that lagged. So
Stripe's idempotency key and metadata repeat, and a refund that Stripe has already is found by its id.
"""

from uuid import UUID, uuid5

_NAMESPACE = UUID("5d3f8a0e-3f0c-5c8e-9a53-1d6f0e5b7c21")


def merchants_refund(intent_id: str, client_key: str) -> UUID:
    return uuid5(_NAMESPACE, f"{intent_id} merchant {client_key}")


def automatic_refund(intent_id: str) -> UUID:
    """Of money that its order has no use for: there is one for each intent."""
    return uuid5(_NAMESPACE, f"{intent_id} automatic")


def refund_of_review(intent_id: str, idempotency_key: str) -> UUID:
    return uuid5(_NAMESPACE, f"{intent_id} review {idempotency_key}")


def dashboards_refund(stripe_refund_id: str) -> UUID:
    """Of a refund that somebody else made."""
    return uuid5(_NAMESPACE, stripe_refund_id)
