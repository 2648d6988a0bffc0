"""Which event goes to the endpoint, when, and signed how; the sending itself is in `postman.py`.

https://docs.stripe.com/webhooks: at least once, in no promised order, sometimes before the call's own answer.
"""

import hashlib
import hmac
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from sandbox.account.account import Account
from sandbox.account.journal import Journal
from sandbox.faults.counting import Counted
from sandbox.http.answers import Object
from sandbox.http.versions import Style
from sandbox.webhooks.endpoints import WebhookEndpoint, check_style
from sandbox.webhooks.thin import PING, ping, thin_event

WebhookKind = Literal["duplicate", "reordered", "delayed", "dropped", "early", "corrupted"]


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """What is posted: the exact bytes and the `Stripe-Signature` header over them."""

    body: bytes
    signature: str


@dataclass(slots=True, kw_only=True)
class WebhookFault(Counted):
    """What goes wrong with events whose type matches the pattern, from the `nth` on, `times` times (None: for ever).

    duplicate: sent `copies` times at once. reordered: held until the next event was sent, at most `seconds`.
    delayed: sent `seconds` later. dropped: never sent. early: sent before the API call that made it is answered.
    corrupted: the first attempt carries a wrong signature.
    """

    kind: WebhookKind
    type: str = "*"
    seconds: float = 1.0
    copies: int = 2

    def __post_init__(self) -> None:
        if self.kind not in get_args(WebhookKind):
            raise ValueError(
                f"unknown webhook fault {self.kind!r}; one of {', '.join(get_args(WebhookKind))}"
            )

    def strikes(self, event_type: str, chance: random.Random) -> bool:
        return fnmatchcase(event_type, self.type) and self.hits(chance)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One event on its way to one endpoint, with the fault it meets there."""

    event_id: str
    endpoint: WebhookEndpoint
    fault: WebhookFault | None = None
    body: bytes | None = None  # of what is no event of the account: a ping

    def suffers(self, kind: WebhookKind) -> bool:
        return self.fault is not None and self.fault.kind == kind


class Webhooks:
    """The endpoints, and the events that wait for them. `on_waiting` is called when there is one more.

    `url`, `secret` and `style` are those of the first endpoint, which the configuration names. `shown` is what
    an event looks like from outside.
    """

    def __init__(
        self,
        account: Account,
        journal: Journal,
        *,
        url: str | None,
        secret: str,
        style: Style,
        seed: int,
        shown: Callable[[Object], Object] = lambda event: event,
    ) -> None:
        self._account = account
        self._journal = journal
        self._seed = seed
        self._shown = shown
        self._awaited: dict[str, set[str]] = {}  # by event: the endpoints that have not taken it
        self.first: WebhookEndpoint | None = None
        self.secret = secret
        self.style = style
        self.faults: list[WebhookFault] = []
        self.outbox: deque[Dispatch] = deque()
        self.early: list[Dispatch] = []
        self.on_waiting: Callable[[], None] | None = None
        self.clear_faults()
        self.set_url(url)

    @property
    def url(self) -> str | None:
        return None if self.first is None else self.first.url

    def set_url(self, url: str | None) -> None:
        """Where events go from now on; None: nowhere, and new events await no delivery."""
        if url is not None and self.first is not None:
            self.first.url = url
            return
        others = [endpoint for endpoint in self._account.endpoints if endpoint is not self.first]
        self.first = None if url is None else self._made(url)
        self._account.endpoints[:] = others if self.first is None else [self.first, *others]

    def _made(self, url: str) -> WebhookEndpoint:
        now = self._account.clock.now()
        return WebhookEndpoint(url=url, secret=self.secret, style=self.style, created=now)

    def has(self, endpoint: WebhookEndpoint) -> bool:
        """Whether events may still be sent there."""
        return endpoint.enabled and any(endpoint is each for each in self._account.endpoints)

    def set_secret(self, secret: str) -> None:
        """Sign for the first endpoint with another secret from now on."""
        self.secret = secret
        if self.first is not None:
            self.first.secret = secret

    def set_style(self, style: Style) -> None:
        """Send snapshot or thin events to the first endpoint from now on."""
        check_style(style)
        self.style = style
        if self.first is not None:
            self.first.style = style

    def add(
        self, url: str, *, secret: str, style: Style = "snapshot", types: Sequence[str] = ("*",)
    ) -> WebhookEndpoint:
        """One more endpoint, as a second shop on the same account has."""
        now = self._account.clock.now()
        endpoint = WebhookEndpoint(
            url=url, secret=secret, style=style, enabled_events=list(types), created=now
        )
        self._account.endpoints.append(endpoint)
        return endpoint

    def clear_faults(self) -> None:
        self.faults.clear()
        self.sow(self._seed)

    def sow(self, seed: int) -> None:
        """Begin the chances anew, from another seed."""
        self._seed = seed
        self._chance = random.Random(self._seed)  # nosec B311  # noqa: S311 - it must be repeatable, not unguessable

    def take_event(self, event: Object) -> None:
        """A new event: put it on its way to each endpoint that wants it, with the fault ordered for it."""
        wanting = [endpoint for endpoint in self._account.endpoints if endpoint.wants(event["type"])]
        if not wanting:
            return
        struck = [fault for fault in self.faults if fault.strikes(event["type"], self._chance)]
        self._awaited[event["id"]] = {endpoint.id for endpoint in wanting}
        for endpoint in wanting:
            dispatch = Dispatch(event["id"], endpoint, struck[0] if struck else None)
            if dispatch.suffers("early") and event["request"]["id"] is not None:
                self.early.append(dispatch)
            else:
                self.send(dispatch)

    def send(self, dispatch: Dispatch) -> None:
        self.outbox.append(dispatch)
        if self.on_waiting is not None:
            self.on_waiting()

    def redeliver(self, event_id: str) -> None:
        """Send an event again to every endpoint, as the button in Stripe's dashboard does, in any order one likes."""
        event = self._account.events.require(event_id)
        for endpoint in self._account.endpoints:
            if endpoint.wants(event["type"]):
                self.send(Dispatch(event_id, endpoint))

    def ping(self, endpoint: WebhookEndpoint | None = None) -> Object:
        """Send the ping of event destinations to an endpoint, the first one if none is named."""
        to = endpoint or self.first
        if to is None:
            raise ValueError("there is no webhook endpoint")
        event = ping(to.id, self._account.clock.now())
        self.send(Dispatch(event["id"], to, None, json.dumps(event).encode()))
        return event

    def resume(self) -> None:
        """After a restart: whatever was still awaited is sent again."""
        for event in self._account.events:
            if event["pending_webhooks"]:
                self._awaited[event["id"]] = {endpoint.id for endpoint in self._account.endpoints}
                self.redeliver(event["id"])

    def take_early(self) -> list[Dispatch]:
        early, self.early = self.early, []
        return early

    def signed(
        self, event_id: str, *, corrupted: bool = False, endpoint: WebhookEndpoint | None = None
    ) -> SignedWebhook:
        """The body and header for this moment, as `stripe.WebhookSignature` checks them."""
        event = self._shown(self._account.events.require(event_id))
        to = endpoint or self.first
        thin = to is not None and to.style == "thin"
        body = json.dumps(thin_event(event) if thin else event, indent=2).encode()
        return self._signed(body, self.secret if to is None else to.secret, corrupted)

    def prepared(self, dispatch: Dispatch, *, corrupted: bool = False) -> SignedWebhook:
        """What is posted for this dispatch at this moment."""
        if dispatch.body is not None:
            return self._signed(dispatch.body, dispatch.endpoint.secret, corrupted)
        return self.signed(dispatch.event_id, corrupted=corrupted, endpoint=dispatch.endpoint)

    def _signed(self, body: bytes, secret: str, corrupted: bool) -> SignedWebhook:
        return SignedWebhook(
            body, sign(body, secret + ("x" if corrupted else ""), int(self._account.clock.time()))
        )

    def note(self, dispatch: Dispatch, attempt: int, status: int | None, error: str | None) -> bool:
        """Write an attempt down; a 2xx means that the event is delivered. Returns whether it is."""
        delivered = status is not None and 200 <= status < 300
        event = None if dispatch.body is not None else self._account.events.require(dispatch.event_id)
        self._journal.add(
            {
                "kind": "delivery",
                "at": self._account.clock.time(),
                "event": dispatch.event_id,
                "type": PING if event is None else event["type"],
                "endpoint": dispatch.endpoint.id,
                "attempt": attempt,
                "status": status,
                "error": error,
                "fault": dispatch.fault and dispatch.fault.kind,
            }
        )
        if delivered and event is not None:
            self._taken(event, dispatch.endpoint)
        return delivered

    def _taken(self, event: Object, endpoint: WebhookEndpoint) -> None:
        awaited = self._awaited.get(event["id"], set())
        awaited.discard(endpoint.id)
        if len(awaited) < event["pending_webhooks"]:
            self._account.save(self._account.events, event | {"pending_webhooks": len(awaited)})
        if not awaited:
            self._awaited.pop(event["id"], None)

    def clear(self) -> None:
        """Forget what is on its way, faults, and every endpoint but the first."""
        self.outbox.clear()
        self.early.clear()
        self._awaited.clear()
        self._account.endpoints[:] = [] if self.first is None else [self.first]
        self.clear_faults()


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 of `t.body`, https://docs.stripe.com/webhooks#verify-manually."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def webhook_fault_from(values: dict[str, Any]) -> WebhookFault:
    """From JSON. ValueError names what is wrong."""
    known = {"kind", "type", "nth", "times", "seconds", "copies", "probability"}
    unknown = sorted(set(values) - known)
    if unknown or "kind" not in values:
        raise ValueError(f"a webhook fault has {', '.join(sorted(known))}, and needs a kind")
    return WebhookFault(**values)
