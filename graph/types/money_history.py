"""What happened to an order's money: payments, refunds, disputes."""

from datetime import datetime
from enum import Enum

import strawberry

from graph.context import Info
from graph.types.audiences import may_see_shop_notes
from graph.types.money import Money, money
from models.payments.tables import Disposition, PaymentState
from models.refunds.tables import RefundCause as Cause
from models.refunds.tables import RefundState
from services.identity.principal import Permission
from services.orders.views import DisputeView, PaymentView, RefundView

FOR_CUSTOMERS = ("duplicate", "requested_by_customer")


@strawberry.enum(description="How an attempt to pay stands.")
class PaymentStatus(Enum):
    CREATING = strawberry.enum_value("creating", description="Recorded; Stripe has not answered yet.")
    OPEN = strawberry.enum_value("open", description="Payable: its client secret was given out.")
    PROCESSING = strawberry.enum_value("processing", description="Confirmed; the bank takes its time.")
    CANCELING = strawberry.enum_value("canceling", description="Being canceled at Stripe.")
    SUCCEEDED = strawberry.enum_value("succeeded", description="The money arrived.")
    CANCELED = strawberry.enum_value("canceled", description="Canceled; it can't be paid any more.")
    FAILED = strawberry.enum_value("failed", description="Stripe refused to make it.")
    ABANDONED = strawberry.enum_value("abandoned", description="Given up before anybody could pay it.")


@strawberry.enum(description="What money that arrived is to its order.")
class PaymentDisposition(Enum):
    SETTLED = strawberry.enum_value("settled", description="It paid the order.")
    DUPLICATE = strawberry.enum_value(
        "duplicate", description="The order was paid already: refunded in full."
    )
    LATE = strawberry.enum_value("late", description="The order was canceled already: refunded in full.")
    MISMATCH = strawberry.enum_value(
        "mismatch", description="It isn't the order's total: the order is under review."
    )


@strawberry.enum(description="How a refund stands.")
class RefundStatus(Enum):
    CREATING = strawberry.enum_value(
        "creating", description="Recorded; Stripe has not confirmed it yet. It will be carried out."
    )
    PENDING = strawberry.enum_value("pending", description="On its way to the customer.")
    REQUIRES_ACTION = strawberry.enum_value(
        "requires_action", description="The customer has to do something."
    )
    SUCCEEDED = strawberry.enum_value("succeeded", description="Given back.")
    FAILED = strawberry.enum_value("failed", description="The bank or Stripe refused it.")
    CANCELED = strawberry.enum_value("canceled", description="Called off.")


@strawberry.enum(description="Why money is given back.")
class RefundCause(Enum):
    MERCHANT = strawberry.enum_value("merchant", description="The shop decided so, with `refundOrder`.")
    DUPLICATE = strawberry.enum_value("duplicate", description="The order had been paid already.")
    LATE = strawberry.enum_value("late", description="The order had been canceled.")
    DASHBOARD = strawberry.enum_value("dashboard", description="Somebody did it in Stripe's dashboard.")


@strawberry.type(description="One change of a payment's state.")
class PaymentTransition:
    from_status: PaymentStatus | None = strawberry.field(description="Where it came from; null at its start.")
    to_status: PaymentStatus = strawberry.field(description="Where it went.")
    cause: str = strawberry.field(description="What moved it: a call, an event of Stripe's, the sweep.")
    at: datetime = strawberry.field(description="When it changed.")


