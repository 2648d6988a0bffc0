"""Who else is on the Stripe account: a copy of this shop, an older application, and the payments of a busy one.

Their metadata has the same keys as ours, and some of the same UUIDs. Nothing of theirs is our business.
"""

from contextlib import suppress
from typing import Any, Literal
from uuid import UUID, uuid4

from sandbox.core import Sandbox
from sandbox.http.errors import StripeError
from sandbox.objects.strangers import Application

Kind = Literal["copy of this shop", "another shop", "no installation", "our payment, their order", "nothing"]
Deed = Literal["pay", "pay and refund", "dispute", "cancel", "nothing"]
BUSY = Application(
    events_a_month=3_000, days=1, metadata={"order_id": "{uuid}", "payment_id": "{uuid}"}, unpaid_every=3
)


class Neighbours:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._other_installation = uuid4()
        self.intents: set[str] = set()

    def move_in(self) -> None:
        self._sandbox.strangers.move_in(BUSY)

    def ask_for_intent(self, kind: Kind, order_id: UUID, payment_id: UUID | None) -> None:
        """`order_id` and `payment_id` are ours: a copied database has them too."""
        with suppress(KeyError):  # Stripe fails for neighbours as well
            answer = self._sandbox.call(
                "POST",
                "/v1/payment_intents",
                {
                    "amount": 1_000,
                    "currency": "usd",
                    "metadata": self._marks(kind, order_id, payment_id or uuid4()),
                },
            )
            if answer.wire == "whole" and answer.status == 200:
                self.intents.add(answer.json()["id"])
            else:
                self._learn()

    def _learn(self) -> None:
        """Those that Stripe made and whose answer was lost."""
        newest = next(iter(self._sandbox.state.payment_intents), None)
        if newest is not None and newest["metadata"].get("neighbour"):
            self.intents.add(newest["id"])

    def _marks(self, kind: Kind, order_id: UUID, payment_id: UUID) -> dict[str, Any]:
        other = {"installation_id": str(self._other_installation)}
        theirs = {"order_id": str(uuid4()), "payment_id": str(uuid4())}
        marks: dict[Kind, dict[str, Any]] = {
            "copy of this shop": {**other, "order_id": str(order_id), "payment_id": str(payment_id)},
            "another shop": {**other, **theirs},
            "no installation": theirs,
            "our payment, their order": {**theirs, "payment_id": str(payment_id)},
            "nothing": {},
        }
        return {**marks[kind], "neighbour": "yes"}

    def act(self, which: int, deed: Deed) -> None:
        """What the neighbour's own customer or shopkeeper does, in the dashboard or the browser."""
        if not self.intents:
            return
        intent_id = sorted(self.intents)[which % len(self.intents)]
        with suppress(StripeError):
            if deed.startswith("pay"):
                self._sandbox.pay(intent_id)
            if deed == "pay and refund":
                self._sandbox.refund(intent_id, 400)
            if deed == "dispute":
                self._sandbox.dispute(intent_id)
            if deed == "cancel":
                self._sandbox.cancel(intent_id)

    def written(self) -> list[str]:
        """Calls of the journal that would change something of theirs."""
        entries = [entry for entry in self._sandbox.journal.calls("POST") if self._names_one(entry)]
        return [f"{entry['method']} {entry['path']}" for entry in entries] + self._sandbox.strangers.written()

    def _names_one(self, entry: dict[str, Any]) -> bool:
        about = f"{entry['path']} {entry['params'].get('payment_intent', '')}"
        return any(intent_id in about for intent_id in self.intents)
