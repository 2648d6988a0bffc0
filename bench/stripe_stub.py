"""A Stripe that is nothing but fast, for load: it makes, reads and cancels intents and honours idempotency keys.

`python -m bench.stripe_stub PORT [LATENCY_SECONDS [CALLS_PER_SECOND]]`; beyond the last, at each
endpoint, it answers 429. `GET /stub` tells what it counted, `GET /stub/paid/pi_…` pays an intent,
`GET /stub/limit/25` sets the limit (0: none), `GET /stub/slow/0.2` the latency.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import httptools
import uvloop

INTENT = re.compile(r"pi_[A-Za-z0-9]+")
NOTHING = b'{"object": "list", "data": [], "has_more": false}'
BUSY = b'{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}'
# The rest of an intent, of the length that Stripe's have.
REST: dict[str, Any] = {
    "object": "payment_intent", "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0,
    "application": None, "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
    "canceled_at": None, "cancellation_reason": None, "capture_method": "automatic_async", "customer": None,
    "confirmation_method": "automatic", "created": 1_760_000_000, "description": None, "livemode": False,
    "last_payment_error": None, "latest_charge": None, "next_action": None, "on_behalf_of": None,
    "payment_method": None, "payment_method_types": ["card"], "processing": None, "receipt_email": None,
    "payment_method_options": {"card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}},
    "review": None, "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None,
    "status": "requires_payment_method", "transfer_data": None, "transfer_group": None,
}  # fmt: skip


class Intents:
    def __init__(self, latency: float, per_second: float | None) -> None:
        self.latency = latency
        self.by_key: dict[bytes, bytes] = {}
        self.by_id: dict[str, bytes] = {}
        self.refused = 0
        self.calls: Counter[str] = Counter()
        self._per_second = per_second
        self._buckets: dict[str, tuple[float, float]] = {}  # of each endpoint: what is left, and since when

    def _allowed(self, endpoint: str) -> bool:
        self.calls[endpoint] += 1
        if self._per_second is None:
            return True
        now = time.monotonic()
        left, since = self._buckets.get(endpoint, (self._per_second, now))
        left = min(self._per_second, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[endpoint] = (left - allowed, now)
        self.refused += not allowed
        return allowed

    def answer(self, method: bytes, path: str, key: bytes, body: bytes) -> tuple[int, bytes]:
        if path.startswith("/stub"):
            return 200, self._told_to(*path.split("/")[2:])
        if not self._allowed(f"{method.decode()} {INTENT.sub(':id', path.partition('?')[0])}"):
            return 429, BUSY
        if method == b"POST" and path.endswith("/cancel"):
            return 200, self._changed(path.split("/")[-2], status="canceled")
        if method == b"POST":
            if key not in self.by_key:
                self.by_key[key] = self._made(body)
            return 200, self.by_key[key]
        name = path.partition("?")[0].rpartition("/")[2]
        if not name.startswith("pi_"):
            return 200, NOTHING
        return 200, self.by_id.get(name) or self._told(name, "100", "usd", {})

    def _told_to(self, do: str = "", what: str = "") -> bytes:
        """What the benchmark orders; without anything, what was counted."""
        if do == "limit":
            self._per_second = float(what) or None
        elif do == "slow":
            self.latency = float(what)
        elif do == "paid":
            return self._paid(what)
        made = {"made": len(self.by_id), "refused": self.refused, "calls": self.calls}
        return json.dumps(made).encode()

    def _paid(self, name: str) -> bytes:
        amount = json.loads(self.by_id[name])["amount"]
        return self._changed(name, status="succeeded", amount_received=amount)

    def _changed(self, name: str, **changes: object) -> bytes:
        self.by_id[name] = json.dumps({**json.loads(self.by_id[name]), **changes}).encode()
        return self.by_id[name]

    def _made(self, body: bytes) -> bytes:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        name = f"pi_{len(self.by_id):024d}"
        metadata = {each[9:-1]: value for each, value in form.items() if each.startswith("metadata[")}
        return self._told(name, form["amount"], form["currency"], metadata)

    def _told(self, name: str, amount: str, currency: str, metadata: dict[str, Any]) -> bytes:
        own = {"id": name, "amount": int(amount), "currency": currency, "metadata": metadata}
        intent = {**REST, **own, "client_secret": f"{name}_secret_000000000000000000000000"}
        self.by_id[name] = json.dumps(intent).encode()
        return self.by_id[name]


class Connection(asyncio.Protocol):
    def __init__(self, intents: Intents) -> None:
        self._intents = intents
        self._begin()
        self._parser = httptools.HttpRequestParser(self)

    def _begin(self) -> None:
        self._path, self._key, self._body = "", b"", b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"idempotency-key":
            self._key = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, body = self._intents.answer(self._parser.get_method(), self._path, self._key, self._body)
        head = (
            f"HTTP/1.1 {status} x\r\nrequest-id: req_1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}"
        )
        self._begin()
        if self._intents.latency:
            asyncio.get_running_loop().call_later(self._intents.latency, self._send, head.encode(), body)
        else:
            self._send(head.encode(), body)

    def _send(self, head: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(head + b"\r\n\r\n" + body)


async def serve(port: int, latency: float, per_second: float | None) -> None:
    intents = Intents(latency, per_second)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(intents), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[2:]]
    uvloop.run(
        serve(int(sys.argv[1]), numbers[0] if numbers else 0.0, numbers[1] if len(numbers) > 1 else None)
    )
