"""Saving a payment method without paying: https://docs.stripe.com/api/setup_intents.

As far as https://docs.stripe.com/payments/save-and-reuse with the Payment Element needs them.
"""

import hmac

from sandbox.account.account import Account
from sandbox.account.ids import new_client_secret, new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call, listed
from sandbox.http.errors import StripeError, error_body, invalid, missing
from sandbox.objects.cards import Decline
from sandbox.objects.confirming import Outcome, bank_page, chosen_method, must_authenticate
from sandbox.objects.customers import require_customer
from sandbox.objects.method_settings import SETTINGS, UNDECIDED, method_settings
from sandbox.objects.payment_methods import method_of

_DESCRIBING = frozenset(("customer", "description", "metadata", "payment_method", "payment_method_data"))
_UPDATING = _DESCRIBING | SETTINGS | {"expand"}
_CONFIRMING = frozenset((
    "client_secret", "expand", "mandate_data", "payment_method", "payment_method_data", "payment_method_options",
    "return_url", "use_stripe_sdk",
))  # fmt: skip
_CREATING = _UPDATING | _CONFIRMING | {"confirm", "usage"}
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_PUBLIC = (
    "id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created", "description",
    "last_setup_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
    "payment_method_types", "status", "usage",
)  # fmt: skip


def public_view(intent: Object) -> Object:
    """What a browser with the publishable key and the client secret may see."""
    return {name: intent[name] for name in _PUBLIC}


def create(account: Account, call: Call) -> Object:
    params = call.params
    params.allow_only(_CREATING)
    intent_id = new_id("seti")
    intent: Object = {
        "id": intent_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": new_client_secret(intent_id),
        "created": account.clock.now(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.one_of("usage", ("on_session", "off_session")) or "off_session",
    }
    intent = _described(account, intent | method_settings(call, "usd", UNDECIDED), call)
    account.save(account.setup_intents, intent)
    account.emit("setup_intent.created", intent)
    return _confirmed(account, intent, call) if params.boolean("confirm") else intent


def _described(account: Account, intent: Object, call: Call) -> Object:
    params = call.params
    changed = intent | {"metadata": params.metadata(intent["metadata"])}
    if "description" in params:
        changed["description"] = params.text("description")
    customer = params.text("customer")
    if customer is not None:
        require_customer(account, customer, status=400)
        changed["customer"] = customer
    method = chosen_method(account, params)
    if method is not None:
        changed |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    return changed


def require_intent(account: Account, call: Call) -> Object:
    """The intent of the path; a publishable caller must present its client secret."""
    intent = account.setup_intents.require(call.id, param="intent")
    if call.publishable:
        secret = call.params.text("client_secret")
        if secret is None:
            raise missing("client_secret")
        if not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
            message = (
                "The client_secret provided does not match the client_secret associated with the SetupIntent."
            )
            raise invalid(message, param="client_secret", code="setup_intent_invalid_parameter")
    return intent


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("client_secret", "expand"))
    return require_intent(account, call)


def list_intents(account: Account, call: Call) -> Object:
    return listed(account.setup_intents, call, "/v1/setup_intents", ("customer", "payment_method"))


def update(account: Account, call: Call) -> Object:
    call.params.allow_only(_UPDATING)
    intent = require_intent(account, call)
    _check_open(intent, "update")
    changed = _described(account, intent, call)
    if SETTINGS & set(call.params.tree):
        changed |= method_settings(call, "usd", intent)
    return account.save(account.setup_intents, changed)


def cancel(account: Account, call: Call) -> Object:
    call.params.allow_only(("cancellation_reason", "expand"))
    reason = call.params.one_of("cancellation_reason", ("abandoned", "requested_by_customer", "duplicate"))
    intent = require_intent(account, call)
    _check_open(intent, "cancel")
    changes: Object = {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    canceled = account.save(account.setup_intents, intent | changes)
    account.emit("setup_intent.canceled", canceled)
    return canceled


def confirm(account: Account, call: Call) -> Object:
    """With a secret key, or as Stripe.js does with the publishable key and the client secret."""
    call.params.allow_only(
        _CONFIRMING | ({"payment_user_agent", "referrer"} if call.publishable else frozenset())
    )
    intent = require_intent(account, call)
    _check_open(intent, "confirm")
    return _confirmed(account, _described(account, intent, call), call)


def _confirmed(account: Account, intent: Object, call: Call) -> Object:
    _check_open(intent, "confirm")
    if intent["payment_method"] is None:
        raise _unexpected(
            intent, "You cannot confirm this SetupIntent because it's missing a payment method."
        )
    method = account.payment_methods.require(intent["payment_method"])
    test = method_of(account, method)
    if test.three_d_secure == "required" and test.ready_off_session:
        return _saved(account, intent, method)
    if must_authenticate(account, test, method, intent, away=False):
        return _ask_customer(account, intent, call)
    if test.decline is not None and not test.attachable:
        raise _declined(account, intent, method, test.decline)
    return _saved(account, intent, method)


def _ask_customer(account: Account, intent: Object, call: Call) -> Object:
    changes: Object = {
        "status": "requires_action",
        "next_action": bank_page(intent, call),
        "last_setup_error": None,
    }
    waiting = account.save(account.setup_intents, intent | changes)
    account.emit("setup_intent.requires_action", waiting)
    return waiting


def authenticate(account: Account, intent_id: str, outcome: Outcome) -> Object:
    """The customer answers 3-D Secure."""
    intent = account.setup_intents.require(intent_id, param="intent")
    if intent["status"] != "requires_action":
        message = f"This SetupIntent has a status of {intent['status']}: nothing is asked of the customer."
        raise _unexpected(intent, message)
    method = account.payment_methods.require(intent["payment_method"])
    if outcome == "approve":
        return _saved(account, intent, method)
    message = (
        "We are unable to authenticate your payment method. "
        "Please choose a different payment method and try again."
    )
    code = "setup_intent_authentication_failure"
    error = error_body("invalid_request_error", message, code=code, payment_method=method)
    return _back_to_start(account, intent, error)


def _saved(account: Account, intent: Object, method: Object) -> Object:
    if intent["customer"] is not None and method["customer"] is None:
        attached = account.save(account.payment_methods, method | {"customer": intent["customer"]})
        account.emit("payment_method.attached", attached)
    account.prepare(method["id"])
    done: Object = {"status": "succeeded", "next_action": None, "last_setup_error": None}
    saved = account.save(account.setup_intents, intent | done)
    account.emit("setup_intent.succeeded", saved)
    return saved


def _declined(account: Account, intent: Object, method: Object, decline: Decline) -> StripeError:
    failed = _back_to_start(account, intent, decline.error(payment_method=method).error)
    return decline.error(setup_intent=failed, payment_method=method)


def _back_to_start(account: Account, intent: Object, error: Object) -> Object:
    changes: Object = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    failed = account.save(account.setup_intents, intent | changes | {"last_setup_error": error})
    account.emit("setup_intent.setup_failed", failed)
    return failed


def _check_open(intent: Object, verb: str) -> None:
    if intent["status"] not in _OPEN:
        message = f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}."
        raise _unexpected(intent, message)


def _unexpected(intent: Object, message: str) -> StripeError:
    code = "setup_intent_unexpected_state"
    body = error_body("invalid_request_error", message, code=code, setup_intent=intent)
    return StripeError(400, body, recorded=True)
