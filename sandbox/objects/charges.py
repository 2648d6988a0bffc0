"""Charges: one for each attempt of an intent to take money. https://docs.stripe.com/api/charges."""

from sandbox.account.account import Account
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.objects.cards import Decline, TestMethod
from sandbox.objects.payment_methods import method_of
from sandbox.objects.statements import on_statement

# What every charge has when it is made.
_NEW: Object = {
    "balance_transaction": None,
    "disputed": False,
    "fraud_details": {},
    "radar_options": {},
    "receipt_number": None,
    "refunded": False,
    "livemode": False,
}


def new_charge(
    account: Account,
    intent: Object,
    payment_method: Object,
    *,
    status: str,
    captured: bool,
    decline: Decline | None = None,
) -> Object:
    """Save a charge of the intent's whole amount (minor units). `status`: succeeded, pending or failed."""
    amount = intent["amount"]
    charge: Object = {
        "id": new_id("ch" if payment_method["type"] == "card" else "py"),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "billing_details": payment_method["billing_details"],
        "captured": captured,
        "created": account.clock.now(),
        "currency": intent["currency"],
        "outcome": _outcome(status, decline, method_of(account, payment_method)),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": payment_method["id"],
        "payment_method_details": _details(
            payment_method, account.clock.now(), authorized=status == "succeeded" and not captured
        ),
        "receipt_url": _receipt() if status == "succeeded" else None,
        "status": status,
        "calculated_statement_descriptor": on_statement(intent),
        **_NEW,
        **_copied_from(intent),
        **dict.fromkeys(_UNUSED),
    }
    if charge["captured"]:
        charge["balance_transaction"] = book(account, charge, amount, "charge")
    if payment_method["customer"] is None:
        account.use_up(payment_method["id"])
    return account.save(account.charges, charge | _failure(decline))


def _receipt() -> str:
    return f"https://pay.stripe.com/receipts/payment/{new_id('sandbox')}"


def book(account: Account, source: Object, amount: int, kind: str) -> str:
    """Write a balance transaction of `amount` (minor units, negative for what goes out); its id. There are no fees."""
    booked = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": account.clock.now(),
        "balance_type": "payments",
        "created": account.clock.now(),
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": kind,
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
    account.save(account.balance_transactions, booked)
    booked_id: str = booked["id"]
    return booked_id


def _failure(decline: Decline | None) -> Object:
    return {"failure_code": decline and decline.code, "failure_message": decline and decline.message}


_UNUSED = (
    "application", "application_fee", "application_fee_amount", "failure_balance_transaction", "on_behalf_of",
    "review", "source_transfer", "transfer_data",
)  # fmt: skip


def _copied_from(intent: Object) -> Object:
    names = (
        "customer", "description", "metadata", "receipt_email", "shipping", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_group",
    )  # fmt: skip
    return {name: intent[name] for name in names}


_SCORES = {"normal": 10, "elevated": 65, "highest": 92}


def _outcome(status: str, decline: Decline | None, test: TestMethod) -> Object:
    risk = {"risk_level": test.risk_level, "risk_score": _SCORES[test.risk_level]}
    if decline is None:
        return (
            _NO_ADVICE
            | risk
            | {
                "network_status": "approved_by_network" if status == "succeeded" else "not_sent_to_network",
                "reason": "elevated_risk_level" if test.risk_level == "elevated" else None,
                "seller_message": "Payment complete.",
                "type": "manual_review" if test.risk_level == "elevated" else "authorized",
            }
        )
    if decline.blocked:
        return (
            _NO_ADVICE
            | risk
            | {
                "network_status": "not_sent_to_network",
                "reason": "highest_risk_level",
                "seller_message": "Stripe blocked this payment as too risky.",
                "type": "blocked",
            }
        )
    return risk | {
        "advice_code": decline.advice_code,
        "network_advice_code": None,
        "network_decline_code": decline.network_decline_code,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


_NO_ADVICE: Object = dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code"))


_KEPT = {
    "us_bank_account": ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number"),
    "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4"),
    "card": (
        "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status",
        "wallet",
    ),
}  # fmt: skip
_ADDED = {
    "us_bank_account": ("payment_reference",),
    "sepa_debit": ("mandate",),
    "card": ("installments", "mandate", "network_token", "three_d_secure"),
}


_DAYS_TO_CAPTURE = 7


def _details(payment_method: Object, now: int, *, authorized: bool) -> Object:
    kind = payment_method["type"]
    details = {name: payment_method[kind][name] for name in _KEPT[kind]} | dict.fromkeys(_ADDED[kind])
    if kind == "card":
        details["network"] = payment_method["card"]["networks"]["available"][-1]
    if authorized and kind == "card":
        details["capture_before"] = now + _DAYS_TO_CAPTURE * 86_400
    return {"type": kind, kind: details}


def settle_charge(account: Account, charge: Object, *, decline: Decline | None) -> Object:
    """A pending charge succeeds, or fails with a decline."""
    failed = decline is not None
    test = method_of(account, account.payment_methods.require(charge["payment_method"]))
    settled: Object = {
        "status": "failed" if failed else "succeeded",
        "paid": not failed,
        "captured": not failed,
        "amount_captured": 0 if failed else charge["amount"],
        "outcome": _outcome("failed" if failed else "succeeded", decline, test),
    }
    if not failed:
        settled["balance_transaction"] = book(account, charge, charge["amount"], "payment")
        settled["receipt_url"] = _receipt()
    return account.save(account.charges, charge | settled | _failure(decline))


def capture_charge(account: Account, charge: Object, amount: int) -> Object:
    """Take `amount` (minor units) of an authorization; what is left is released, which Stripe shows as a refund."""
    captured: Object = {
        "captured": True,
        "amount_captured": amount,
        "amount_refunded": charge["amount"] - amount,
    }
    captured["balance_transaction"] = book(account, charge, amount, "charge")
    return account.save(account.charges, charge | captured)


def release_charge(account: Account, charge: Object) -> Object:
    """Let go of an authorization that was never captured."""
    return account.save(account.charges, charge | {"refunded": True, "amount_refunded": charge["amount"]})
