"""The calls that move an existing intent: confirm, capture, cancel."""

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import invalid, unexpected_state
from sandbox.objects.authorizations import close_intent
from sandbox.objects.charges import capture_charge, release_charge
from sandbox.objects.confirming import PAYING, attempt, check_attempt, chosen_method
from sandbox.objects.currencies import check_step
from sandbox.objects.method_settings import SETTINGS, method_settings
from sandbox.objects.payment_intents import described, require_intent
from sandbox.objects.refunds import release_rest
from sandbox.objects.taking import succeed

_CONFIRMING = PAYING | {
    "amount_details", "capture_method", "client_secret", "excluded_payment_method_types", "payment_method_types",
    "receipt_email", "setup_future_usage", "shipping",
}  # fmt: skip
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_CAPTURING = frozenset(("amount_details", "amount_to_capture", "expand", "final_capture", "metadata"))
# What Stripe.js sends besides; none of it is part of the documented API.
_STRIPE_JS = frozenset(
    ("client_attribution_metadata", "expected_payment_method_type", "payment_user_agent", "referrer")
)


def confirm(account: Account, call: Call) -> Object:
    """With a secret key, or as Stripe.js does with the publishable key and the client secret."""
    params = call.params
    params.allow_only(_CONFIRMING | (_STRIPE_JS if call.publishable else frozenset()))
    intent = require_intent(account, call)
    method = chosen_method(account, params)
    changed = intent | described(account, params, intent)
    if SETTINGS & set(params.tree):
        changed |= method_settings(call, intent["currency"], intent)
    check_attempt(account, changed, method, call)
    return attempt(account, changed if method is None else changed | {"payment_method": method["id"]}, call)


def capture(account: Account, call: Call) -> Object:
    """Take an authorized amount, or `amount_to_capture` (minor units) of it; the rest is released."""
    params = call.params
    params.allow_only(_CAPTURING)
    intent = require_intent(account, call)
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only "
            "a PaymentIntent "
            "with one of the following statuses may be captured: requires_capture."
        )
        raise unexpected_state(intent, message)
    if params.boolean("final_capture") is False:
        raise invalid("Sandbox: multicapture is not done here.", param="final_capture")
    amount = params.integer("amount_to_capture", least=1) or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = (
            f"The amount_to_capture is greater than the amount_capturable ({intent['amount_capturable']})."
        )
        raise invalid(message, param="amount_to_capture", code="amount_too_large")
    check_step(amount, intent["currency"], param="amount_to_capture")
    charge = capture_charge(account, account.charges.require(intent["latest_charge"]), amount)
    if amount < charge["amount"]:
        release_rest(account, charge, charge["amount"] - amount)
    account.emit("charge.captured", charge)
    return succeed(account, intent | {"metadata": params.metadata(intent["metadata"])}, charge)


def cancel(account: Account, call: Call) -> Object:
    """Close an intent for good. One that is `processing` is refused: Stripe allows it in rare cases only."""
    call.params.allow_only(("cancellation_reason", "expand"))
    reason = call.params.one_of("cancellation_reason", _REASONS)
    return cancel_intent(account, require_intent(account, call), reason)


def cancel_intent(account: Account, intent: Object, reason: str | None) -> Object:
    if intent["status"] not in _CANCELABLE:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a "
            "PaymentIntent with "
            f"one of the following statuses may be canceled: {', '.join(_CANCELABLE)}."
        )
        raise unexpected_state(intent, message)
    if intent["status"] == "requires_capture":
        authorized = account.charges.require(intent["latest_charge"])
        account.emit("charge.refunded", release_charge(account, authorized), authorized)
    return close_intent(account, intent, reason)
