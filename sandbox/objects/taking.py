"""The attempt: money is taken, held, on its way for days, or declined.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.http.errors import unexpected_state
from sandbox.objects.authorizations import wait_for_capture
from sandbox.objects.cards import GENERIC, Decline, TestMethod
from sandbox.objects.charges import new_charge, settle_charge
from sandbox.objects.disputes import open_dispute
from sandbox.objects.payment_methods import method_of


def take(account: Account, intent: Object, method: Object, test: TestMethod) -> Object:
    """Whatever this test number does: paid, held, on its way for days, or a 402."""
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
    return back_to_start(account, intent, error, charge_id)


def back_to_start(account: Account, intent: Object, error: Object, charge_id: str | None) -> Object:
    """The intent needs another payment method, and says why."""
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
