"""Other applications on the same account: their customers, payments and events, in any number.

Nothing of theirs is stored. Everything is computed from its number when it is asked for, so a million events a
month cost no memory and a list costs what it returns.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.account.account import Account
from sandbox.account.clock import Clock
from sandbox.account.store import Place
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError
from sandbox.http.parameters import Parameters
from sandbox.objects.customers import create as create_customer
from sandbox.objects.payment_intents import create as create_intent

MONTH = 30 * 86_400
_PAID = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "customer.updated")
_UNPAID = ("payment_intent.created", "charge.failed", "payment_intent.payment_failed", "customer.updated")
_EACH = len(_PAID)  # events of one payment
_LONG_AFTER = 7_777_777_777  # a time that only the templates have
_EXPIRES = 2220  # their cards, four years after


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One other application: how much happens in it, since how many days before it was added, with which metadata.

    In values of `metadata`, `{n}` stands for the payment's number and `{uuid}` for a UUID that is always the same
    for the same payment and name. Every `unpaid_every`th payment was declined and stays payable.
    """

    events_a_month: float = 1_000_000
    days: float = 30
    metadata: Mapping[str, str] = field(default_factory=dict)
    unpaid_every: int = 10
    amount: int = 1_999
    currency: str = "usd"


class Series:
    """Objects of one kind, one each `period` seconds since `start`: a `Source` of a table."""

    def __init__(self, stream: "Stream", prefix: str, period: float, make: Callable[[int], Object]) -> None:
        self.rank = stream.rank
        self._stream = stream
        self._prefix = prefix
        self._period = period
        self._make = make

    def id_of(self, number: int) -> str:
        return f"{self._prefix}_{self.rank:04x}{number:020x}"

    def number_of(self, object_id: str) -> int | None:
        """None for an id that is not of this series, or not yet."""
        digits = object_id.removeprefix(f"{self._prefix}_{self.rank:04x}")
        if len(digits) != 20 or not object_id.startswith(f"{self._prefix}_"):
            return None
        try:
            number = int(digits, 16)
        except ValueError:
            return None
        return number if number < len(self) else None

    def second(self, number: int) -> int:
        return self._stream.start + int(number * self._period)

    def __len__(self) -> int:
        """How many there are by now."""
        return self._from(self._stream.now() + 1)

    def get(self, object_id: str) -> Object | None:
        number = self.number_of(object_id)
        return None if number is None else self._make(number)

    def place(self, object_id: str) -> Place | None:
        number = self.number_of(object_id)
        return None if number is None else (self.second(number), self.rank, number)

    def walk(
        self, low: Place | None, high: Place | None, where: Mapping[str, str], types: Sequence[str] | None
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        numbers = self._numbers(low, high, where)
        return self._found(reversed(numbers), types)

    def walk_up(
        self, low: Place | None, high: Place | None, where: Mapping[str, str], types: Sequence[str] | None
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        return self._found(iter(self._numbers(low, high, where)), types)

    def _found(
        self, numbers: Iterator[int], types: Sequence[str] | None
    ) -> Iterator[tuple[Place, Callable[[], Object]]]:
        wanted = None if types is None else self._stream.matching(types)
        if wanted is not None and not wanted:
            return
        for number in numbers:
            if wanted is None or self._stream.type_of(number) in wanted:
                yield (self.second(number), self.rank, number), partial(self._make, number)

    def _numbers(self, low: Place | None, high: Place | None, where: Mapping[str, str]) -> range:
        first = 0 if low is None else self._beyond(low)
        last = len(self) if high is None else min(len(self), self._short_of(high))
        if not where:
            return range(first, max(first, last))
        related = self._stream.related(where)
        return range(related, related + 1) if related is not None and first <= related < last else range(0)

    def _beyond(self, place: Place) -> int:
        second, rank, number = place
        return number + 1 if rank == self.rank else self._from(second + (rank > self.rank))

    def _short_of(self, place: Place) -> int:
        second, rank, number = place
        return number if rank == self.rank else self._from(second + (rank > self.rank))

    def _from(self, second: int) -> int:
        """The first number of this second or a later one."""
        number = max(0, math.ceil((second - self._stream.start) / self._period))
        while number and self.second(number - 1) >= second:
            number -= 1
        while self.second(number) < second:
            number += 1
        return number


class Stream:
    """What one application does, from `start` on and for as long as the clock goes."""

    def __init__(self, account: Account, application: Application, rank: int) -> None:
        self.rank = rank
        self.application = application
        self.now = account.clock.now
        self.start = self.now() - int(application.days * 86_400)
        self._patterns = _templates(application)
        period = MONTH / application.events_a_month
        each = _EACH * period
        self.events = Series(self, "evt", period, self._event)
        self.payment_intents = Series(self, "pi", each, lambda n: self._object(n, "payment_intent"))
        self.charges = Series(self, "ch", each, lambda n: self._object(n, "charge"))
        self.customers = Series(self, "cus", each, lambda n: self._object(n, "customer"))
        self.payment_methods = Series(self, "pm", each, lambda n: self._object(n, "payment_method"))

    def type_of(self, event: int) -> str:
        payment, step = divmod(event, _EACH)
        return (_PAID if self._is_paid(payment) else _UNPAID)[step]

    @staticmethod
    def matching(types: Sequence[str]) -> frozenset[str]:
        """Which of the types of these events the patterns mean."""
        mine = {*_PAID, *_UNPAID}
        return frozenset(name for name in mine if any(fnmatchcase(name, pattern) for pattern in types))

    def related(self, where: Mapping[str, str]) -> int | None:
        """The one payment that has these ids in its fields; None without one."""
        series = {"payment_intent": self.payment_intents, "customer": self.customers, "charge": self.charges}
        numbers = {series[name].number_of(value) if name in series else None for name, value in where.items()}
        return numbers.pop() if len(numbers) == 1 else None

    def _is_paid(self, payment: int) -> bool:
        return payment % self.application.unpaid_every != self.application.unpaid_every - 1

    def _event(self, number: int) -> Object:
        payment = number // _EACH
        name = self.type_of(number)
        paid = self._is_paid(payment)
        return self._filled(f"{name} {paid}", payment, self.events.id_of(number), self.events.second(number))

    def _object(self, payment: int, noun: str) -> Object:
        second = self.payment_intents.second(payment)
        return self._filled(f"{noun} {self._is_paid(payment)}", payment, "", second)

    def _filled(self, name: str, payment: int, event_id: str, second: int) -> Object:
        text = self._patterns[name].replace("<event>", event_id).replace("<second>", str(second))
        text = text.replace('"<made>"', str(self.payment_intents.second(payment)))
        text = text.replace("<id>", f"{self.rank:04x}{payment:020x}")
        found: Object = json.loads(text.replace('"<metadata>"', self._metadata(payment)))
        return found

    def _metadata(self, payment: int) -> str:
        values = {
            name: value.replace("{n}", str(payment)).replace(
                "{uuid}", str(uuid5(NAMESPACE_URL, f"stranger:{self.rank}:{payment}:{name}"))
            )
            for name, value in self.application.metadata.items()
        }
        return json.dumps(values)


class Strangers:
    """The other applications of the account."""

    def __init__(self, account: Account, deliver: Callable[[str], None]) -> None:
        self._account = account
        self._deliver = deliver
        self.streams: list[Stream] = []

    def move_in(self, application: Application) -> Stream:
        """Add an application with its past; it goes on as the clock does."""
        stream = Stream(self._account, application, rank=len(self.streams) + 1)
        self.streams.append(stream)
        for name in ("events", "payment_intents", "charges", "customers", "payment_methods"):
            self._account.tables[name_of(name)].sources.append(getattr(stream, name))
        return stream

    def deliver(self, count: int, *, types: Sequence[str] = ("*",)) -> list[str]:
        """Send the latest `count` events of each application to the webhook endpoints, oldest first; their ids."""
        sent: list[str] = []
        for stream in self.streams:
            newest = stream.events.walk(None, None, {}, types)
            places = [place for place, _ in (next(newest, (None, None)) for _ in range(count)) if place]
            sent += [stream.events.id_of(number) for _, _, number in reversed(places)]
        for event_id in sent:
            self._deliver(event_id)
        return sent

    def written(self) -> list[str]:
        """Ids of strangers' objects that were changed by a call: a shop has no business with any."""
        tables = self._account.tables.values()
        return [object_id for table in tables for object_id in table.taken_over]

    def clear(self) -> None:
        self.streams.clear()


def name_of(tables: str) -> str:
    """`payment_intents` → `payment_intent`"""
    return tables.removesuffix("s")


def _templates(application: Application) -> dict[str, str]:
    """Every object and event as JSON with marks where numbers and ids go, made by the sandbox's own endpoints."""
    patterns: dict[str, str] = {}
    for paid in (True, False):
        account = _played(application, paid)
        (intent,) = account.payment_intents
        (charge,) = account.charges
        (customer,) = account.customers
        (method,) = account.payment_methods
        ids = {"pi": intent["id"], "ch": charge["id"], "cus": customer["id"], "pm": method["id"]}
        if charge["balance_transaction"] is not None:
            ids["txn"] = charge["balance_transaction"]
        for noun, value in (
            ("payment_intent", intent), ("charge", charge), ("customer", customer), ("payment_method", method),
        ):  # fmt: skip
            patterns[f"{noun} {paid}"] = _marked(value, ids)
        for event in account.events:
            patterns[f"{event['type']} {paid}"] = _marked(event | {"id": "<event>"}, ids)
        updated = event_of(account, "customer.created") | {"id": "<event>", "type": "customer.updated"}
        updated["data"] = {"object": customer, "previous_attributes": {"name": "A"}}
        patterns[f"customer.updated {paid}"] = _marked(updated, ids)
    return patterns


def event_of(account: Account, event_type: str) -> Object:
    return next(event for event in account.events if event["type"] == event_type)


def _played(application: Application, paid: bool) -> Account:
    clock = Clock()
    clock.freeze(_LONG_AFTER)
    account = Account(clock, None, lambda _: None)
    customer = create_customer(account, _call({"name": "B"}))
    parameters: Any = {
        "amount": str(application.amount), "currency": application.currency, "confirm": "true",
        "metadata": {"marked": "<metadata>"}, "customer": customer["id"], "use_stripe_sdk": "true",
        "payment_method": "pm_card_visa" if paid else "pm_card_chargeDeclined",
    }  # fmt: skip
    try:
        create_intent(account, _call(parameters))
    except StripeError as declined:
        if paid:
            raise AssertionError("a stranger's payment is refused") from declined
    return account


def _call(tree: Object) -> Call:
    return Call(params=Parameters(tree))


def _marked(value: Object, ids: Mapping[str, str]) -> str:
    text = json.dumps(value)
    for prefix, object_id in ids.items():
        text = text.replace(object_id, f"{prefix}_<id>")
    text = text.replace('{"marked": "<metadata>"}', '"<metadata>"')
    later = f'"created": {_LONG_AFTER}'
    if value["object"] == "event":
        outer = json.loads(text)
        outer["created"] = "<second>"
        text = json.dumps(outer).replace('"<second>"', "<second>")
    return (
        text.replace(later, '"created": "<made>"')
        .replace(str(_LONG_AFTER), '"<made>"')
        .replace(f'"exp_year": {_EXPIRES}', '"exp_year": 2034')
    )
