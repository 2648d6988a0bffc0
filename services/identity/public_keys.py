"""The issuer's published keys: a JSON Web Key Set (RFC 7517) read over HTTPS, remembered, and read again.

A token names its key (`kid`), so anyone can make us look for keys that don't exist: however many ask, one
request is under way, and a key that was not found is not looked for again within a minute. When the issuer
doesn't answer, the keys last read serve for a day. A key that it withdraws is forgotten within the hour.
"""

import asyncio
import json
import re
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from runtime.addresses import is_http_url, is_private
from services.identity.tokens import KeysUnavailable, UnsafeTokenRules, VerificationKey, verification_key

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

_LARGEST_BODY = 256 * 1024
_MOST_KEYS = 100
_FRESH_SECONDS = 600  # unless the answer's Cache-Control says otherwise, within these bounds:
_SHORTEST_FRESH, _LONGEST_FRESH = 60, 3600
_STALE_SECONDS = 24 * 3600
_PAUSE = 60  # between two requests
_PAUSE_WITHOUT_KEYS = 5  # after a failure, while no token can be checked
# No compression is asked for. Some proxies compress all the same: that is undone within `_LARGEST_BODY`.
_ASK = {"Accept": "application/json", "Accept-Encoding": "identity"}
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's: 31 is gzip's header, 15 zlib's own
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)


class UnusableKeySet(Exception):
    """The answer is no key set that we take; the text is a slug to log."""


class JwksKeys:
    """The `KeySource` of a `TokenVerifier`. `failure`: why the last reading failed, if it did."""

    def __init__(self, url: str, *, now: Callable[[], float] = time.time, timeout: float = 5.0) -> None:
        check_jwks_url(url)
        self.failure: str | None = None
        self._url = url
        self._now = now
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._keys: tuple[VerificationKey, ...] = ()
        self._fresh_until = self._usable_until = self._next_reading = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> "list[AllowedPublicKeys]":
        now = self._now()
        found = self._fitting(kid, algorithm)
        if found and now < self._fresh_until:
            return found
        reading = self._read_again(now)
        # While the issuer is down, no caller whose key is known waits for it to time out.
        if reading is not None and not (found and self.failure):
            # Shielded: a caller who hangs up must not take the reading from those who wait with him.
            await asyncio.shield(reading)
            found = self._fitting(kid, algorithm)
        if self._now() >= self._usable_until:
            raise KeysUnavailable
        return found

    @property
    def count(self) -> int:
        """How many keys there are to verify with."""
        return len(self._keys)

    @property
    def are_usable(self) -> bool:
        """Whether keys were read within the last day."""
        return self._now() < self._usable_until

    async def refresh(self) -> None:
        """Read them again if they are no longer fresh and it is not too soon; a failure is left in `failure`."""
        now = self._now()
        if now < self._fresh_until:
            return
        reading = self._read_again(now)
        if reading is not None:
            await asyncio.shield(reading)

    def _fitting(self, kid: str | None, algorithm: str) -> "list[AllowedPublicKeys]":
        if self._now() >= self._usable_until:
            return []
        return [
            key.public_key
            for key in self._keys
            if algorithm in key.algorithms and (kid is None or kid == key.kid)
        ]

    def _read_again(self, now: float) -> asyncio.Task[None] | None:
        """The reading under way, or a new one; None while it is too soon for another."""
        if self._reading is None and now >= self._next_reading:
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            keys, fresh_seconds = await self._fetch()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, UnusableKeySet) as error:
            now = self._now()
            self.failure = str(error) if isinstance(error, UnusableKeySet) else type(error).__name__
            self._next_reading = now + (_PAUSE if now < self._usable_until else _PAUSE_WITHOUT_KEYS)
        else:
            now = self._now()
            self.failure = None
            self._keys = keys
            self._fresh_until = now + fresh_seconds
            self._usable_until = now + _STALE_SECONDS
            self._next_reading = now + _PAUSE
        finally:
            self._reading = None

    async def _fetch(self) -> tuple[tuple[VerificationKey, ...], int]:
        async with (
            aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False) as session,
            session.get(self._url, allow_redirects=False, headers=_ASK) as answer,
        ):
            if answer.status != 200:
                raise UnusableKeySet(f"status-{answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > _LARGEST_BODY:
                    raise UnusableKeySet("too-large")
            text = _inflated(bytes(body), answer.headers.get("Content-Encoding", ""))
            return _usable_keys(text), _fresh_seconds(answer.headers.get("Cache-Control", ""))


def _inflated(body: bytes, encoding: str) -> bytes:
    """The body as it was before gzip or deflate; a small body never becomes a large one."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOW_BITS:
        raise UnusableKeySet("unknown-encoding")
    inflater = zlib.decompressobj(_WINDOW_BITS[name])
    try:
        text = inflater.decompress(body, _LARGEST_BODY + 1)
    except zlib.error:
        raise UnusableKeySet("not-compressed-as-stated") from None
    if len(text) > _LARGEST_BODY:
        raise UnusableKeySet("too-large")
    if not inflater.eof:
        raise UnusableKeySet("cut-off")
    return text


def check_jwks_url(url: str) -> None:
    """Keys read over plain HTTP are anyone's on the way, so it is for this machine alone."""
    if not is_http_url(url) or urlsplit(url).fragment:
        raise UnsafeTokenRules("JWT_JWKS_URL must be a URL such as https://issuer.test/.well-known/jwks.json")
    if not is_private(url):
        raise UnsafeTokenRules("JWT_JWKS_URL must begin with https://")


def _usable_keys(body: bytes) -> tuple[VerificationKey, ...]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise UnusableKeySet("not-json") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise UnusableKeySet("not-a-key-set")
    if len(entries) > _MOST_KEYS:
        raise UnusableKeySet("too-many-keys")
    return tuple(key for key in map(verification_key, entries) if key is not None)


def _fresh_seconds(cache_control: str) -> int:
    if "no-store" in cache_control.lower() or "no-cache" in cache_control.lower():
        return _SHORTEST_FRESH
    stated = _MAX_AGE.search(cache_control)
    if stated is None:
        return _FRESH_SECONDS
    return min(max(int(stated[1]), _SHORTEST_FRESH), _LONGEST_FRESH)
