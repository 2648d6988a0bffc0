"""Giving money back: https://docs.stripe.com/api/refunds."""

from sandbox.account.account import Account
from sandbox.account.dashboard import RefundPlan
from sandbox.account.ids import new_id
from sandbox.http.answers import Object
from sandbox.http.calls import Call, listed
from sandbox.http.errors import StripeError, error_body, invalid
from sandbox.objects.charges import book
from sandbox.objects.currencies import check_step, with_symbol
from sandbox.objects.payment_methods import method_of

_CREATING = frozenset(("amount", "charge", "currency", "expand", "metadata", "payment_intent", "reason"))
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(account: Account, call: Call) -> Object:
    """All of a charge that is left, or `amount` (minor units) of it."""
    params = call.params
    params.allow_only(_CREATING)
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
    amount = check_step(_refundable_amount(charge, left, amount), charge["currency"])
    plan = _plan_of(account, charge)
    if plan.refuse is not None:
        raise _cannot_be_refunded(charge, plan.refuse)
    new = _new_refund(account, charge, amount, reason, metadata)
    booked = new | {"balance_transaction": book(account, new, -amount, "refund")}
    refund = account.save(account.refunds, booked)
    if plan.status != "succeeded":
        refund = account.save(account.refunds, refund | _in_status(account, refund, plan.status))
    refunded = charge["amount_refunded"] + amount
    changed = account.save(
        account.charges, charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    )
    account.emit("refund.created", refund)
    account.emit("charge.refunded", changed, charge)
    _follow(account, refund, plan)
    return refund


def _refundable_amount(charge: Object, left: int, amount: int | None) -> int:
    if charge["disputed"]:
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise _refused(message, None, "charge_disputed")
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise _refused(message, None, "charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        asked, most = (with_symbol(each, charge["currency"]) for each in (amount, left))
        of = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise _refused(f"Refund amount ({asked}) is greater than {of} ({most})", "amount")
    return amount


def _plan_of(account: Account, charge: Object) -> RefundPlan:
    """What was ordered for this payment, else what its test number does."""
    if account.dashboard.balance_insufficient:
        return RefundPlan(refuse="balance_insufficient")
    planned = account.dashboard.refunds.get(charge["payment_intent"])
    if planned is not None:
        return planned
    test = method_of(account, account.payment_methods.require(charge["payment_method"]))
    if test.refund == "failing":
        return RefundPlan(then="failed")
    waits = test.refund == "pending" or test.kind != "card"
    return RefundPlan(status="pending" if waits else "succeeded")


def _cannot_be_refunded(charge: Object, code: str) -> StripeError:
    messages = {
        "balance_insufficient": (
            "Insufficient funds in your Stripe balance to refund this amount. In test mode, you can add funds to your "
            "available balance by creating a charge with 4000 0000 0000 0077 as the card number."
        ),
        "charge_not_refundable": (
            f"Charge {charge['id']} cannot be refunded: the payment method that was used does not support refunds."
        ),
    }
    return _refused(messages.get(code, f"Charge {charge['id']} cannot be refunded."), None, code)


def _refused(message: str, param: str | None, code: str | None = None) -> StripeError:
    return StripeError(
        400, error_body("invalid_request_error", message, code=code, param=param), recorded=True
    )


def _new_refund(
    account: Account, charge: Object, amount: int, reason: str | None, metadata: Object
) -> Object:
    kind = charge["payment_method_details"]["type"]
    card: Object = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
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
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return refund


def release_rest(account: Account, charge: Object, amount: int) -> None:
    """What a partial capture leaves is shown as a refund, of money that never came: nothing is booked for it."""
    account.save(account.refunds, _new_refund(account, charge, amount, None, {}))


_NEXT: dict[str, tuple[str, ...]] = {
    "pending": ("succeeded", "failed", "requires_action", "canceled"),
    "requires_action": ("succeeded", "failed", "pending", "canceled"),
    "succeeded": ("failed",),
}
_DAYS_TO_ACT = 45


def _in_status(account: Account, refund: Object, status: str, failure_reason: str | None = None) -> Object:
    """The refund in this status, with the fields that belong to it alone."""
    own = ("pending_reason", "next_action", "failure_reason", "failure_balance_transaction")
    kept = {name: value for name, value in refund.items() if name not in own} | {"status": status}
    if status == "pending":
        return kept | {"pending_reason": "processing"}
    if status == "requires_action":
        now = account.clock.now()
        email = {"email_sent_at": now, "email_sent_to": "customer@example.com"}
        details = {"email_sent": email, "expires_at": now + _DAYS_TO_ACT * 86_400}
        return kept | {"next_action": {"type": "display_details", "display_details": details}}
    if status == "failed":
        return kept | {
            "failure_reason": failure_reason or "unknown",
            "failure_balance_transaction": book(account, refund, refund["amount"], "refund_failure"),
        }
    return kept


def move_refund(account: Account, refund_id: str, status: str, failure_reason: str | None = None) -> Object:
    """A refund goes on to another status, as the bank or time decides.

    One that fails or is canceled gives its amount (minor units) back to what can be refunded. The released rest of a
    partial capture stays as it is: no bank has to give it back.
    """
    refund = account.refunds.require(refund_id, param="refund")
    if refund["balance_transaction"] is None:
        raise _refused(f"Refund {refund_id} is the released rest of a partial capture.", "refund")
    if status not in _NEXT.get(refund["status"], ()):
        raise _refused(
            f"Refund {refund_id} has a status of {refund['status']}; it cannot be {status}.", "refund"
        )
    if status in ("failed", "canceled"):
        charge = account.charges.require(refund["charge"])
        left = charge["amount_refunded"] - refund["amount"]
        account.save(account.charges, charge | {"amount_refunded": left, "refunded": False})
    changed = account.save(account.refunds, _in_status(account, refund, status, failure_reason))
    account.emit("refund.updated", changed, refund)
    account.emit("charge.refund.updated", changed, refund)
    if status == "failed":
        account.emit("refund.failed", changed)
    return changed


def complete_refund(account: Account, refund_id: str, *, succeeds: bool) -> Object:
    """A refund settles, or fails at the bank. One that succeeded stays so."""
    refund = account.refunds.require(refund_id, param="refund")
    if succeeds and refund["status"] == "succeeded":
        return refund
    return move_refund(
        account, refund_id, "succeeded" if succeeds else "failed", None if succeeds else "lost_or_stolen_card"
    )


def _follow(account: Account, refund: Object, plan: RefundPlan) -> None:
    then = plan.then
    if then is None:
        return

    def task() -> None:
        now = account.refunds.require(refund["id"])["status"]
        if then in _NEXT.get(now, ()):
            move_refund(account, refund["id"], then, plan.failure_reason)

    account.schedule.at(refund["created"] + plan.after, task)


def resume(account: Account) -> None:
    """After a restart: what has still to become of refunds."""
    for refund in account.refunds:
        if refund["balance_transaction"] is None:  # released, not refunded
            continue
        _follow(account, refund, _plan_of(account, account.charges.require(refund["charge"])))


def cancel(account: Account, call: Call) -> Object:
    """https://docs.stripe.com/api/refunds/cancel: only one that waits for the customer."""
    call.params.allow_only(("expand",))
    refund = account.refunds.require(call.id, param="refund")
    if refund["status"] != "requires_action":
        raise _refused(
            f"Refund {call.id} has a status of {refund['status']}. Only a refund with a status of requires_action "
            "can be canceled.",
            None,
        )
    return move_refund(account, call.id, "canceled")


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
