"""One Stripe to call: the sandbox, or test mode."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.http.forms import encode
from services.stripe_api.gateway import API_VERSION

_AT_ONCE = 4  # test mode allows 25 calls a second
_PATIENCE = 30.0  # seconds until what happens by itself must have happened
_PAUSE = 1.0
_TOO_MANY = 429  # of the rate, and of an object that another process has at the moment: both pass
_PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. `body` is {} where it was no JSON object."""

    status: int
    body: dict[str, Any]
    should_retry: str | None

    def __getitem__(self, name: str) -> Any:
        if name not in self.body:
            raise LookupError(
                f"no {name} in an answer with {self.status}: {self.error.get('message', 'no error')}"
            )
        return self.body[name]

    @property
    def error(self) -> dict[str, Any]:
        found = self.body.get("error")
        return found if isinstance(found, dict) else {}


class Api:
    """Calls with a test key. `key` of a call takes another key's place, `idempotency_key` names a replay."""

    def __init__(self, http: aiohttp.ClientSession, base: str, secret_key: str) -> None:
        self.base = base.rstrip("/")
        self.secret_key = secret_key
        self._http = http
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def post(
        self, path: str, *, key: str | None = None, idempotency_key: str | None = None, **params: Any
    ) -> Reply:
        more = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        more["Content-Type"] = "application/x-www-form-urlencoded"
        return await self._call("POST", f"{self.base}/v1/{path}", key, more, encode(params))

    async def get(self, path: str, *, key: str | None = None, **params: Any) -> Reply:
        query = f"?{encode(params)}" if params else ""
        return await self._call("GET", f"{self.base}/v1/{path}{query}", key, {}, None)

    async def _call(
        self, method: str, url: str, key: str | None, more: dict[str, str], body: str | None
    ) -> Reply:
        """The answer; of 429s the last of five."""
        for pause in _PAUSES:
            reply = await self._answer(method, url, key, more, body)
            if reply.status != _TOO_MANY:
                return reply
            await asyncio.sleep(pause)
        return await self._answer(method, url, key, more, body)

    async def _answer(
        self, method: str, url: str, key: str | None, more: dict[str, str], body: str | None
    ) -> Reply:
        headers = {"Authorization": f"Bearer {key or self.secret_key}", "Stripe-Version": API_VERSION, **more}
        async with (
            self._slots,
            self._http.request(method, url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            text = await answer.text()
            try:
                found = json.loads(text)
            except ValueError:
                found = {}
            should_retry = answer.headers.get("Stripe-Should-Retry")
            return Reply(answer.status, found if isinstance(found, dict) else {}, should_retry)

    async def pay(self, intent_id: str, token: str = "pm_card_visa") -> Reply:  # noqa: S107 - a test token of Stripe's
        """The customer's part, done by the secret key."""
        return await self.post(
            f"payment_intents/{intent_id}/confirm", payment_method=token, return_url="https://shop.test/back"
        )

    async def wait_for(self, path: str, enough: int = 1, **params: Any) -> list[dict[str, Any]]:
        """A list that fills by itself, once it has `enough` items or nobody expects them any more."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + _PATIENCE
        while True:
            found: list[dict[str, Any]] = (await self.get(path, limit=100, **params)).body.get("data", [])
            if len(found) >= enough or loop.time() >= ends:
                return found
            await asyncio.sleep(_PAUSE)
