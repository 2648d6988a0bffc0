"""Creating, reading and changing payment intents: https://docs.stripe.com/api/payment_intents."""

import hmac
from typing import Any

from sandbox.account.account import Account
from sandbox.account.ids import new_client_secret, new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call, listed
from sandbox.http.errors import invalid, missing, unexpected_state
from sandbox.http.parameters import Parameters
from sandbox.objects.confirming import PAYING, attempt, check_attempt, chosen_method
from sandbox.objects.currencies import check_amount, check_converted, check_currency
from sandbox.objects.customers import require_customer
from sandbox.objects.method_settings import SETTINGS, UNDECIDED, method_settings
from sandbox.objects.statements import check_statement, statement_text

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_DESCRIBING = frozenset((
    "customer", "description", "metadata", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group",
))  # fmt: skip
_CHANGING = _DESCRIBING | {
    "amount", "amount_details", "currency", "capture_method", "payment_method", "payment_method_data",
    "payment_method_options", "payment_method_types", "allowed_payment_method_types",
    "excluded_payment_method_types", "expand",
}  # fmt: skip
_CREATING = _CHANGING | PAYING | {"automatic_payment_methods", "confirm", "confirmation_method"}
_ALWAYS_CHANGEABLE = frozenset(
    ("metadata", "description", "receipt_email", "shipping", "expand", "transfer_group")
)
_PUBLIC = (
    "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason",
    "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
    "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
    "payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping", "status",
)  # fmt: skip


def public_view(intent: Object) -> Object:
    """What a browser with the publishable key and the client secret may see."""
    return {name: intent[name] for name in _PUBLIC} | {"amount_details": {"tip": {}}}


def require_intent(account: Account, call: Call) -> Object:
    """The intent of the path. A publishable caller must present its client secret; a wrong one is a 400."""
    intent = account.payment_intents.require(call.id, param="intent")
    if not call.publishable:
        return intent
    secret = call.params.text("client_secret")
    if secret is None:
        raise missing("client_secret")
    if not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
        message = (
            "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        )
        raise invalid(message, param="client_secret", code="payment_intent_invalid_parameter")
    return intent


def create(account: Account, call: Call) -> Object:
    """`amount` (minor units) and `currency` are required. With `confirm=true` a decline is a 402; the "
    "intent stays."""
    params = call.params
    params.allow_only(_CREATING)
    amount, currency = params.integer("amount", least=1), check_currency(params.required("currency"))
    if amount is None:
        raise missing("amount")
    check_converted(check_amount(amount, currency), currency, account.dashboard.minimums)
    intent = _new_intent(amount, currency, account.clock.now())
    intent["capture_method"] = account.dashboard.capture_method
    intent |= described(account, params, intent) | method_settings(call, currency, UNDECIDED)
    check_statement(intent)
    method = chosen_method(account, params)
    confirming = params.boolean("confirm") or False
    if confirming:
        check_attempt(account, intent, method, call)
    if method is not None:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    account.save(account.payment_intents, intent)
    account.emit("payment_intent.created", intent)
    return attempt(account, intent, call) if confirming else intent


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("client_secret", "expand"))
    return require_intent(account, call)


def list_intents(account: Account, call: Call) -> Object:
    return listed(account.payment_intents, call, "/v1/payment_intents", ("customer",))


def update(account: Account, call: Call) -> Object:
    """Amount, currency and method only while the intent is open; a change of those asks for a new confirmation."""
    params = call.params
    params.allow_only(_CHANGING)
    intent = require_intent(account, call)
    changed = _changed(account, intent, call)
    _check_changeable(intent, params)
    if changed == intent:
        return intent
    return account.save(account.payment_intents, changed)


def _changed(account: Account, intent: Object, call: Call) -> Object:
    params = call.params
    amount = params.integer("amount", least=1)
    currency = check_currency(params.required("currency")) if "currency" in params else intent["currency"]
    changed = intent | {"amount": intent["amount"] if amount is None else amount, "currency": currency}
    if "amount" in params or "currency" in params:
        check_amount(changed["amount"], currency)
        check_converted(changed["amount"], currency, account.dashboard.minimums)
    changed |= described(account, params, intent)
    if currency != intent["currency"] or SETTINGS & set(params.tree):
        changed |= method_settings(call, currency, intent)
    check_statement(changed)
    method = chosen_method(account, params) if intent["status"] in OPEN else None
    if method is not None:
        changed |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    elif intent["status"] == "requires_action" and _price(changed) != _price(intent):
        # What the customer was asked to approve was the old amount.
        changed |= {"status": "requires_confirmation", "next_action": None}
    return changed


