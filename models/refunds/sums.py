"""What became of a payment's money: how much went back, and how much is still here. Minor units, as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.base import among
from models.refunds.tables import Dispute, Refund, RefundState

# Stripe counts a refund that is under way as given back, and so do we.
MADE = (RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED)
RESERVED = (RefundState.CREATING, *MADE)
LOST = "lost"  # https://docs.stripe.com/api/disputes/object#dispute_object-status
DECIDED = (LOST, "won", "warning_closed", "prevented")

_made, _asked, _taken = (
    aliased(Refund, name="made"),
    aliased(Refund, name="asked"),
    aliased(Dispute, name="taken"),
)


def given_back(payment_id: Any) -> ColumnElement[int]:
    """By refunds that Stripe has."""
    return (
        select(func.coalesce(func.sum(col(_made.amount)), 0))
        .where(col(_made.payment_id) == payment_id, among(col(_made.state), MADE))
        .scalar_subquery()
    )


def asked_for(payment_id: Any) -> ColumnElement[int]:
    """By refunds that Stripe has, or that wait for its answer."""
    return (
        select(func.coalesce(func.sum(col(_asked.amount)), 0))
        .where(col(_asked.payment_id) == payment_id, among(col(_asked.state), RESERVED))
        .scalar_subquery()
    )


def taken_by_banks(payment_id: Any) -> ColumnElement[int]:
    """By disputes that were lost."""
    return (
        select(func.coalesce(func.sum(col(_taken.amount)), 0))
        .where(col(_taken.payment_id) == payment_id, col(_taken.status) == LOST)
        .scalar_subquery()
    )


def still_here(payment: Any) -> ColumnElement[int]:
    """What is still here of a payment's money."""
    return col(payment.amount_received) - given_back(payment.id) - taken_by_banks(payment.id)


def left_to_give_back(payment: Any) -> ColumnElement[int]:
    """What no refund asked for and no bank took. Below zero where both had the same."""
    return col(payment.amount_received) - asked_for(payment.id) - taken_by_banks(payment.id)
