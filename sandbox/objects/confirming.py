"""From a payment method to an attempt: what may be tried with it, and 3-D Secure.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from contextlib import suppress
from typing import Literal

from sandbox.account.account import Account
from sandbox.account.ids import authentication_url, new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, error_body, invalid, unexpected_state
from sandbox.http.parameters import Parameters
from sandbox.objects.cards import AUTHENTICATION_REQUIRED, TestMethod
from sandbox.objects.payment_methods import from_token, make_payment_method, method_of
from sandbox.objects.taking import back_to_start, decline_intent, take

PAYING = frozenset((
    "error_on_requires_action", "expand", "mandate_data", "off_session", "payment_method", "payment_method_data",
    "payment_method_options", "radar_options", "return_url", "use_stripe_sdk",
))  # fmt: skip
Outcome = Literal["approve", "refuse"]


def chosen_method(account: Account, params: Parameters) -> Object | None:
    """The payment method this call brings: made from `payment_method_data`, or named by `payment_method`."""
    data = params.inside("payment_method_data")
    if data is not None:
        return make_payment_method(account, data)
    token = params.text("payment_method")
    return None if token is None else from_token(account, token)


def check_attempt(account: Account, intent: Object, method: Object | None, call: Call) -> None:
    """Refuse whatever cannot be tried with `method` (None: the intent's own), before anything is changed."""
    _check_status(intent)
    _check_owner(intent, method or account.payment_methods.get(intent["payment_method"] or ""))
    if method is None and intent["payment_method"] is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken."
        )
        raise unexpected_state(intent, message)
    if method is not None and method["type"] not in intent["payment_method_types"]:
        message = (
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}."
        )
        raise invalid(message, param="payment_method", code="payment_intent_incompatible_payment_method")
    _check_return_url(intent, call)
    _off_session(call.params)


def _check_owner(intent: Object, method: Object | None) -> None:
    """A payment method of one customer pays that customer's intents alone."""
    owner = None if method is None else method["customer"]
    if method is None or owner is None or owner == intent["customer"]:
        return
    if intent["customer"] is None:
        message = (
            f"The payment method {method['id']} belongs to the customer {owner}. Please include the Customer in the "
            "`customer` parameter on the PaymentIntent."
        )
    else:
        message = (
            f"The customer {intent['customer']} does not own the payment method {method['id']}. Please use the "
            f"customer {owner}, who owns it."
        )
    raise invalid(message, param="payment_method")


def _check_status(intent: Object) -> None:
    status = intent["status"]
    if status == "succeeded":
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed."
        )
        raise unexpected_state(intent, message)
    if status in ("canceled", "processing", "requires_capture"):
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with "
            "one of the following statuses may be confirmed: requires_confirmation, requires_action."
        )
        raise unexpected_state(intent, message)


def _check_return_url(intent: Object, call: Call) -> None:
    """A server that confirms an intent with dynamic methods must say where a redirect comes back (docs: return_url)."""
    return_url, by_sdk = call.params.url("return_url"), call.params.boolean("use_stripe_sdk")
    automatic = intent["automatic_payment_methods"]
    if (
        call.publishable
        or not automatic
        or automatic["allow_redirects"] == "never"
        or _nobody_there(call.params)
    ):
        return
    if return_url is None and not by_sdk:
        message = (
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
            "If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )
        raise invalid(message, param="return_url")


def _off_session(params: Parameters) -> bool:
    """Whether a payment that needs 3-D Secure is to fail: the customer is away, or the caller wants it so."""
    return bool(params.boolean("error_on_requires_action")) or _nobody_there(params)


def _nobody_there(params: Parameters) -> bool:
    """`off_session` may be a boolean, `one_off` or `recurring`."""
    return params.one_of("off_session", ("true", "false", "one_off", "recurring")) not in (None, "false")


def attempt(account: Account, intent: Object, call: Call) -> Object:
    """Try to take the money with the intent's method. A decline is a 402 that carries the intent."""
    method = account.payment_methods.require(intent["payment_method"])
    method = _keep_for_later(account, intent, method)
    test = method_of(account, method)
    if must_authenticate(account, test, method, intent, away=_nobody_there(call.params)):
        return _ask_customer(account, intent, method, call)
    return take(account, intent, method, test)


def _keep_for_later(account: Account, intent: Object, method: Object) -> Object:
    """`setup_future_usage` with a customer attaches what paid: https://docs.stripe.com/payments/save-during-payment."""
    if intent["setup_future_usage"] is None or intent["customer"] is None or method["customer"] is not None:
        return method
    attached = account.save(account.payment_methods, method | {"customer": intent["customer"]})
    account.emit("payment_method.attached", attached)
    return attached


def must_authenticate(
    account: Account, test: TestMethod, method: Object, intent: Object, *, away: bool
) -> bool:
    """Whether the issuer asks the customer, who is `away` in an off-session payment."""
    if test.three_d_secure == "off_session_too":
        return True
    if test.three_d_secure == "required":
        return not (away and (test.ready_off_session or method["id"] in account.set_up))
    asked = intent["payment_method_options"].get("card", {}).get("request_three_d_secure")
    return test.three_d_secure == "optional" and asked in ("any", "challenge")


def bank_page(intent: Object, call: Call) -> Object:
    """The next_action that sends the customer to the bank: by redirect, or by Stripe.js."""
    url = authentication_url(call.base_url, intent["id"], intent["client_secret"])
    return_url = call.params.url("return_url")
    if return_url is not None and not call.params.boolean("use_stripe_sdk"):
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    by_sdk = {"type": "three_d_secure_redirect", "stripe_js": url, "source": new_id("src")}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": by_sdk}


def _ask_customer(account: Account, intent: Object, method: Object, call: Call) -> Object:
    if _off_session(call.params):
        return decline_intent(account, intent, method, AUTHENTICATION_REQUIRED)
    action = bank_page(intent, call)
    waiting = account.save(
        account.payment_intents,
        intent | {"status": "requires_action", "next_action": action, "last_payment_error": None},
    )
    account.emit("payment_intent.requires_action", waiting)
    return waiting


def authenticate(account: Account, intent_id: str, outcome: Outcome) -> Object:
    """The customer answers 3-D Secure. Refused: `payment_intent_authentication_failure`, a new method is needed."""
    intent = account.payment_intents.require(intent_id, param="intent")
    if intent["status"] != "requires_action":
        raise unexpected_state(
            intent,
            f"This PaymentIntent has a status of {intent['status']}: nothing is asked of the customer.",
        )
    method = account.payment_methods.require(intent["payment_method"])
    if outcome == "refuse":
        message = (
            "We are unable to authenticate your payment method. "
            "Please choose a different payment method and try again."
        )
        error = error_body(
            "invalid_request_error",
            message,
            code="payment_intent_authentication_failure",
            payment_method=method,
        )
        return back_to_start(account, intent, error, None)
    # A decline after an approval has no caller to be told by a 402: the intent tells it.
    with suppress(StripeError):
        take(account, intent, method, method_of(account, method))
    return account.payment_intents.require(intent_id)
