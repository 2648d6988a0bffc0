"""Stripe without sockets: the gateway's verbs over the sandbox's logic, for tests that make ten thousand calls.

Held to the same contract as the real gateway in test_gateway_contract.py.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sandbox.core import CallOptions, Sandbox
from services.payments.call_priority import AlwaysMyTurn, Turn
from services.payments.intents import (
    Intent,
    IntentRequest,
    IntentSeen,
    OutcomeUnknown,
    RefundRequest,
    StripeDispute,
    StripeEventSeen,
    StripePage,
    StripeRefund,
)
from services.reconciliation.stripe_events import LISTED_TYPES
from services.stripe_api.gateway import STRIPES_REASONS, between, path_of
from services.stripe_api.objects import (
    dispute_from,
    event_seen,
    intent_from,
    intent_id_in,
    intent_seen,
    page_from,
    refund_from,
)
from services.stripe_api.wire import answer_from, error_of
from tests.proof.watched import is_held

T = TypeVar("T")


class Crash(BaseException):
    """The process ends here, as far as the code under test can tell: nothing catches it."""


class SandboxGateway:
    """`crash`: "before" or "after" ends the process at the next call; `crash_at`: at the next one of this path.

    `called_while_held` are the calls made in the middle of a transaction, of which there must be none (I5).
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.crash: str | None = None
        self.crash_at: str | None = None
        self.crashes = 0
        self.called_while_held: list[str] = []
        self.calls = 0
        self.delays: list[float] = []  # seconds on the way, in turn
        self.ahead = timedelta()  # how far the sandbox's clock is before ours

    def turn_to_create(self, order_id: UUID) -> Turn:
        return AlwaysMyTurn()

    def turn_to_reprice(self, intent_id: str) -> Turn:
        return AlwaysMyTurn()

    def turn_to_cancel(self, intent_id: str) -> Turn:
        return AlwaysMyTurn()

    def turn_to_retrieve(self, intent_id: str) -> Turn:
        return AlwaysMyTurn()

    async def create_intent(self, request: IntentRequest) -> Intent:
        parameters = {
            "amount": request.amount,
            "currency": request.currency.lower(),
            **request.parameters,
        }
        return intent_from(
            await self._call("POST", "/v1/payment_intents", parameters, request.idempotency_key)
        )

    async def retrieve_intent(self, intent_id: str) -> Intent:
        return intent_from(await self._call("GET", path_of(intent_id)))

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        path = path_of(intent_id)
        return intent_from(await self._call("POST", path, {"amount": amount}, idempotency_key))

    async def cancel_intent(self, intent_id: str) -> Intent:
        return intent_from(await self._call("POST", f"{path_of(intent_id)}/cancel"))

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        reason = {"reason": request.reason} if request.reason in STRIPES_REASONS else {}
        parameters = {
            "payment_intent": request.intent_id,
            "amount": request.amount,
            "metadata": {"refund_id": str(request.refund_id)},
            **reason,
        }
        return refund_from(await self._call("POST", "/v1/refunds", parameters, request.idempotency_key))

    async def list_refunds(self, intent_id: str) -> list[StripeRefund]:
        data = await self._call("GET", "/v1/refunds", {"payment_intent": intent_id, "limit": 100})
        return [refund_from(refund) for refund in data["data"]]

    async def list_disputes(self, intent_id: str) -> list[StripeDispute]:
        data = await self._call("GET", "/v1/disputes", {"payment_intent": intent_id, "limit": 100})
        return [dispute_from(dispute) for dispute in data["data"]]

    async def intent_id_of(self, object_id: str) -> str | None:
        return intent_id_in(await self._call("GET", path_of(object_id)))

    async def list_intents(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[IntentSeen]:
        return await self._page("/v1/payment_intents", intent_seen, after, self._window(since, until))

    async def list_events(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[StripeEventSeen]:
        window = {**self._window(since, until), "types": list(LISTED_TYPES)}
        return await self._page("/v1/events", event_seen, after, window)

    def _window(self, since: datetime, until: datetime | None) -> dict[str, Any]:
        return dict(between(since + self.ahead, until and until + self.ahead))

    async def ping(self) -> datetime | None:
        await self._call("GET", "/v1/balance")
        return self._now()

    def _now(self) -> datetime:
        """As Stripe tells it with each answer, by our clock."""
        return datetime.fromtimestamp(self.sandbox.clock.time(), UTC) - self.ahead

    async def _page(
        self, path: str, read: Callable[[Any], T | None], after: str | None, window: dict[str, Any]
    ) -> StripePage[T]:
        start = {"starting_after": after} if after else {}
        data = await self._call("GET", path, {**nested(window), "limit": 100, **start})
        return page_from(data, read, after=after, answered_at=self._now())

    async def _call(
        self, method: str, path: str, parameters: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        self.calls += 1
        await self.on_the_way()
        if is_held():
            self.called_while_held.append(f"{method} {path}")
        if self.crash_at == path:
            self.crash, self.crash_at = "before", None
        self._crash_if("before")
        options: CallOptions = {"idempotency_key": key} if key else {}
        answer = self.sandbox.call(method, path, parameters, **options)
        await self.on_the_way()
        self._crash_if("after")
        if answer.wire != "whole":
            raise OutcomeUnknown(f"the answer was lost: {answer.wire}")
        told = answer_from(answer.body, answer.status, answer.headers)
        failure = error_of(told)
        if failure is not None:
            failure.answered_at = self._now()
            raise failure
        return told.data

    async def on_the_way(self) -> None:
        """A request, or an answer, travels: meanwhile others go on."""
        if self.delays:
            self.delays.append(self.delays.pop(0))
            await asyncio.sleep(self.delays[-1])

    def _crash_if(self, moment: str) -> None:
        if self.crash == moment:
            self.crash = None
            self.crashes += 1
            raise Crash


def nested(window: dict[str, Any]) -> dict[str, Any]:
    """`created[gte]` as the sandbox takes it."""
    created = {name[8:-1]: value for name, value in window.items() if name.startswith("created[")}
    others = {name: value for name, value in window.items() if not name.startswith("created[")}
    return {**others, "created": created} if created else others
