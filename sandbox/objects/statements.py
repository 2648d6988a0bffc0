"""What stands on a customer's statement: https://docs.stripe.com/get-started/account/statement-descriptors."""

import re

from sandbox.http.answers import Object
from sandbox.http.errors import invalid
from sandbox.http.parameters import Parameters

PREFIX = "SANDBOX"
LONGEST = 22
_REFUSED = re.compile(r"[<>\\'\"*]")


def statement_text(params: Parameters, name: str) -> str | None:
    """Of at most 22 characters, with a letter, and without those that banks can't print."""
    value = params.text(name, longest=LONGEST)
    if value is None:
        return None
    if refused := _REFUSED.search(value):
        raise invalid(f"The statement descriptor may not contain {refused[0]}", param=name)
    if not re.search("[A-Za-z]", value):
        raise invalid("The statement descriptor must contain at least one Latin character.", param=name)
    return value


def check_statement(intent: Object) -> None:
    """A whole descriptor is for what is paid without cards: since 2024 Stripe refuses it where a card may be used."""
    if intent["statement_descriptor"] is not None and "card" in intent["payment_method_types"]:
        message = (
            "The statement_descriptor parameter is not supported for the payment_method_type `card`. To continue "
            "supporting payment_method_type `card`, please pass in `statement_descriptor_suffix` or remove the "
            "`statement_descriptor` parameter altogether. Please see https://support.stripe.com/questions/"
            "use-of-the-statement-descriptor-parameter-on-paymentintents-for-card-charges for additional details."
        )
        raise invalid(message, param="statement_descriptor")


def on_statement(intent: Object) -> str:
    """The account's prefix with the intent's suffix, cut off where a statement ends."""
    suffix = intent["statement_descriptor_suffix"]
    return f"{PREFIX}* {suffix}"[:LONGEST] if suffix else PREFIX
