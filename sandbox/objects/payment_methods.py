"""Payment methods, as far as confirming needs them: https://docs.stripe.com/api/payment_methods."""

from datetime import UTC, datetime

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.errors import StripeError, invalid, missing, no_such
from sandbox.http.parameters import Parameters
from sandbox.objects.cards import Decline, TestMethod
from sandbox.objects.numbers import NUMBERS, check_number, known_bank, looks_like_a_token, number_of

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
        number = _bank_number(data, kind)
    return save_method(account, number, data)


def _bank_number(data: Parameters, kind: str) -> str:
    bank = data.inside(kind)
    text = bank.text("iban" if kind == "sepa_debit" else "account_number") if bank is not None else None
    return kind if text is None else known_bank(text, kind)


def from_token(account: Account, token: str, *, param: str = "payment_method") -> Object:
    """A saved payment method by id, or a new one for a token such as `pm_card_visa` (Stripe copies them too)."""
    saved = account.payment_methods.get(token)
    if saved is not None:
        return _reusable(account, saved)
    number = number_of(token)
    if number is None:
        raise unknown_method(token, param=param, status=400)
    return save_method(account, number, Parameters({}))


def _reusable(account: Account, saved: Object) -> Object:
    """400 for one that was used up, or detached: without a customer a payment method is good for one attempt."""
    if saved["id"] in account.used_up and saved["customer"] is None:
        message = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be "
            "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
        )
        raise invalid(message)
    return saved


def unknown_method(token: str, *, param: str, status: int) -> StripeError:
    """As Stripe says it; of what may be a test token of Stripe's, that it is not known here."""
    refusal = no_such("PaymentMethod", token, param=param, status=status)
    if looks_like_a_token(token):
        refusal.error["message"] = (
            f"Sandbox: the test token {token} is not known here; docs/sandbox.md has those that are."
        )
    return refusal


def method_of(account: Account, payment_method: Object) -> TestMethod:
    """What the number behind this payment method does."""
    return NUMBERS[number_behind(account, payment_method["id"])]


def number_behind(account: Account, payment_method_id: str) -> str:
    """The test number a payment method was made from; a stranger's pays like any."""
    return account.numbers.get(payment_method_id, "4242424242424242")


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


def save_method(account: Account, number: str, data: Parameters) -> Object:
    """A payment method made from a test number."""
    method = NUMBERS[number]
    created = account.clock.now()
    payment_method: Object = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": data.one_of("allow_redisplay", ("always", "limited", "unspecified"))
        or "unspecified",
        "billing_details": billing_details(data.inside("billing_details")),
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": data.metadata({}),
        "type": method.kind,
        method.kind: details_of(number, created),
    }
    if method.kind == "card":
        _check_card(payment_method, method, data)
    account.remember_number(payment_method["id"], number)
    return account.save(account.payment_methods, payment_method)


def _check_card(payment_method: Object, method: TestMethod, data: Parameters) -> None:
    """What the issuer says of what was sent: nothing, of what was not."""
    card, address = payment_method["card"], payment_method["billing_details"]["address"]
    typed = data.inside("card")
    if typed is not None and "number" in typed:
        card["exp_month"], year = typed.integer("exp_month"), typed.integer("exp_year") or 0
        card["exp_year"] = year + 2000 if year < 100 else year
        if typed.text("cvc") is None:
            card["checks"]["cvc_check"] = None
    if address["postal_code"] is not None:
        card["checks"]["address_postal_code_check"] = method.postal_check
    if address["line1"] is not None:
        card["checks"]["address_line1_check"] = method.line1_check


def details_of(number: str, created: int) -> Object:
    """The hash named after the type: last digits, brand, bank."""
    method = NUMBERS[number]
    if method.kind == "us_bank_account":
        last4 = number[-4:] if number.isdigit() else "6789"
        names = ("financial_connections_account", "networks", "status_details")
        bank = {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
        }
        return (
            dict.fromkeys(names)
            | bank
            | {
                "fingerprint": "sandboxbank",
                "last4": last4,
                "routing_number": "110000000",
            }
        )
    if method.kind == "sepa_debit":
        return {
            "bank_code": "37040044",
            "branch_code": "",
            "country": "DE",
            "fingerprint": f"sandboxsepa{number[-4:]}",
            "generated_from": None,
            "last4": number[-4:] if number[0] == "A" else "3000",
        }
    return _card(number, method, created)


def _card(number: str, method: TestMethod, created: int) -> Object:
    return {
        "brand": method.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": method.cvc_check,
        },
        "country": method.country,
        "display_brand": method.brand,
        "exp_month": 12,
        "exp_year": datetime.fromtimestamp(created, UTC).year + 4,
        "fingerprint": f"sandbox{number[-8:]}",
        "funding": method.funding,
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": list(method.networks or (method.brand,)), "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def billing_details(sent: Parameters | None) -> Object:
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
