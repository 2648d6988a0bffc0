"""Stripe: whose account the key is of, what it may do, and where events are sent. No call changes anything.

What a key may write is found by asking to change an object that does not exist: a key without the permission is
answered 403, any other one "No such object".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from runtime.addresses import is_private
from services.operations.doctor.findings import Finding, ok, warning, wrong
from services.operations.health import MOST_CLOCK_SKEW
from services.payments.intents import GatewayError
from services.stripe_api.calls import date_of

NOBODY = "pi_doctor0000000000000000"  # no intent has this id
PERMISSIONS: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = (
    ("PaymentIntents, read", "get", "/v1/payment_intents", {"limit": 1}),
    ("PaymentIntents, write", "post", f"/v1/payment_intents/{NOBODY}/cancel", {}),
    ("Refunds, read", "get", "/v1/refunds", {"limit": 1}),
    ("Refunds, write", "post", "/v1/refunds", {"payment_intent": NOBODY, "amount": 1}),
    ("Charges, read", "get", "/v1/charges", {"limit": 1}),
    ("Disputes, read", "get", "/v1/disputes", {"limit": 1}),
    ("Events, read", "get", "/v1/events", {"limit": 1}),
    ("Balance, read", "get", "/v1/balance", {}),
)
PATH = "/webhooks/stripe"
# Characters: https://docs.stripe.com/get-started/account/statement-descriptors
LONGEST_PREFIX, LONGEST_STATEMENT = 10, 22
# One event of each kind that the server acts upon.
NEEDED_EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
)


class Answered(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def data(self) -> dict[str, Any]: ...


class Probed(Protocol):
    async def probe(self, method: str, path: str, **parameters: Any) -> Answered:
        """Stripe's answer, of any status; a `GatewayError` when there was none."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where Stripe sends events: an endpoint of v1, which gets snapshots, or a destination of v2."""

    id: str
    url: str
    enabled: bool
    events: tuple[str, ...]
    style: str
    api_version: str | None

    def wants(self, event: str) -> bool:
        """Thin events are called as snapshot ones are, with `v1.` before it."""
        return any(fnmatchcase(name, pattern) for name in (event, f"v1.{event}") for pattern in self.events)


async def examine_stripe(
    stripe: Probed, *, is_live: bool, api_version: str, statement_suffix: str | None = None
) -> list[Finding]:
    try:
        return [finding async for finding in _examined(stripe, is_live, api_version, statement_suffix)]
    except GatewayError as error:
        advice = "check the network, a proxy, and https://status.stripe.com"
        return [wrong("stripe", f"it can't be reached: {error}", advice)]


async def _examined(stripe: Probed, is_live: bool, api_version: str, statement_suffix: str | None) -> Any:
    account = await stripe.probe("get", "/v1/account")
    if account.status == 401:
        yield wrong("stripe key", words_of(account), "set the right STRIPE_SECRET_KEY")
        return
    yield _account(account, is_live)
    if statement_suffix:
        yield statement_finding(account.data, statement_suffix)
    yield clock_finding(account.headers, datetime.now(UTC))
    for name, method, path, parameters in PERMISSIONS:
        yield _permission(name, await stripe.probe(method, path, **parameters))
    endpoints = await stripe.probe("get", "/v1/webhook_endpoints", limit=100)
    destinations = await stripe.probe("get", "/v2/core/event_destinations", limit=100)
    for finding in webhook_findings(endpoints, destinations, api_version):
        yield finding


def _account(answer: Answered, is_live: bool) -> Finding:
    mode = "live mode" if is_live else "test mode"
    if answer.status != 200:  # a restricted key may do without this permission
        return ok("stripe account", f"{mode}; the key may not read which account it is")
    told = f"{answer.data.get('id')}, {mode}"
    if answer.data.get("charges_enabled") is False:
        return wrong(
            "stripe account", f"{told}, which may not charge yet", "activate it in Stripe's dashboard"
        )
    return ok("stripe account", told)


