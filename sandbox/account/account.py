"""One Stripe test account: its objects, its events, and the file that keeps them over a restart."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account.clock import Clock
from sandbox.account.dashboard import Dashboard
from sandbox.account.ids import ACCOUNT_ID, new_id
from sandbox.account.persistence import StateFile
from sandbox.account.schedule import Schedule
from sandbox.account.store import Table
from sandbox.http.answers import Object
from sandbox.http.versions import LATEST

if TYPE_CHECKING:
    from sandbox.webhooks.endpoints import WebhookEndpoint

__all__ = ["ACCOUNT_ID", "Account", "Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The API call an event comes from; both None when the dashboard or time made it."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Account:
    """All state. Everything that changes goes through `save`, everything that is told through `emit`."""

    def __init__(self, clock: Clock, file: StateFile | None, on_event: Callable[[Object], None]) -> None:
        self.clock = clock
        self.endpoints: list[WebhookEndpoint] = []
        self.schedule = Schedule(clock)
        self._file = file
        self._on_event = on_event
        self._cause = Cause()
        self._fill()

    def _fill(self) -> None:
        self.dashboard = Dashboard()
        self.schedule.clear()
        self.payment_intents = Table("payment_intent", ("customer",))
        self.charges = Table("charge", ("payment_intent", "customer"))
        self.refunds = Table("refund", ("payment_intent", "charge"))
        self.customers = Table("customer", ("email",))
        self.payment_methods = Table("payment_method", ("customer",))
        self.disputes = Table("dispute", ("payment_intent", "charge"))
        self.setup_intents = Table("setup_intent", ("customer", "payment_method"))
        self.balance_transactions = Table("balance_transaction", ("source",))
        self.events = Table("event")
        # What a payment method made from a test number does; kept apart, since the number itself is not kept.
        self.numbers: dict[str, str] = {}
        self.used_up: set[str] = set()  # payment methods that were tried without a customer, or detached
        self.set_up: set[str] = set()  # those that were authenticated for payments without the customer
        self.tables = {
            table.noun: table
            for table in (
                self.payment_intents, self.charges, self.refunds, self.customers,
                self.payment_methods, self.disputes, self.setup_intents, self.balance_transactions, self.events,
            )
        }  # fmt: skip

    def save(self, table: Table, value: Object) -> Object:
        """Insert or replace, and write it to the state file."""
        table.save(value)
        if self._file is not None:
            self._file.append(table.noun, value["id"], value)
        return value

    def restore(self, kind: str, value: Object) -> bool:
        """Take one line of the state file back; False when its kind is not one of the account's."""
        if kind == "test_number":
            self.numbers[value["id"]] = value["number"]
            self.used_up |= {value["id"]} if value.get("used_up") else set()
            self.set_up |= {value["id"]} if value.get("set_up") else set()
        elif kind in self.tables:
            self.tables[kind].save(value)
            self.clock.catch_up(value["created"])
        else:
            return False
        return True

    def remember_number(self, payment_method_id: str, number: str) -> None:
        self.numbers[payment_method_id] = number
        self._write_number(payment_method_id)

    def use_up(self, payment_method_id: str) -> None:
        """It may not be used again unless a customer has it."""
        self.used_up.add(payment_method_id)
        self._write_number(payment_method_id)

    def prepare(self, payment_method_id: str) -> None:
        """It was authenticated for payments that are made without the customer."""
        self.set_up.add(payment_method_id)
        self._write_number(payment_method_id)

    def _write_number(self, payment_method_id: str) -> None:
        if self._file is None or payment_method_id not in self.numbers:
            return
        kept: Object = {
            "id": payment_method_id,
            "number": self.numbers[payment_method_id],
            "used_up": payment_method_id in self.used_up,
            "set_up": payment_method_id in self.set_up,
        }
        self._file.append("test_number", payment_method_id, kept)

    def emit(self, event_type: str, value: Object, old: Object | None = None) -> Object:
        """Record an event with a snapshot of `value`; with `old`, what differed before stands beside it."""
        data: Object = {"object": value}
        if old is not None:
            data["previous_attributes"] = _previous(old, value)
        event: Object = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": LATEST,
            "created": self.clock.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": sum(endpoint.wants(event_type) for endpoint in self.endpoints),
            "request": {"id": self._cause.request_id, "idempotency_key": self._cause.idempotency_key},
            "type": event_type,
        }
        self.save(self.events, event)
        self._on_event(event)
        return event

    @contextmanager
    def caused_by(self, cause: Cause) -> Iterator[None]:
        """Events emitted inside name this call."""
        before, self._cause = self._cause, cause
        try:
            yield
        finally:
            self._cause = before

    def reset(self) -> None:
        """Forget every object and the state file's lines."""
        self._fill()
        if self._file is not None:
            self._file.clear()


def _previous(old: Object, new: Object) -> Object:
    return {name: value for name, value in old.items() if value != new.get(name)}
