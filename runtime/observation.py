"""What becomes known of a request while it is answered: for its log line, and for the counts of `/metrics`.

The server begins an observation for each request (graph/serving/observing.py); code that learns something notes it.
Work that no request asked for, such as the sweep, has none.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

NO_OPERATION = "none"  # what was refused before a field was reached, or asks for the schema itself
SEVERAL = "several"


@dataclass(slots=True)
class Observation:
    """`operation` is a root field's name in the schema, never a client's name for it; `result` a type or a code."""

    request_id: str
    operation: str = NO_OPERATION
    result: str | None = None
    user: str | None = None
    order: UUID | str | None = None
    payment: UUID | None = None
    event: str | None = None
    stripe_request: str | None = None
    trace_id: str | None = None
    follows: bool = False  # a subscription, whose length tells nothing

    def reach(self, root_field: str) -> None:
        self.operation = root_field if self.operation in (NO_OPERATION, root_field) else SEVERAL


current: ContextVar[Observation | None] = ContextVar("observation", default=None)


def note(
    *,
    user: str | None = None,
    payment: UUID | None = None,
    event: str | None = None,
    stripe_request: str | None = None,
) -> None:
    """Add to the present request's observation, if there is one; what is None stays as it was."""
    seen = current.get()
    if seen is None:
        return
    seen.user = user or seen.user
    seen.payment = payment or seen.payment
    seen.event = event or seen.event
    seen.stripe_request = stripe_request or seen.stripe_request
