"""Giving money back: https://docs.stripe.com/api/refunds."""

from sandbox.account import Account
from sandbox.answers import Object
from sandbox.calls import Call, listed
from sandbox.currencies import in_major_units
from sandbox.errors import StripeError, error_body, invalid
from sandbox.ids import new_id
from sandbox.payment_methods import method_of

_CREATING = frozenset(("amount", "charge", "currency", "expand", "metadata", "payment_intent", "reason"))
_UNSUPPORTED = frozenset(
    ("customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer")
)
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(account: Account, call: Call) -> Object:
    """All of a charge that is left, or `amount` (minor units) of it."""
    params = call.params
    params.allow_only(_CREATING, _UNSUPPORTED)
    amount = params.integer("amount", least=1)
    reason, metadata = params.one_of("reason", _REASONS), params.metadata({})
    charge = _charge_to_refund(account, params.text("payment_intent"), params.text("charge"))
    return refund_charge(account, charge, amount, reason, metadata)


def _charge_to_refund(account: Account, intent_id: str | None, charge_id: str | None) -> Object:
    if intent_id is None and charge_id is None:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(message, code="parameter_missing")
    if intent_id is None:
        return _refundable(account.charges.require(charge_id or "", param="charge", status=404))
    intent = account.payment_intents.require(intent_id, param="payment_intent", status=404)
    if charge_id is not None and charge_id != intent["latest_charge"]:
        raise invalid(
            f"The charge {charge_id} does not belong to the PaymentIntent {intent_id}.", param="charge"
        )
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise _refused(message, "payment_intent")
    return account.charges.require(intent["latest_charge"])


def _refundable(charge: Object) -> Object:
    if not charge["paid"] or not charge["captured"]:
        raise _refused(f"Charge {charge['id']} has not been captured; it cannot be refunded.", "charge")
    return charge


def refund_charge(
    account: Account, charge: Object, amount: int | None, reason: str | None, metadata: Object
) -> Object:
    """Never more than is left of what was captured; a disputed or wholly refunded charge is refused."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise _refused(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            "charge",
            "charge_disputed",
        )
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise _refused(message, "charge", "charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        shown = [
            f"{in_major_units(each, charge['currency'])} {charge['currency']}" for each in (amount, left)
        ]
        message = f"Refund amount ({shown[0]}) is greater than unrefunded amount on charge ({shown[1]})"
        raise _refused(message, "amount")
    refund = account.save(account.refunds, _new_refund(account, charge, amount, reason, metadata))
    refunded = charge["amount_refunded"] + amount
    changed = account.save(
        account.charges, charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    )
    account.emit("refund.created", refund)
    account.emit("charge.refunded", changed, charge)
    return refund


def _refused(message: str, param: str, code: str | None = None) -> StripeError:
    return StripeError(
        400, error_body("invalid_request_error", message, code=code, param=param), recorded=True
    )


def _new_refund(
    account: Account, charge: Object, amount: int, reason: str | None, metadata: Object
) -> Object:
    test = method_of(account, account.payment_methods.require(charge["payment_method"]))
    kind = charge["payment_method_details"]["type"]
    card: Object = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    status = "pending" if test.refund == "pending" or kind != "card" else "succeeded"
    refund: Object = {
        "id": new_id("re" if kind == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": account.clock.now(),
        "currency": charge["currency"],
        "destination_details": {"card": card, "type": "card"} if kind == "card" else {"type": kind},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    return refund | ({"pending_reason": "processing"} if status == "pending" else {})


def complete_refund(account: Account, refund_id: str, *, succeeds: bool) -> Object:
    """A refund settles. One that fails gives its amount (minor units) back to what can be refunded."""
    refund = account.refunds.require(refund_id, param="refund")
    if refund["status"] not in ("pending", "succeeded"):
        raise _refused(f"Refund {refund_id} has a status of {refund['status']}.", "refund")
    changes: Object = {"status": "succeeded" if succeeds else "failed"}
    if not succeeds:
        changes["failure_reason"] = "lost_or_stolen_card"
        charge = account.charges.require(refund["charge"])
        left = charge["amount_refunded"] - refund["amount"]
        account.save(account.charges, charge | {"amount_refunded": left, "refunded": False})
    kept = {name: value for name, value in refund.items() if name != "pending_reason"}
    changed = account.save(account.refunds, kept | changes)
    account.emit("refund.updated", changed, refund)
    account.emit("charge.refund.updated", changed, refund)
    if not succeeds:
        account.emit("refund.failed", changed)
    return changed


def retrieve(account: Account, call: Call) -> Object:
    call.params.allow_only(("expand",))
    return account.refunds.require(call.id, param="refund")


def update(account: Account, call: Call) -> Object:
    """Only `metadata` can change."""
    call.params.allow_only(("expand", "metadata"))
    refund = account.refunds.require(call.id, param="refund")
    changed = account.save(account.refunds, refund | {"metadata": call.params.metadata(refund["metadata"])})
    account.emit("refund.updated", changed, refund)
    return changed


def list_refunds(account: Account, call: Call) -> Object:
    return listed(account.refunds, call, "/v1/refunds", ("payment_intent", "charge"))
