"""What happens in Stripe without an API call of ours: a customer pays, a bank answers, someone uses the dashboard."""

from sandbox.account import Account
from sandbox.answers import Object
from sandbox.calls import Call
from sandbox.capturing import cancel_intent, confirm
from sandbox.confirming import Outcome, authenticate, complete
from sandbox.disputes import close_dispute, open_dispute
from sandbox.parameters import Parameters
from sandbox.refunds import complete_refund, refund_charge


class Operations:
    """Plain methods, so that a test needs no HTTP. Each returns the changed object or raises StripeError."""

    account: Account

    def pay(
        self, intent_id: str, payment_method: str = "pm_card_visa", *, return_url: str | None = None
    ) -> Object:
        """The customer confirms in the browser. A decline raises the 402 that the browser would get."""
        secret = self.account.payment_intents.require(intent_id)["client_secret"]
        tree: Object = {"client_secret": secret, "payment_method": payment_method}
        if return_url is not None:
            tree["return_url"] = return_url
        return confirm(self.account, Call(params=Parameters(tree), id=intent_id, publishable=True))

    def authenticate(self, intent_id: str, outcome: Outcome) -> Object:
        """The customer approves or refuses 3-D Secure."""
        return authenticate(self.account, intent_id, outcome)

    def complete(self, intent_id: str, *, succeeds: bool = True) -> Object:
        """A `processing` intent settles."""
        return complete(self.account, intent_id, succeeds=succeeds)

    def refund(self, intent_id: str, amount: int | None = None, reason: str | None = None) -> Object:
        """Refund in the dashboard: all that is left, or `amount` in minor units."""
        intent = self.account.payment_intents.require(intent_id)
        charge = self.account.charges.require(intent["latest_charge"] or "")
        return refund_charge(self.account, charge, amount, reason, {})

    def complete_refund(self, refund_id: str, *, succeeds: bool = True) -> Object:
        """A refund settles, or fails and gives its amount back to the charge."""
        return complete_refund(self.account, refund_id, succeeds=succeeds)

    def cancel(self, intent_id: str, reason: str | None = None) -> Object:
        """Cancel in the dashboard."""
        return cancel_intent(self.account, self.account.payment_intents.require(intent_id), reason)

    def dispute(self, intent_id: str, reason: str = "fraudulent") -> Object:
        """The customer disputes the payment at their bank."""
        intent = self.account.payment_intents.require(intent_id)
        return open_dispute(
            self.account, self.account.charges.require(intent["latest_charge"] or ""), reason=reason
        )

    def close_dispute(self, dispute_id: str, *, won: bool) -> Object:
        """The bank decides a dispute."""
        return close_dispute(self.account, dispute_id, won=won)