@strawberry.type(description="One attempt to pay an order.")
class Payment:
    id: strawberry.ID = strawberry.field(description="Our id of it, also in the PaymentIntent's metadata.")
    payment_intent_id: strawberry.ID | None = strawberry.field(
        description="Stripe's id, `pi_…`; null while Stripe has not answered."
    )
    status: PaymentStatus = strawberry.field(description="How it stands.")
    disposition: PaymentDisposition | None = strawberry.field(
        description="What its money is to the order; null until money arrives."
    )
    amount: Money = strawberry.field(description="What was asked for.")
    received: Money = strawberry.field(description="What arrived.")
    created_at: datetime = strawberry.field(description="When it was begun.")
    view: strawberry.Private[PaymentView]

    @strawberry.field(
        description=(
            "Every change of its state, oldest first. For the shop (merchants, and keys with ORDERS_READ); null for "
            "others."
        )
    )
    def history(self, info: Info) -> list[PaymentTransition] | None:
        if not info.context.require_principal().may(Permission.SEE_SHOP_FIELDS):
            return None
        return [
            PaymentTransition(
                from_status=PaymentStatus[change.from_state.name] if change.from_state else None,
                to_status=PaymentStatus[change.to_state.name],
                cause=change.cause,
                at=change.at,
            )
            for change in self.view.history
        ]


@strawberry.type(description="Money that goes back to the customer.")
class Refund:
    id: strawberry.ID = strawberry.field(description="Our id of it.")
    status: RefundStatus = strawberry.field(description="How it stands.")
    cause: RefundCause = strawberry.field(description="Why it was made.")
    amount: Money = strawberry.field(description="How much goes back.")
    created_at: datetime = strawberry.field(description="When it was recorded.")
    customer_message: str | None = strawberry.field(
        description="What the shop wrote for the customer, if anything."
    )
    failure_reason: str | None = strawberry.field(
        description="Stripe's word for why it failed, or why it waits; null otherwise."
    )
    view: strawberry.Private[RefundView]

    @strawberry.field(
        description=(
            "The reason that was given. The shop sees its own words; customers see Stripe's `duplicate` and "
            "`requested_by_customer`, and null for anything else."
        )
    )
    def reason(self, info: Info) -> str | None:
        return self.view.reason if may_see_shop_notes(info) or self.view.reason in FOR_CUSTOMERS else None

    @strawberry.field(description="The shop's own remark; null for customers.")
    def note(self, info: Info) -> str | None:
        return self.view.note if may_see_shop_notes(info) else None

    @strawberry.field(
        description=(
            "Who asked for it: a user's id, or `key:` and a service key's. Null for customers, and for a refund "
            "that nobody asked for here."
        )
    )
    def requested_by(self, info: Info) -> str | None:
        return self.view.requested_by if may_see_shop_notes(info) else None


@strawberry.type(description="The customer's bank asks for money back. Answer it in Stripe's dashboard.")
class Dispute:
    id: strawberry.ID = strawberry.field(description="Stripe's id of it.")
    status: str = strawberry.field(description="Stripe's word, such as `needs_response`, `won`, `lost`.")
    reason: str = strawberry.field(description="Stripe's word, such as `fraudulent`.")
    amount: Money = strawberry.field(description="How much is disputed.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    due_by: datetime | None = strawberry.field(description="Until when Stripe takes evidence.")


def payment_from(view: PaymentView) -> Payment:
    return Payment(
        id=strawberry.ID(str(view.id)),
        payment_intent_id=strawberry.ID(view.intent_id) if view.intent_id else None,
        status=PaymentStatus[PaymentState(view.state).name],
        disposition=PaymentDisposition[Disposition(view.disposition).name] if view.disposition else None,
        amount=money(view.amount, view.currency),
        received=money(view.amount_received, view.currency),
        created_at=view.created_at,
        view=view,
    )


def refund_from(view: RefundView) -> Refund:
    return Refund(
        id=strawberry.ID(str(view.id)),
        status=RefundStatus[RefundState(view.state).name],
        cause=RefundCause[Cause(view.cause).name],
        amount=money(view.amount, view.currency),
        created_at=view.created_at,
        customer_message=view.customer_message,
        failure_reason=view.failure_code,
        view=view,
    )


def dispute_from(view: DisputeView) -> Dispute:
    return Dispute(
        id=strawberry.ID(view.id),
        status=view.status,
        reason=view.reason,
        amount=money(view.amount, view.currency),
        created_at=view.created_at,
        due_by=view.due_by,
    )
