"""The grammar of Stripe's ids. What doesn't match is never stored, asked about, or made part of a path."""

import re

INTENT, REFUND, DISPUTE, CHARGE, EVENT = "intent", "refund", "dispute", "charge", "event"

_REST = r"(?!\w*_secret_)[A-Za-z0-9_]{1,240}"  # never a client secret, which begins with its intent's id
# https://docs.stripe.com/api: `pyr_` and `py_` are refunds and charges of some payment methods, `du_` older disputes.
PREFIXES = {
    INTENT: ("pi_",),
    REFUND: ("re_", "pyr_"),
    DISPUTE: ("dp_", "du_", "pdp_"),
    CHARGE: ("ch_", "py_"),
    EVENT: ("evt_",),
}
_GRAMMAR = {kind: re.compile(rf"(?:{'|'.join(prefixes)}){_REST}") for kind, prefixes in PREFIXES.items()}


def is_id(kind: str, text: object) -> bool:
    """Whether `text` is an id of this kind, whole and with nothing else in it."""
    return isinstance(text, str) and _GRAMMAR[kind].fullmatch(text) is not None


def kind_of_id(text: object) -> str | None:
    """What an id is of; None for any other text."""
    return next((kind for kind in _GRAMMAR if is_id(kind, text)), None)
