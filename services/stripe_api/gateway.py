"""Stripe, behind five verbs in our words. The only module that imports `stripe`."""

import re
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp

from runtime.leaving_out import leaving_out
from runtime.observation import note
from services.payments.intents import (
    Intent,
    IntentRequest,
    IntentStatus,
    OutcomeUnknown,
    RefundRequest,
    StripeDispute,
    StripeEventSeen,
    StripePage,
    StripeRefund,
    TooManyRequests,
)
from services.reconciliation.inbox import UnverifiedEvent, intent_of
from services.stripe_api.calls import StripeCall, date_of
from services.stripe_api.rate import StripeRate
from services.stripe_api.wire import Answer, answer_from, error_of, form, posting, standing_headers

# HTTP clients that the SDK would rather have than aiohttp: 5 MB, and a tenth of the time to start.
with leaving_out("requests", "httpx"):
    import stripe
    import stripe._http_client

# Otherwise the first call writes under $HOME/.config, and fails where there is no HOME.
stripe.enable_telemetry = False

API_VERSION = "2026-10-28.endive"
DEFAULT_API_BASE = "https://api.stripe.com"

# Two tries of 3.5 s with the SDK's half-second pause between them: no call takes longer than 8 s.
TRY_TIMEOUT = aiohttp.ClientTimeout(total=3.5, sock_connect=2.0)
NETWORK_RETRIES = 1
STRIPES_REASONS = ("duplicate", "fraudulent", "requested_by_customer")  # others stay in our own books
MOST_CALLS = 500  # at once; aiohttp's own 100 would make callers queue while Stripe is slow
PAGE = 100  # the most that one of Stripe's lists gives at once


class _Transport(stripe.AIOHTTPClient):
    """The SDK's aiohttp client, in which an answer that breaks off while it is read is an error like the rest.

    The SDK's own lets such errors escape untyped and unretried, and leaves the connection open.
    """

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        if self._user_connector is None:  # made here, since it needs the running loop
            self._user_connector = aiohttp.TCPConnector(
                limit=MOST_CALLS, ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path)
            )
        arguments, options = self._get_request_args_kwargs(method, url, headers, post_data)
        try:
            async with self._session.request(*arguments, **options) as response:
                return await response.read(), response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._handle_request_error(error)


class StripeGateway:
    """Makes, reads, reprices, cancels and refunds PaymentIntents, and reads Stripe's lists.

    Every verb ends with an `Intent` or one of the `GatewayError`s, 8 seconds after its turn at the latest
    (services/stripe_api/rate.py). Creating and repricing carry idempotency keys that outlive a crash; canceling twice
    is the same as once and needs none. The SDK's client connects and retries; what it is given and what it brings is
    read here, in our words (services/stripe_api/wire.py).
    """

    def __init__(
        self, secret_key: str, *, api_base: str = DEFAULT_API_BASE, calls_per_second: float | None = None
    ) -> None:
        """`calls_per_second` go to each of Stripe's endpoints from this process; None is no limit."""
        self._http = _Transport(timeout=TRY_TIMEOUT)
        self._base = api_base.rstrip("/")
        self._rate = StripeRate(calls_per_second) if calls_per_second else None
        self._headers = standing_headers(secret_key, API_VERSION, stripe.VERSION)

    async def create_intent(self, request: IntentRequest) -> Intent:
        """https://docs.stripe.com/api/payment_intents/create; payment methods come from the dashboard's settings."""
        note(payment=request.payment_id)
        return await self._intent(
            "post",
            "/v1/payment_intents",
            idempotency_key=request.idempotency_key,
            amount=request.amount,
            currency=request.currency.lower(),
            metadata={"order_id": str(request.order_id), "payment_id": str(request.payment_id)},
        )

    async def retrieve_intent(self, intent_id: str) -> Intent:
        return await self._intent("get", f"/v1/payment_intents/{intent_id}")

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        return await self._intent(
            "post", f"/v1/payment_intents/{intent_id}", idempotency_key=idempotency_key, amount=amount
        )

    async def cancel_intent(self, intent_id: str) -> Intent:
        return await self._intent("post", f"/v1/payment_intents/{intent_id}/cancel")

    async def list_intents(self, since: datetime, after: str | None = None) -> StripePage[Intent]:
        """Intents created at `since` or later, newest first, a page at a time."""
        data = await self._page("/v1/payment_intents", after, **{"created[gte]": int(since.timestamp())})
        return StripePage(tuple(map(intent_from, data["data"])), next_of(data))

    async def list_events(self, since: datetime, after: str | None = None) -> StripePage[StripeEventSeen]:
        """Events about intents, refunds and disputes created at `since` or later, delivered or not."""
        data = await self._page("/v1/events", after, **{"created[gte]": int(since.timestamp())})
        return StripePage(tuple(filter(None, map(event_seen, data["data"]))), next_of(data))

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        """https://docs.stripe.com/api/refunds/create"""
        reason = {"reason": request.reason} if request.reason in STRIPES_REASONS else {}
        data = await self._call(
            "post",
            "/v1/refunds",
            idempotency_key=request.idempotency_key,
            payment_intent=request.intent_id,
            amount=request.amount,
            metadata={"refund_id": str(request.refund_id)},
            **reason,
        )
        return refund_from(data)

    async def list_refunds(self, intent_id: str) -> list[StripeRefund]:
        """Every refund of an intent, whoever made it."""
        refunds: list[StripeRefund] = []
        after: str | None = None
        while True:
            data = await self._page("/v1/refunds", after, payment_intent=intent_id)
            refunds += map(refund_from, data["data"])
            after = next_of(data)
            if after is None:
                return refunds

    async def list_disputes(self, intent_id: str) -> list[StripeDispute]:
        data = await self._page("/v1/disputes", None, payment_intent=intent_id)
        return [dispute_from(dispute) for dispute in data["data"]]

    async def _page(self, path: str, after: str | None, **parameters: Any) -> dict[str, Any]:
        start = {"starting_after": after} if after else {}
        return await self._call("get", path, limit=PAGE, **parameters, **start)

    async def ping(self) -> datetime | None:
        """The cheapest question that needs a valid key: https://docs.stripe.com/api/balance/balance_retrieve"""
        return date_of((await self._ask("get", "/v1/balance")).headers)

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
        url, headers, body = f"{self._base}{path}", self._headers, None
        if method == "post":
            headers, body = posting(headers, idempotency_key), form(parameters)
        elif parameters:
            url = f"{url}?{form(parameters)}"
        turns = self._rate.of(method, path) if self._rate else None
        if turns:
            await turns.turn()
        with StripeCall(method, path) as call:
            try:
                answered = await self._http.request_with_retries_async(
                    method, url, headers, body, max_network_retries=NETWORK_RETRIES
                )
            except stripe.APIConnectionError as error:
                raise OutcomeUnknown(type(error).__name__) from error
            answer = answer_from(*answered)
            call.request_id = answer.request_id
            failure = error_of(answer)
            if failure is not None:
                if turns and isinstance(failure, TooManyRequests):
                    turns.slow_down()
                raise failure
            return answer

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def intent_from(data: Mapping[str, Any]) -> Intent:
    return Intent(
        id=data["id"],
        status=IntentStatus(data["status"]),
        amount=data["amount"],
        amount_received=data["amount_received"],
        currency=data["currency"].upper(),
        payment_id=_uuid(data["metadata"].get("payment_id")),
        order_id=_uuid(data["metadata"].get("order_id")),
        client_secret=data["client_secret"],
    )


