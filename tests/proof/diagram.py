"""The state machine as docs/payments.md draws it, from the code's own table."""

from models.payments.tables import PaymentState
from services.payments.state_machine import NEXT_STATE

SEEN = ("payable", "processing", "succeeded", "canceled")
# What we decide ourselves, without Stripe having said how an intent stands.
OWN_MOVES = (
    ("[*]", PaymentState.CREATING, "recorded, before Stripe is called"),
    (PaymentState.CREATING, PaymentState.FAILED, "Stripe refused"),
    (PaymentState.CREATING, PaymentState.ABANDONED, "key burnt, or too old, or order closed"),
    (PaymentState.OPEN, PaymentState.CANCELING, "order closed, or currency changed"),
    (PaymentState.PROCESSING, PaymentState.CANCELING, "order closed"),
)


def mermaid() -> str:
    lines = ["stateDiagram-v2"]
    lines += [f"    {start} --> {end}: {why}" for start, end, why in OWN_MOVES]
    for state, row in NEXT_STATE.items():
        for seen, following in zip(SEEN, row, strict=True):
            if following is not state:
                lines.append(f"    {state} --> {following}: {seen}")
    return "\n".join(lines)
