"""Stripe in our words: intents, refunds, disputes and events, asked in turn and within a deadline."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import stripe

from runtime.observation import note
from services.payments.call_priority import CALLER, AlwaysMyTurn, Turn
from services.payments.intents import (
    Intent,
    IntentRequest,
    IntentSeen,
    ObjectLocked,
    OutcomeUnknown,
    RefundRequest,
    Refused,
    StripeDispute,
    StripeEventSeen,
    StripePage,
    StripeRefund,
    TooManyRequests,
    UnreadableAnswer,
)
from services.payments.stripe_ids import INTENT, is_id, kind_of_id
from services.reconciliation.stripe_events import LISTED_TYPES
from services.stripe_api.account_settings import DEFAULT_API_BASE
from services.stripe_api.call_queue import HELD, CallQueue
from services.stripe_api.calls import StripeCall, date_of, name_of
from services.stripe_api.metrics import begin_counting
from services.stripe_api.objects import (
    COLLECTIONS,
    belonging_to,
    dispute_from,
    event_seen,
    intent_from,
    intent_id_in,
    intent_seen,
    page_from,
    refund_from,
)
from services.stripe_api.transport import Transport
from services.stripe_api.wire import Answer, answer_from, error_of, form, posting, standing_headers

# Otherwise the first call writes under $HOME/.config, and fails where there is no HOME.
stripe.enable_telemetry = False

API_VERSION = "2026-10-28.endive"

NETWORK_RETRIES = 1
# Seconds before an object is called again that somebody else was at. The SDK has tried it twice by then.
PAUSE_FOR_A_LOCK = 0.5
CREATE = ("post", "/v1/payment_intents")
STRIPES_REASONS = ("duplicate", "fraudulent", "requested_by_customer")  # others stay in our own books
PAGE = 100  # the most that one of Stripe's lists gives at once
MOST_PAGES = 50  # of the refunds of one intent

T = TypeVar("T")


class StripeGateway:
    """Makes, reads, reprices, cancels and refunds PaymentIntents, and reads Stripe's lists.

    Every verb ends with an `Intent` or one of the `GatewayError`s, 8 seconds after its turn at the latest
    (services/stripe_api/call_queue.py), or twice that when somebody else was at the object. Creating and repricing
    carry idempotency keys that outlive a crash; canceling twice is the same as once and needs none. The SDK's client
    connects and retries; what it is given and what it brings is read here, in our words (services/stripe_api/wire.py).
    """

    def __init__(
        self, secret_key: str, *, api_base: str = DEFAULT_API_BASE, calls_per_second: float | None = None
    ) -> None:
        """`calls_per_second` go to each of Stripe's endpoints from this process; None is no limit."""
        begin_counting()
        self._http = Transport()
        self._base = api_base.rstrip("/")
        self._queue = CallQueue(calls_per_second) if calls_per_second else None
        self._headers = standing_headers(secret_key, API_VERSION, stripe.VERSION)

    def turn_to_create(self, order_id: UUID) -> Turn:
        """The turn of the next `create_intent` within its block; it is asked for before a payment is recorded."""
        return self._turn(*CREATE, order_id)

    def turn_to_reprice(self, intent_id: str) -> Turn:
        """The turn of the next `reprice_intent` within its block."""
        return self._turn("post", f"/v1/payment_intents/{intent_id}", intent_id)

    def turn_to_cancel(self, intent_id: str) -> Turn:
        """The turn of the next `cancel_intent` within its block."""
        return self._turn("post", f"/v1/payment_intents/{intent_id}/cancel", intent_id)

    def turn_to_retrieve(self, intent_id: str) -> Turn:
        """The turn of the next `retrieve_intent` within its block."""
        return self._turn("get", f"/v1/payment_intents/{intent_id}", intent_id)

    def _turn(self, method: str, path: str, about: Hashable) -> Turn:
        if self._queue is None:
            return AlwaysMyTurn()
        return self._queue.line(name_of(method, path)).ask(CALLER.get(), about)

    def _own_turn(self, method: str, path: str) -> AbstractContextManager[Turn]:
        """The turn that the caller has for this call, or one to wait for."""
        held = HELD.get()
        if (
            held is not None
            and self._queue is not None
            and held.is_for(self._queue.line(name_of(method, path)))
        ):
            return nullcontext(held)
        return self._turn(method, path, path)

    async def create_intent(self, request: IntentRequest) -> Intent:
        """https://docs.stripe.com/api/payment_intents/create; payment methods come from the dashboard's settings."""
        note(payment=request.payment_id)
        return await self._intent(
            *CREATE,
            idempotency_key=request.idempotency_key,
            amount=request.amount,
            currency=request.currency.lower(),
            **request.parameters,
        )

    async def retrieve_intent(self, intent_id: str) -> Intent:
        return about(intent_id, await self._intent("get", path_of(intent_id)))

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        path = path_of(intent_id)
        return about(
            intent_id, await self._intent("post", path, idempotency_key=idempotency_key, amount=amount)
        )

    async def cancel_intent(self, intent_id: str) -> Intent:
        return about(intent_id, await self._intent("post", f"{path_of(intent_id)}/cancel"))

    async def list_intents(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[IntentSeen]:
        """Intents created from `since` to `until`, whoever's they are, newest first, a page at a time."""
        return await self._page("/v1/payment_intents", intent_seen, after, **between(since, until))

    async def list_events(
        self, since: datetime, after: str | None = None, until: datetime | None = None
    ) -> StripePage[StripeEventSeen]:
        """Events about intents, refunds and disputes created from `since` to `until`, delivered or not."""
        kinds = {f"types[{place}]": name for place, name in enumerate(LISTED_TYPES)}
        return await self._page("/v1/events", event_seen, after, **between(since, until), **kinds)

    async def intent_id_of(self, object_id: str) -> str | None:
        """The intent of a refund, a dispute or a charge; None for one that belongs to no intent."""
        return intent_id_in(await self._call("get", path_of(object_id)))

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        """https://docs.stripe.com/api/refunds/create"""
        reason = {"reason": request.reason} if request.reason in STRIPES_REASONS else {}
        data = await self._call(
            "post",
            "/v1/refunds",
            idempotency_key=request.idempotency_key,
            payment_intent=checked(request.intent_id),
            amount=request.amount,
            metadata={"refund_id": str(request.refund_id)},
            **reason,
        )
        refund = belonging_to(request.intent_id, refund_from)(data)
        if (refund.refund_id, refund.amount) != (request.refund_id, request.amount):
            raise UnreadableAnswer(f"refund: {refund.id} is not the one that was asked for")
        return refund

    async def list_refunds(self, intent_id: str) -> list[StripeRefund]:
        """Every refund of an intent, whoever made it."""
        read = belonging_to(intent_id, refund_from)
        refunds: list[StripeRefund] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page("/v1/refunds", read, after, payment_intent=checked(intent_id))
            refunds += page.items
            after = page.next
            if after is None:
                return refunds
        raise UnreadableAnswer(f"the refunds of {intent_id} have no end")

    async def list_disputes(self, intent_id: str) -> list[StripeDispute]:
        read = belonging_to(intent_id, dispute_from)
        page = await self._page("/v1/disputes", read, None, payment_intent=checked(intent_id))
        return [*page.items]

    async def _page(
        self, path: str, read: Callable[[Any], T | None], after: str | None, **parameters: Any
    ) -> StripePage[T]:
        start = {"starting_after": after} if after else {}
        answer = await self._ask("get", path, limit=PAGE, **parameters, **start)
        return page_from(answer.data, read, after=after, answered_at=date_of(answer.headers))

    async def ping(self) -> datetime | None:
        """The cheapest question that needs a valid key: https://docs.stripe.com/api/balance/balance_retrieve"""
        return date_of((await self._ask("get", "/v1/balance")).headers)

    async def probe(self, method: str, path: str, **parameters: Any) -> Answer:
        """For the doctor: the answer as it is, of any status. Raises `OutcomeUnknown` when there was none."""
        url, headers, body = self._request(method, path, None, parameters)
        try:
            return answer_from(
                *await self._http.request_with_retries_async(
                    method, url, headers, body, max_network_retries=0
                )
            )
        except stripe.APIConnectionError as error:
            raise OutcomeUnknown(type(error).__name__) from error

    async def _intent(self, method: str, path: str, **parameters: Any) -> Intent:
        intent = intent_from(await self._call(method, path, **parameters))
        note(payment=intent.payment_id)
        return intent

    async def _call(self, method: str, path: str, **parameters: Any) -> dict[str, Any]:
        return (await self._ask(method, path, **parameters)).data

    async def _ask(
        self, method: str, path: str, *, idempotency_key: str | None = None, **parameters: Any
    ) -> Answer:
        """Where every call passes."""
        url, headers, body = self._request(method, path, idempotency_key, parameters)
        try:
            return await self._in_turn(method, path, url, headers, body)
        except ObjectLocked:
            await asyncio.sleep(PAUSE_FOR_A_LOCK)
            return await self._in_turn(method, path, url, headers, body)

    def _request(
        self, method: str, path: str, idempotency_key: str | None, parameters: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, str], str | None]:
        """Address, headers and body."""
        url = f"{self._base}{path}"
        if method == "post":
            return url, posting(self._headers, idempotency_key), form(parameters)
        return (f"{url}?{form(parameters)}" if parameters else url), self._headers, None

    async def _in_turn(
        self, method: str, path: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> Answer:
        with self._own_turn(method, path) as turn:
            await turn.wait()
            with StripeCall(method, path) as call:
                turn.use()
                try:
                    answered = await self._http.request_with_retries_async(
                        method, url, headers, body, max_network_retries=NETWORK_RETRIES
                    )
                except stripe.APIConnectionError as error:
                    raise OutcomeUnknown(type(error).__name__) from error
                answer = answer_from(*answered)
                call.request_id = answer.request_id
                failure = error_of(answer)
                if isinstance(failure, TooManyRequests):
                    failure.retry_after = turn.slow_down()
                if failure is not None:
                    failure.answered_at = date_of(answer.headers)
                    raise failure
                return answer

    async def close(self) -> None:
        await self._http.close_async()


def about(intent_id: str, intent: Intent) -> Intent:
    if intent.id != intent_id:
        raise UnreadableAnswer(f"payment intent: {intent_id} was asked for, and {intent.id} was answered")
    return intent


def checked(intent_id: str) -> str:
    if not is_id(INTENT, intent_id):
        raise not_an_id(intent_id)
    return intent_id


def path_of(object_id: str) -> str:
    """Where an object is read: the only way in which an id becomes part of a path."""
    kind = kind_of_id(object_id)
    if kind is None:
        raise not_an_id(object_id)
    return f"{COLLECTIONS[kind]}/{object_id}"


def not_an_id(text: str) -> Refused:
    return Refused(f"{text[:40]!r} is no id of Stripe's", code="invalid_id")


def between(since: datetime, until: datetime | None) -> dict[str, int]:
    upper = {"created[lte]": int(until.timestamp())} if until else {}
    return {"created[gte]": int(since.timestamp()), **upper}
