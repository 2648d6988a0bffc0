"""Which event goes to the endpoint, when, and signed how; the sending itself is in `postman.py`.

https://docs.stripe.com/webhooks: at least once, in no promised order, sometimes before the call's own answer.
"""

import hashlib
import hmac
import json
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from sandbox.account import Account
from sandbox.answers import Object
from sandbox.journal import Journal

WebhookKind = Literal["duplicate", "reordered", "delayed", "dropped", "early", "corrupted"]


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """What is posted: the exact bytes and the `Stripe-Signature` header over them."""

    body: bytes
    signature: str


@dataclass(slots=True, kw_only=True)
class WebhookFault:
    """What goes wrong with events whose type matches the pattern, from the `nth` on, `times` times (None: for ever).

    duplicate: sent `copies` times at once. reordered: held until the next event was sent, at most `seconds`.
    delayed: sent `seconds` later. dropped: never sent. early: sent before the API call that made it is answered.
    corrupted: the first attempt carries a wrong signature.
    """

    kind: WebhookKind
    type: str = "*"
    nth: int = 1
    times: int | None = 1
    seconds: float = 1.0
    copies: int = 2
    probability: float | None = None
    seen: int = field(default=0, init=False)
    applied: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(WebhookKind):
            raise ValueError(
                f"unknown webhook fault {self.kind!r}; one of {', '.join(get_args(WebhookKind))}"
            )

    def strikes(self, event_type: str, chance: random.Random) -> bool:
        if not fnmatchcase(event_type, self.type):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.applied >= self.times):
            return False
        if self.probability is not None and chance.random() >= self.probability:
            return False
        self.applied += 1
        return True


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One event on its way to the endpoint, with the fault it meets there."""

    event_id: str
    fault: WebhookFault | None = None

    def suffers(self, kind: WebhookKind) -> bool:
        return self.fault is not None and self.fault.kind == kind


class Webhooks:
    """The endpoint, its secret, and the events that wait for it. `on_waiting` is called when there is one more."""

    def __init__(
        self, account: Account, journal: Journal, *, url: str | None, secret: str, seed: int
    ) -> None:
        self._account = account
        self._journal = journal
        self._seed = seed
        self.secret = secret
        self.faults: list[WebhookFault] = []
        self.outbox: deque[Dispatch] = deque()
        self.early: list[Dispatch] = []
        self.on_waiting: Callable[[], None] | None = None
        self.clear_faults()
        self.set_url(url)

    def set_url(self, url: str | None) -> None:
        """Where events go from now on; None: nowhere, and new events await no delivery."""
        self.url = url
        self._account.listened_to = url is not None

    def clear_faults(self) -> None:
        self.faults.clear()
        self.sow(self._seed)

    def sow(self, seed: int) -> None:
        """Begin the chances anew, from another seed."""
        self._seed = seed
        self._chance = random.Random(self._seed)  # nosec B311  # noqa: S311 - it must be repeatable, not unguessable

    def take_event(self, event: Object) -> None:
        """A new event: put it on its way, with the fault ordered for it."""
        if self.url is None:
            return
        struck = [fault for fault in self.faults if fault.strikes(event["type"], self._chance)]
        dispatch = Dispatch(event["id"], struck[0] if struck else None)
        if dispatch.suffers("early") and event["request"]["id"] is not None:
            self.early.append(dispatch)
        else:
            self.send(dispatch)

    def send(self, dispatch: Dispatch) -> None:
        self.outbox.append(dispatch)
        if self.on_waiting is not None:
            self.on_waiting()

    def redeliver(self, event_id: str) -> None:
        """Send an event again, as the button in Stripe's dashboard does."""
        self._account.events.require(event_id)
        self.send(Dispatch(event_id))

    def resume(self) -> None:
        """After a restart: whatever was still awaited is sent again."""
        for event in self._account.events:
            if event["pending_webhooks"]:
                self.send(Dispatch(event["id"]))

    def take_early(self) -> list[Dispatch]:
        early, self.early = self.early, []
        return early

    def signed(self, event_id: str, *, corrupted: bool = False) -> SignedWebhook:
        """The body and header for this moment, as `stripe.WebhookSignature` checks them."""
        event = self._account.events.require(event_id)
        body = json.dumps(event, indent=2).encode()
        return SignedWebhook(
            body, sign(body, self.secret + ("x" if corrupted else ""), int(self._account.clock.time()))
        )

    def note(self, dispatch: Dispatch, attempt: int, status: int | None, error: str | None) -> bool:
        """Write an attempt down; a 2xx means that the event is delivered. Returns whether it is."""
        delivered = status is not None and 200 <= status < 300
        event = self._account.events.require(dispatch.event_id)
        self._journal.add(
            {
                "kind": "delivery",
                "at": self._account.clock.time(),
                "event": event["id"],
                "type": event["type"],
                "attempt": attempt,
                "status": status,
                "error": error,
                "fault": dispatch.fault and dispatch.fault.kind,
            }
        )
        if delivered and event["pending_webhooks"]:
            self._account.save(self._account.events, event | {"pending_webhooks": 0})
        return delivered

    def clear(self) -> None:
        self.outbox.clear()
        self.early.clear()
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
