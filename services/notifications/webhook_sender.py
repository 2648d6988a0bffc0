"""One call to a webhook endpoint: bounded in time and bytes, over TLS that is verified, and never led elsewhere."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from models.webhooks.tables import LONGEST_ERROR
from services.notifications.webhook_addresses import AddressRules, CheckedResolver, ForbiddenAddress, read_url

TIMEOUT = 15.0  # seconds for one try, the lookup of the name included
CONNECT_TIMEOUT = 5.0
DRAIN_TIMEOUT = 2.0
# Bytes that are read, so that the connection can be used again; none of them are kept.
LARGEST_ANSWER = 16 * 1024
FRESH_NAMES = 10  # seconds for which a name's addresses are remembered
SUCCESSES = range(200, 300)
REDIRECTS = range(300, 400)
GONE = 410
AGENT = "Paygraph-Webhooks"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said, or in words why it said nothing."""

    http_status: int | None
    error: str | None

    @property
    def is_taken(self) -> bool:
        return self.error is None

    @property
    def is_gone(self) -> bool:
        return self.http_status == GONE


class WebhookSender:
    """A client of its own: no cookies, no proxies of the environment, no redirects, only checked addresses.

    `tls` is what certificates are verified by: the system's, unless a test has its own.
    """

    def __init__(
        self, rules: AddressRules, *, tls: ssl.SSLContext | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._rules = rules
        self._resolver = CheckedResolver(rules)
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=CONNECT_TIMEOUT)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Never raises for what an endpoint does."""
        try:
            target = read_url(url, self._rules)
            async with self._opened().post(
                target, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as answer:
                await _drain(answer)
                return Answer(answer.status, _refusal(answer.status))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(None, in_words(error, self._timeout.total or 0)[:LONGEST_ERROR])

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._resolver.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver,
                ssl=self._tls or True,
                limit=0,  # each endpoint's own bound is enough
                ttl_dns_cache=FRESH_NAMES,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": AGENT, "accept-encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end. A long or slow one costs its connection, and not what was said already."""
    read = 0
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(DRAIN_TIMEOUT):
            while read <= LARGEST_ANSWER and (part := await answer.content.read(LARGEST_ANSWER)):
                read += len(part)


def _refusal(status: int) -> str | None:
    if status in SUCCESSES:
        return None
    if status in REDIRECTS:
        return f"it answered {status}, and redirects are not followed: set the address that it leads to"
    return f"it answered {status}"


def in_words(error: Exception, seconds: float) -> str:
    """Why there was no answer, for the shop's people."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ForbiddenAddress):
        return str(cause)
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} seconds"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name of the host was not found"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            f"the certificate is not valid: {getattr(error.certificate_error, 'verify_message', 'unknown')}"
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    return f"no readable answer ({type(error).__name__})"
