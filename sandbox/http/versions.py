"""Stripe's API versions, as far as they change what the sandbox answers."""

from typing import Literal

Style = Literal[
    "snapshot", "thin"
]  # what an endpoint is sent: events with their object, or only what they are about

LATEST = "2026-10-28.endive"  # what stripe-python 16.1 sends; events are rendered in it
ACCOUNT_DEFAULT = "2026-05-27.dahlia"  # a call without Stripe-Version, such as the Stripe CLI's
_TYPES_REMOVED = "2026-09-30"  # docs.stripe.com/changelog/endive/2026-09-30


def refuses_payment_method_types(version: str) -> bool:
    """Whether `payment_method_types` is answered with 400 under this version."""
    return version[:10] >= _TYPES_REMOVED
