"""What happens in Stripe without an API call of ours: a customer pays, a bank answers, someone uses the dashboard."""

from typing import TypedDict, Unpack

from sandbox.account.account import Account
from sandbox.account.dashboard import RefundPlan, RefundStatus
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.parameters import Parameters
from sandbox.objects.capturing import cancel_intent, confirm
from sandbox.objects.confirming import Outcome, authenticate
from sandbox.objects.disputes import close_dispute, move_dispute, open_dispute
from sandbox.objects.refunds import complete_refund, move_refund, refund_charge
from sandbox.objects.setup_intents import authenticate as authenticate_setup
from sandbox.objects.taking import complete


class PlanOptions(TypedDict, total=False):
    """The fields of a `RefundPlan`."""

    status: RefundStatus
    then: RefundStatus | None
    after: float
    failure_reason: str
    refuse: str | None


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
        """The customer approves or refuses 3-D Secure, of a payment or of a setup intent."""
        act = authenticate_setup if intent_id.startswith("seti_") else authenticate
        return act(self.account, intent_id, outcome)

    def complete(self, intent_id: str, *, succeeds: bool = True) -> Object:
        """A `processing` intent settles."""
        return complete(self.account, intent_id, succeeds=succeeds)

    def refund(
        self,
        intent_id: str,
        amount: int | None = None,
        reason: str | None = None,
        metadata: Object | None = None,
    ) -> Object:
        """Refund in the dashboard: all that is left, or `amount` in minor units."""
        intent = self.account.payment_intents.require(intent_id)
        charge = self.account.charges.require(intent["latest_charge"] or "")
        return refund_charge(self.account, charge, amount, reason, metadata or {})

    def plan_refunds(self, intent_id: str, **plan: Unpack[PlanOptions]) -> None:
        """How refunds of this payment go from now on: see `RefundPlan`."""
        self.account.dashboard.refunds[intent_id] = RefundPlan(**plan)

    def move_refund(self, refund_id: str, status: RefundStatus, failure_reason: str | None = None) -> Object:
        """A refund goes on to another status: pending, requires_action, succeeded, failed or canceled."""
        return move_refund(self.account, refund_id, status, failure_reason)

    def complete_refund(self, refund_id: str, *, succeeds: bool = True) -> Object:
        """A refund settles, or fails and gives its amount back to the charge."""
        return complete_refund(self.account, refund_id, succeeds=succeeds)

    def cancel(self, intent_id: str, reason: str | None = None) -> Object:
        """Cancel in the dashboard."""
        return cancel_intent(self.account, self.account.payment_intents.require(intent_id), reason)

    def dispute(
        self,
        intent_id: str,
        reason: str = "fraudulent",
        *,
        amount: int | None = None,
        due_by: int | None = None,
        inquiry: bool = False,
    ) -> Object:
        """The customer disputes the payment, or `amount` of it, at their bank; to be answered by `due_by`."""
        intent = self.account.payment_intents.require(intent_id)
        charge = self.account.charges.require(intent["latest_charge"] or "")
        return open_dispute(
            self.account, charge, reason=reason, amount=amount, due_by=due_by, inquiry=inquiry
        )

    def move_dispute(self, dispute_id: str, status: str) -> Object:
        """A dispute goes on: under_review, won, lost (inquiries: warning_under_review, warning_closed)."""
        return move_dispute(self.account, dispute_id, status)

    def close_dispute(self, dispute_id: str, *, won: bool) -> Object:
        """The bank decides a dispute."""
        return close_dispute(self.account, dispute_id, won=won)