def _price(intent: Object) -> tuple[int, str]:
    return intent["amount"], intent["currency"]


def _check_changeable(intent: Object, params: Parameters) -> None:
    fixed = sorted(set(params.tree) - _ALWAYS_CHANGEABLE)
    if fixed and intent["status"] not in OPEN:
        message = (
            f"This PaymentIntent's {fixed[0]} could not be updated because it has a status of {intent['status']}. "
            f"You may only update the {fixed[0]} of a PaymentIntent with one of the following statuses: "
            f"{', '.join(OPEN)}."
        )
        raise unexpected_state(intent, message)


def described(account: Account, params: Parameters, old: Object) -> Object:
    """The properties that only describe: each keeps its old value unless it was sent."""
    new: Object = {name: old[name] for name in (*_DESCRIBING, "amount_details")} | {
        "metadata": params.metadata(old["metadata"])
    }
    readers: dict[str, Any] = {
        "description": params.text,
        "receipt_email": params.email,
        "setup_future_usage": lambda name: params.one_of(name, ("on_session", "off_session")),
        "shipping": lambda name: _shipping(params.inside(name)),
        "statement_descriptor": lambda name: statement_text(params, name),
        "statement_descriptor_suffix": lambda name: statement_text(params, name),
        "transfer_group": params.text,
        "customer": lambda name: _customer(account, params.text(name)),
        "amount_details": lambda name: _amount_details(params.inside(name), old["amount_details"]),
    }
    sent = {name: read(name) for name, read in readers.items() if name in params}
    capture = (
        params.one_of("capture_method", ("automatic", "automatic_async", "manual")) or old["capture_method"]
    )
    confirmation = params.one_of("confirmation_method", ("automatic", "manual")) or old["confirmation_method"]
    return new | sent | {"capture_method": capture, "confirmation_method": confirmation}


def _amount_details(sent: Parameters | None, old: Object) -> Object:
    """Discount, tax and shipping in minor units; line items are taken, and shown by Stripe only when expanded."""
    if sent is None:
        return {"tip": {}}
    sent.allow_only(("discount_amount", "enforce_arithmetic_validation", "line_items", "shipping", "tax"))
    details: Object = dict(old)
    if "discount_amount" in sent:
        details["discount_amount"] = sent.integer("discount_amount", least=1)
    tax, shipping = sent.inside("tax"), sent.inside("shipping")
    if tax is not None:
        details["tax"] = {"total_tax_amount": tax.integer("total_tax_amount", least=0)}
    if shipping is not None:
        codes = {name: shipping.text(name) for name in ("from_postal_code", "to_postal_code")}
        details["shipping"] = {"amount": shipping.integer("amount", least=0), **codes}
    return details


def _customer(account: Account, customer_id: str | None) -> str | None:
    if customer_id is not None:
        require_customer(account, customer_id, status=400)
    return customer_id


def _shipping(sent: Parameters | None) -> Object | None:
    if sent is None:
        return None
    address = sent.inside("address")
    if address is None:
        raise missing(sent.name_of("address"))
    fields = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "address": {name: address.text(name) for name in fields},
        "name": sent.required("name"),
        **{name: sent.text(name) for name in ("carrier", "phone", "tracking_number")},
    }


_EMPTY = (
    "application", "application_fee_amount", "canceled_at", "cancellation_reason", "customer", "customer_account",
    "description", "excluded_payment_method_types", "last_payment_error", "latest_charge", "next_action",
    "on_behalf_of", "payment_method", "processing", "receipt_email", "review", "setup_future_usage", "shipping",
    "source", "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
)  # fmt: skip


def _new_intent(amount: int, currency: str, created: int) -> Object:
    intent_id = new_id("pi")
    intent: Object = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": new_client_secret(intent_id),
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "status": "requires_payment_method",
    }
    return intent | dict.fromkeys(_EMPTY)
