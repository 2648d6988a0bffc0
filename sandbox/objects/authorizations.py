"""Authorizations: money that is held and not taken yet, and what becomes of it when it is not captured.

https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
"""

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.objects.charges import release_charge


def lapse(account: Account, intent: Object) -> None:
    """The bank lets go of an authorization that was not captured in time; the intent is canceled for that reason."""
    authorized = account.charges.require(intent["latest_charge"])
    account.emit("charge.expired", release_charge(account, authorized))
    close_intent(account, intent, "automatic")


def wait_for_capture(account: Account, intent: Object) -> None:
    """Let the authorization of a `requires_capture` intent lapse when its charge's `capture_before` comes."""
    if intent["status"] != "requires_capture":
        return
    details = account.charges.require(intent["latest_charge"])["payment_method_details"]

    def task() -> None:
        now = account.payment_intents.require(intent["id"])
        if now["status"] == "requires_capture":
            lapse(account, now)

    account.schedule.at(details.get("card", {}).get("capture_before", intent["created"]), task)


def resume(account: Account) -> None:
    """After a restart: which authorizations lapse when."""
    for intent in account.payment_intents:
        wait_for_capture(account, intent)


def close_intent(account: Account, intent: Object, reason: str | None) -> Object:
    """Cancel an intent for good."""
    changes: Object = {
        "status": "canceled",
        "canceled_at": account.clock.now(),
        "cancellation_reason": reason,
    }
    changes |= {"next_action": None, "amount_capturable": 0}
    canceled = account.save(account.payment_intents, intent | changes)
    account.emit("payment_intent.canceled", canceled)
    return canceled
