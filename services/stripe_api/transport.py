"""How bytes get to Stripe: the SDK's retries (its public `HTTPClient`), over an aiohttp session of ours.

The SDK's own aiohttp client lets errors escape while an answer is read, untyped and not retried, follows redirects
with the key in its hands, and reads an answer of any size.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import aiohttp
import stripe

# Two tries of 3.5 s with the SDK's half-second pause between them: no call takes longer than 8 s.
TRY_TIMEOUT = aiohttp.ClientTimeout(total=3.5, sock_connect=2.0)
MOST_CALLS = 500  # at once; aiohttp's own 100 would make callers queue while Stripe is slow
MOST_BYTES = 8 * 1024 * 1024  # of an answer: a page of a hundred events is a tenth of that


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a call."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


class Transport(stripe.HTTPClient):
    """Answers of any status; an `APIConnectionError` when there was none, once the SDK has tried again."""

    name = "aiohttp"

    def __init__(self) -> None:
        super().__init__()
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made at the first call, since it needs the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=MOST_CALLS, ssl=_certificates())
            self._session = aiohttp.ClientSession(connector=connector, timeout=TRY_TIMEOUT)
        return self._session

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            async with self._opened().request(
                method,
                url,
                headers=headers,
                data=post_data,
                allow_redirects=False,  # a redirect would carry the key to wherever it points
            ) as response:
                return await bounded(response), response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(error) from error

    async def sleep_async(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def close_async(self) -> None:
        if self._session is not None:
            await self._session.close()


def lost(error: Exception) -> stripe.APIConnectionError:
    """What the SDK tries again."""
    return stripe.APIConnectionError(type(error).__name__, should_retry=True)  # type: ignore[no-untyped-call]


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body; one that is too large ends the call as a lost connection does."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MOST_BYTES:
            response.close()
            raise aiohttp.ClientPayloadError(f"an answer of more than {MOST_BYTES} bytes")
    return bytes(body)
