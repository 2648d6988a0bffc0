"""From a payment method to money: confirming, 3-D Secure, and methods that take days.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from contextlib import suppress
from typing import Literal

from sandbox.account.account import Account
from sandbox.account.ids import authentication_url
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, error_body, invalid, unexpected_state
from sandbox.http.parameters import Parameters
from sandbox.objects.authorizations import wait_for_capture
from sandbox.objects.cards import AUTHENTICATION_REQUIRED, GENERIC, Decline, TestMethod
from sandbox.objects.charges import new_charge, settle_charge
from sandbox.objects.disputes import open_dispute
from sandbox.objects.payment_methods import from_token, make_payment_method, method_of

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
    """Whether a payment that needs 3-D Secure is to fail: nobody is there, or the caller wants it so."""
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
    return _take(account, intent, method, test)


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


def _ask_customer(account: Account, intent: Object, method: Object, call: Call) -> Object:
    params = call.params
    if _off_session(params):
        return decline_intent(account, intent, method, AUTHENTICATION_REQUIRED)
    url = authentication_url(call.base_url, intent["id"], intent["client_secret"])
    return_url = params.url("return_url")
    if return_url is not None and not params.boolean("use_stripe_sdk"):
        action: Object = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    else:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    waiting = account.save(
        account.payment_intents,
        intent | {"status": "requires_action", "next_action": action, "last_payment_error": None},
    )
    account.emit("payment_intent.requires_action", waiting)
    return waiting


def _take(account: Account, intent: Object, method: Object, test: TestMethod) -> Object:
    if test.later:
        return _start_processing(account, intent, method, test)
    if test.decline is not None:
        return decline_intent(account, intent, method, test.decline)
    manual = intent["capture_method"] == "manual"
    charge = new_charge(account, intent, method, status="succeeded", captured=not manual)
    account.emit("charge.succeeded", charge)
    if manual:
        return _authorized(account, intent, charge)
    paid = succeed(account, intent, charge)
    dispute_as_tested(account, charge, test)
    return paid


def dispute_as_tested(account: Account, charge: Object, test: TestMethod) -> None:
    """The disputes that a test number brings; several share the amount."""
    share = charge["amount"] // max(1, len(test.disputes))
    for reason in test.disputes:
        open_dispute(account, charge, reason=reason, inquiry=test.inquiry, amount=share)


def _authorized(account: Account, intent: Object, charge: Object) -> Object:
    held = {
        "status": "requires_capture",
        "amount_capturable": intent["amount"],
        "latest_charge": charge["id"],
    }
    saved = account.save(account.payment_intents, intent | held | _NOTHING_PENDING)
    account.emit("payment_intent.amount_capturable_updated", saved)
    wait_for_capture(account, saved)
    return saved


_NOTHING_PENDING: Object = {"next_action": None, "last_payment_error": None, "processing": None}


def succeed(account: Account, intent: Object, charge: Object) -> Object:
    """The intent is paid by this charge; `amount_received` is what was captured, in minor units."""
    paid = {
        "status": "succeeded",
        "amount_received": charge["amount_captured"],
        "latest_charge": charge["id"],
    }
    if intent["setup_future_usage"] == "off_session":
        account.prepare(charge["payment_method"])
    saved = account.save(account.payment_intents, intent | paid | _NOTHING_PENDING | {"amount_capturable": 0})
    account.emit("payment_intent.succeeded", saved)
    return saved


def _start_processing(account: Account, intent: Object, method: Object, test: TestMethod) -> Object:
    charge = new_charge(account, intent, method, status="pending", captured=False)
    account.emit("charge.pending", charge)
    saved = account.save(
        account.payment_intents,
        intent | _NOTHING_PENDING | {"status": "processing", "latest_charge": charge["id"]},
    )
    account.emit("payment_intent.processing", saved)
    if test.fails is not None:
        _fail_later(account, saved, test.fails)
    return saved


_BANK_SECONDS = 60.0


def _fail_later(account: Account, intent: Object, decline: Decline) -> None:
    def task() -> None:
        if account.payment_intents.require(intent["id"])["status"] == "processing":
            complete(account, intent["id"], succeeds=False, decline=decline)

    account.schedule.at(account.clock.time() + _BANK_SECONDS, task)


def resume(account: Account) -> None:
    """After a restart: bank debits that are still to fail."""
    for intent in account.payment_intents:
        if intent["status"] == "processing":
            test = method_of(account, account.payment_methods.require(intent["payment_method"]))
            if test.fails is not None:
                _fail_later(account, intent, test.fails)


def decline_intent(account: Account, intent: Object, method: Object, decline: Decline) -> Object:
    """Save the failure, then raise the 402 that carries the intent."""
    charge = new_charge(account, intent, method, status="failed", captured=False, decline=decline)
    account.emit("charge.failed", charge)
    failed = _failed(account, intent, method, decline, charge["id"])
    raise decline.error(charge=charge["id"], payment_intent=failed, payment_method=method)


def _failed(
    account: Account, intent: Object, method: Object, decline: Decline, charge_id: str | None
) -> Object:
    error = decline.error(charge=charge_id, payment_method=method).error
    return _back_to_start(account, intent, error, charge_id)


def _back_to_start(account: Account, intent: Object, error: Object, charge_id: str | None) -> Object:
    changes: Object = {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": error,
    }
    changes |= {
        "next_action": None,
        "processing": None,
        "latest_charge": charge_id or intent["latest_charge"],
    }
    saved = account.save(account.payment_intents, intent | changes)
    account.emit("payment_intent.payment_failed", saved)
    return saved


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
        return _back_to_start(account, intent, error, None)
    # A decline after an approval has no caller to be told by a 402: the intent tells it.
    with suppress(StripeError):
        _take(account, intent, method, method_of(account, method))
    return account.payment_intents.require(intent_id)


def complete(account: Account, intent_id: str, *, succeeds: bool, decline: Decline = GENERIC) -> Object:
    """A `processing` intent settles: the bank pays, or does not."""
    intent = account.payment_intents.require(intent_id, param="intent")
    if intent["status"] != "processing":
        raise unexpected_state(
            intent, f"This PaymentIntent has a status of {intent['status']}: nothing is on its way."
        )
    charge = account.charges.require(intent["latest_charge"])
    if succeeds:
        settled = settle_charge(account, charge, decline=None)
        account.emit("charge.succeeded", settled)
        paid = succeed(account, intent, settled)
        test = method_of(account, account.payment_methods.require(charge["payment_method"]))
        dispute_as_tested(account, settled, test)
        return paid
    method = account.payment_methods.require(intent["payment_method"])
    account.emit("charge.failed", settle_charge(account, charge, decline=decline))
    return _failed(account, intent, method, decline, charge["id"])
