"""What a person decided about an order in review."""

from datetime import datetime
from enum import Enum

import strawberry

from graph.types.money import Money, money
from models.reviews.tables import ReviewDecision as Decision
from services.orders.views import ReviewView
from services.payments import open_reviews


@strawberry.enum(description="What to do with money that does not match its order.")
class ReviewDecision(Enum):
    ACCEPT = strawberry.enum_value(
        Decision.ACCEPT.value,
        description="An ADJUSTMENT line makes the total what was received, and the order is PAID.",
    )
    REFUND = strawberry.enum_value(Decision.REFUND.value, description="All that was received goes back.")


@strawberry.type(description="What a person decided about money that did not match its order.")
class Review:
    id: strawberry.ID = strawberry.field(description="The decision's id.")
    decision: ReviewDecision = strawberry.field(description="What was decided.")
    note: str = strawberry.field(description="Why, for the shop.")
    decided_by: str = strawberry.field(description="Who decided: a user's id, or `key:` and a service key's.")
    decided_at: datetime = strawberry.field(description="When it was decided.")


def review_from(view: ReviewView) -> Review:
    return Review(
        id=strawberry.ID(str(view.id)),
        decision=ReviewDecision[view.decision.name],
        note=view.note,
        decided_by=view.decided_by,
        decided_at=view.decided_at,
    )


@strawberry.type(description="What one decision would do now.")
class ReviewOutcome:
    total: Money = strawberry.field(description="The order's total afterwards.")
    gives_back: list[Money] = strawberry.field(
        description=(
            "What Stripe is asked to give back, an amount for each payment. It may refuse, as for a charge whose "
            "dispute was lost: then there is a case of the kind REFUND_FAILED."
        )
    )
    keeps: list[Money] = strawberry.field(
        description=(
            "What of `here` stays, an amount for each payment. After ACCEPT it is less than `total` where a bank took "
            "a part in a lost dispute: the order counts as paid with all that was received and not given back."
        )
    )
    refusal: str | None = strawberry.field(
        description=(
            "Why `resolveReview` would refuse this decision, a sentence to show; null when it would take it. A refused "
            "decision changes nothing."
        )
    )


@strawberry.type(
    description=(
        "Money that waits for a decision, and what `resolveReview` would make of it. Show these amounts to the person "
        "who decides, and don't calculate your own: of several payments one settles the order, and the others go back."
    )
)
class OpenReview:
    here: list[Money] = strawberry.field(
        description=(
            "What is here, an amount for each payment, oldest first: without what was given back and what banks took "
            "in lost disputes."
        )
    )
    accept: ReviewOutcome = strawberry.field(description="What ACCEPT would do.")
    refund: ReviewOutcome = strawberry.field(description="What REFUND would do.")


def open_review_from(view: open_reviews.OpenReview) -> OpenReview:
    return OpenReview(
        here=[money(each.here, each.currency) for each in view.here],
        accept=_outcome_from(view.accept, view.currency),
        refund=_outcome_from(view.refund, view.currency),
    )


def _outcome_from(choice: open_reviews.Choice, currency: str) -> ReviewOutcome:
    return ReviewOutcome(
        total=money(choice.total, currency),
        gives_back=[money(each.amount, each.currency) for each in choice.given_back],
        keeps=[money(each.here, each.currency) for each in choice.kept],
        refusal=choice.refusal,
    )
