"""What a person decided about an order in review."""

from datetime import datetime
from enum import Enum

import strawberry

from models.reviews.tables import ReviewDecision as Decision
from services.orders.views import ReviewView


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