def refund_from(data: Mapping[str, Any]) -> StripeRefund:
    return StripeRefund(
        id=data["id"],
        status=data["status"],
        amount=data["amount"],
        reason=data["reason"],
        refund_id=_uuid((data["metadata"] or {}).get("refund_id")),
        failure_code=data.get("failure_reason"),
    )


def dispute_from(data: Mapping[str, Any]) -> StripeDispute:
    return StripeDispute(
        id=data["id"],
        status=data["status"],
        amount=data["amount"],
        reason=data["reason"],
        created_at=datetime.fromtimestamp(data["created"], UTC),
    )


def event_seen(data: Mapping[str, Any]) -> StripeEventSeen | None:
    """None for an event that is about no intent."""
    intent_id = intent_of(data["type"], data["data"]["object"])
    if intent_id is None:
        return None
    return StripeEventSeen(
        id=data["id"],
        type=data["type"],
        intent_id=intent_id,
        created_at=datetime.fromtimestamp(data["created"], UTC),
    )


def next_of(data: Mapping[str, Any]) -> str | None:
    return data["data"][-1]["id"] if data["has_more"] else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


_UNIX_TIME = re.compile(r"[0-9]{1,12}")
SIGNATURE_TOLERANCE = 300  # seconds, Stripe's own default


class StripeSignatureCheck:
    """https://docs.stripe.com/webhooks#verify-manually; two secrets are valid while one is being rotated."""

    def __init__(self, secrets: tuple[str, ...], *, now: Callable[[], float] = time.time) -> None:
        self._secrets = secrets
        self._now = now

    @property
    def is_possible(self) -> bool:
        return bool(self._secrets)

    def __call__(self, payload: bytes, header: str) -> None:
        text = decoded(payload)
        self._refuse_future(header)
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(text, header, secret, tolerance=SIGNATURE_TOLERANCE)
            except stripe.SignatureVerificationError:
                continue
            return
        raise UnverifiedEvent("no secret of ours signed this")

    def _refuse_future(self, header: str) -> None:
        """The SDK accepts any time to come."""
        stamps = [item[2:] for item in header.split(",") if item.startswith("t=")]
        latest = self._now() + SIGNATURE_TOLERANCE
        if not all(_UNIX_TIME.fullmatch(stamp) and int(stamp) <= latest for stamp in stamps):
            raise UnverifiedEvent("signed in the future")


def decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise UnverifiedEvent("not UTF-8") from error
