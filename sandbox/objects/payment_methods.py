"""Payment methods, as far as confirming needs them: https://docs.stripe.com/api/payment_methods."""

from datetime import UTC, datetime

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.errors import invalid, missing, no_such
from sandbox.http.parameters import Parameters
from sandbox.objects.cards import NUMBERS, Decline, TestMethod, check_number, number_of

_TYPES = ("card", "us_bank_account", "sepa_debit")
_DATA = frozenset((*_TYPES, "type", "billing_details", "metadata", "allow_redisplay", "radar_options"))
# Stripe.js adds what it measured of the browser; Stripe documents none of it and uses it against fraud.
_BROWSER = frozenset(
    (
        "guid",
        "muid",
        "sid",
        "payment_user_agent",
        "referrer",
        "time_on_page",
        "pasted_fields",
        "client_attribution_metadata",
    )
)
_CARD = frozenset(("number", "exp_month", "exp_year", "cvc", "token", "networks"))
_INVALID_YEAR = Decline("invalid_expiry_year", "Your card's expiration year is invalid.", param="exp_year")
_INVALID_MONTH = Decline(
    "invalid_expiry_month", "Your card's expiration month is invalid.", param="exp_month"
)
_INVALID_CVC = Decline("invalid_cvc", "Your card's security code is invalid.", param="cvc")


def make_payment_method(account: Account, data: Parameters) -> Object:
    """From `type` and the details of that type; a card that cannot be one is a 402."""
    data.allow_only(_DATA | _BROWSER)
    kind = data.required("type")
    if kind not in _TYPES:
        raise invalid(
            f"Sandbox: payment methods of type {kind} are not done here; use one of {', '.join(_TYPES)}",
            param=data.name_of("type"),
        )
    card = data.inside("card")
    if kind == "card":
        if card is None:
            raise missing(data.name_of("card"))
        number = _card_number(account, card)
    else:
        number = kind
    return _save(account, number, data)


def from_token(account: Account, token: str, *, param: str = "payment_method") -> Object:
    """A saved payment method by id, or a new one for a token such as `pm_card_visa` (Stripe copies them too)."""
    saved = account.payment_methods.get(token)
    if saved is not None:
        return saved
    number = number_of(token)
    if number is None:
        raise no_such("PaymentMethod", token, param=param, status=400)
    return _save(account, number, Parameters({}))


def method_of(account: Account, payment_method: Object) -> TestMethod:
    """What the number behind this payment method does."""
    return NUMBERS[account.numbers.get(payment_method["id"], "4242424242424242")]  # a stranger's has none


def _card_number(account: Account, card: Parameters) -> str:
    card.allow_only(_CARD)
    token = card.text("token")
    if token is not None:
        number = number_of(token)
        if number is None:
            raise no_such("token", token, param=card.name_of("token"), status=400)
        return number
    number = check_number(card.required("number"))
    _check_expiry(account, card)
    cvc = card.text("cvc")
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, 4)):
        raise _INVALID_CVC.error()
    return number


def _check_expiry(account: Account, card: Parameters) -> None:
    month, year = card.integer("exp_month"), card.integer("exp_year")
    if month is None or year is None:
        raise missing(card.name_of("exp_month" if month is None else "exp_year"))
    if not 1 <= month <= 12:
        raise _INVALID_MONTH.error()
    today = datetime.fromtimestamp(account.clock.now(), UTC)
    full_year = year + 2000 if year < 100 else year
    if not today.year <= full_year <= today.year + 50:
        raise _INVALID_YEAR.error()
    if (full_year, month) < (today.year, today.month):
        raise _INVALID_MONTH.error()


def _save(account: Account, number: str, data: Parameters) -> Object:
    method = NUMBERS[number]
    created = account.clock.now()
    payment_method: Object = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": data.one_of("allow_redisplay", ("always", "limited", "unspecified"))
        or "unspecified",
        "billing_details": _billing_details(data.inside("billing_details")),
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": data.metadata({}),
        "type": method.kind,
        method.kind: details_of(number, created),
    }
    account.remember_number(payment_method["id"], number)
    return account.save(account.payment_methods, payment_method)


def details_of(number: str, created: int) -> Object:
    """The hash named after the type: last digits, brand, bank."""
    method = NUMBERS[number]
    if method.kind == "us_bank_account":
        names = ("financial_connections_account", "networks", "status_details")
        bank = {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
        }
        return (
            dict.fromkeys(names)
            | bank
            | {"fingerprint": "sandboxbank", "last4": "6789", "routing_number": "110000000"}
        )
    if method.kind == "sepa_debit":
        return {
            "bank_code": "37040044",
            "branch_code": "",
            "country": "DE",
            "fingerprint": "sandboxsepa",
            "generated_from": None,
            "last4": "3000",
        }
    return _card(number, method, created)


def _card(number: str, method: TestMethod, created: int) -> Object:
    return {
        "brand": method.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": "US",
        "display_brand": method.brand,
        "exp_month": 12,
        "exp_year": datetime.fromtimestamp(created, UTC).year + 4,
        "fingerprint": f"sandbox{number[-8:]}",
        "funding": method.funding,
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [method.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _billing_details(sent: Parameters | None) -> Object:
    address_fields = ("city", "country", "line1", "line2", "postal_code", "state")
    if sent is None:
        return {
            "address": dict.fromkeys(address_fields),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        }
    address = sent.inside("address") or Parameters({})
    return {
        "address": {name: address.text(name) for name in address_fields},
        "email": sent.email("email"),
        **{name: sent.text(name) for name in ("name", "phone", "tax_id")},
    }