def statement_finding(account: Mapping[str, Any], suffix: str) -> Finding:
    """Whether the suffix fits behind the prefix: the account's shortened descriptor, or its descriptor's start."""
    told = account.get("settings")
    parts: Mapping[str, Any] = told if isinstance(told, dict) else {}
    cards, payments = parts.get("card_payments") or {}, parts.get("payments") or {}
    whole_one = str(payments.get("statement_descriptor") or "")
    prefix = cards.get("statement_descriptor_prefix") or whole_one[:LONGEST_PREFIX]
    if not prefix:
        return ok("card statements", "the key may not read the account's prefix")
    whole = f"{prefix}* {suffix}"
    if len(whole) > LONGEST_STATEMENT:
        advice = "shorten STRIPE_STATEMENT_SUFFIX, or the shortened descriptor in Stripe's dashboard"
        return warning("card statements", f"`{whole}` has more than {LONGEST_STATEMENT} characters", advice)
    return ok("card statements", f"`{whole}`")


def clock_finding(headers: Mapping[str, str], ours: datetime) -> Finding:
    theirs = date_of(headers)
    if theirs is None:
        return warning("clock", "Stripe's answer has no date", "compare it with another clock")
    skew = (ours - theirs).total_seconds()
    if abs(skew) > MOST_CLOCK_SKEW:
        where = "ahead of" if skew > 0 else "behind"
        return wrong("clock", f"{abs(skew):.0f} seconds {where} Stripe's", "synchronize it by NTP")
    return ok("clock", f"within {MOST_CLOCK_SKEW:.0f} seconds of Stripe's")


def _permission(name: str, answer: Answered) -> Finding:
    """Any answer but these means that the key was let through to the object, which is or isn't there."""
    about = f"stripe key, {name}"
    if answer.status in (401, 403):
        return wrong(about, words_of(answer), f"give the restricted key {name}, in Developers → API keys")
    if answer.status == 429 or answer.status >= 500:
        return warning(about, f"Stripe answered {answer.status}", "run the doctor again")
    return ok(about, "allowed")


def webhook_findings(endpoints: Answered, destinations: Answered, api_version: str) -> Iterator[Finding]:
    if endpoints.status in (401, 403):
        yield warning(
            "webhooks",
            "the key may not read webhook endpoints",
            f"look in the dashboard for one that ends with {PATH}",
        )
        return
    found = [*map(endpoint_from, endpoints.data.get("data") or ())]
    if destinations.status == 200:
        found += [*map(destination_from, destinations.data.get("data") or ())]
    ours = {each.url: each for each in found if each.url.endswith(PATH)}
    if not ours:
        yield wrong(
            "webhooks", f"no endpoint leads to …{PATH}", "add one, or orders become PAID a minute late"
        )
    for destination in ours.values():
        yield from _destination_findings(destination, api_version)


def _destination_findings(destination: Destination, api_version: str) -> Iterator[Finding]:
    about = f"webhook {destination.url}"
    missing = [event for event in NEEDED_EVENTS if not destination.wants(event)]
    if not is_private(destination.url):
        yield wrong(about, "it is not https", "events would be readable on the way; use https")
    if not destination.enabled:
        yield wrong(about, "it is disabled", "enable it in Stripe's dashboard")
    if missing:
        yield wrong(
            about,
            f"it is not sent {', '.join(missing)}",
            "add payment_intent.*, refund.*, charge.refunded, charge.dispute.*",
        )
    if destination.api_version not in (None, api_version):
        told = f"its API version is {destination.api_version}, the code speaks {api_version}"
        yield warning(about, told, "it works; replace the endpoint when you can")
    if destination.enabled and not missing:
        yield ok(about, f"{destination.style} events, enabled")


def endpoint_from(data: Mapping[str, Any]) -> Destination:
    """https://docs.stripe.com/api/webhook_endpoints/object"""
    return Destination(
        id=str(data.get("id")),
        url=str(data.get("url")),
        enabled=data.get("status") == "enabled",
        events=tuple(data.get("enabled_events") or ()),
        style="snapshot",
        api_version=data.get("api_version"),
    )


def destination_from(data: Mapping[str, Any]) -> Destination:
    """https://docs.stripe.com/api/v2/core/event_destinations/object"""
    endpoint = data.get("webhook_endpoint")
    return Destination(
        id=str(data.get("id")),
        url=str(endpoint.get("url") if isinstance(endpoint, Mapping) else ""),
        enabled=data.get("status") == "enabled",
        events=tuple(data.get("enabled_events") or ()),
        style=str(data.get("event_payload")),
        api_version=data.get("snapshot_api_version"),
    )


def words_of(answer: Answered) -> str:
    error = answer.data.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or f"Stripe answered {answer.status}")[:300]
