"""Service keys: made, listed, revoked, and recognized when a request brings one.

Each process keeps the live keys in memory and reads them again every three seconds while keys are used. So a revoked
key ends within seconds on every server, a request costs no statement, and a storm of made-up keys costs none either.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog

from models.keys.statements import (
    ADD_KEY,
    COUNT_LIVE_KEYS,
    FORGET_OLD_KEYS,
    LIVE_KEYS,
    NOTE_USE,
    REVOKE_KEY,
    SERVICE_KEY,
    SERVICE_KEYS,
    KeyRow,
    LiveKey,
)
from models.keys.tables import LONGEST_NAME
from runtime.database.database import Database, build_database
from services.identity.opaque_tokens import SERVICE_KEY as PREFIX
from services.identity.opaque_tokens import hash_of, is_well_formed, new_token
from services.identity.principal import OPERATOR, Principal, Scope, service_key_principal
from services.identity.refusals import InvalidServiceKey
from services.identity.token_claims import InvalidToken, is_name

FRESH_SECONDS = 3.0
PAUSE_BETWEEN_READINGS = 0.5  # for keys that are not known yet, such as one made on another server just now
LAST_USE_PAUSE = timedelta(minutes=10)
MOST_LIVE_KEYS = 200
KEPT_AFTER_END = timedelta(days=365)
AT_THE_COMMAND_LINE = Principal(f"{OPERATOR}command-line")  # with the database's address

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it may be shown: without the key."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ServiceKeys:
    """`now` is monotonic seconds, `clock` seconds since 1970."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._now = now
        self._clock = clock
        self._live: Mapping[bytes, Principal] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._used: set[UUID] = set()

    async def create(
        self, by: Principal, name: str, scopes: Sequence[Scope], expires_at: datetime | None = None
    ) -> tuple[KeyView, str]:
        """A new key and its secret, which is nowhere kept; raises `InvalidServiceKey`.

        A key that makes another gives it no scope and no day that it has not itself.
        """
        check_wish(name, scopes, expires_at, self._clock())
        check_not_more_than(by, scopes, expires_at)
        count = await self._database.row(COUNT_LIVE_KEYS)
        if count is not None and count.live >= MOST_LIVE_KEYS:
            raise InvalidServiceKey(f"there are {MOST_LIVE_KEYS} live keys already; revoke some")
        await self._database.rows(FORGET_OLD_KEYS, {"age": KEPT_AFTER_END})
        secret = new_token(PREFIX)
        row = await self._database.row(
            ADD_KEY,
            {
                "id": uuid4(),
                "name": name,
                "scopes": [scope.value for scope in Scope if scope in scopes],
                "key_hash": hash_of(secret),
                "created_by": by.id,
                "expires_at": expires_at,
            },
        )
        assert row is not None  # nosec B101  # noqa: S101 - an INSERT that returns
        self._read_at = float("-inf")
        log.info("service key created", key=str(row.id), by=by.id)
        return view_from(row), secret

    async def revoke(self, by: Principal, key_id: UUID) -> KeyView:
        """End a key, on every server within seconds; a second time changes nothing.

        A key ends itself, and those that may not do more than it may; else `InvalidServiceKey`.
        """
        row = await self._database.row(SERVICE_KEY, {"key_id": key_id})
        if row is None:
            raise InvalidServiceKey("there is no such key")
        if by.key_id not in (None, key_id) and not by.scopes.issuperset(view_from(row).scopes):
            raise InvalidServiceKey("a key can't revoke one that has a scope that it has not itself")
        await self._database.rows(REVOKE_KEY, {"key_id": key_id})
        self._read_at = float("-inf")
        log.info("service key revoked", key=str(key_id), by=by.id)
        ended = await self._database.row(SERVICE_KEY, {"key_id": key_id})
        return view_from(ended or row)

    async def list(self) -> list[KeyView]:
        """The newest first; keys that ended long ago are forgotten."""
        return [view_from(row) for row in await self._database.rows(SERVICE_KEYS)]

    async def principal_of(self, token: str) -> Principal:
        """Who brings this key, or `InvalidToken`."""
        if not is_well_formed(token):
            raise InvalidToken("malformed-service-key")
        hashed = hash_of(token)
        await self._refresh(FRESH_SECONDS)
        if hashed not in self._live:
            await self._refresh(PAUSE_BETWEEN_READINGS)
        found = self._live.get(hashed)
        if found is None or found.key_id is None:
            raise InvalidToken("unknown-service-key")
        if found.expires_at <= self._clock():
            raise InvalidToken("expired")
        self._used.add(found.key_id)
        return found

    async def is_live(self, key_id: UUID) -> bool:
        """Whether the key of a caller who stayed, such as on a socket, is still good."""
        await self._refresh(FRESH_SECONDS)
        now = self._clock()
        return any(live.key_id == key_id and live.expires_at > now for live in self._live.values())

    async def _refresh(self, age: float) -> None:
        if self._now() - self._read_at < age:
            return
        async with self._reading:  # one reading for all who wait
            if self._now() - self._read_at < age:
                return
            began = self._now()
            rows = await self._database.rows(LIVE_KEYS)
            self._live = {row.key_hash: principal_from(row) for row in rows}
            self._read_at = began
            await self._note_use()

    async def _note_use(self) -> None:
        if self._used:
            used, self._used = self._used, set()
            await self._database.rows(NOTE_USE, {"ids": [*used], "pause": LAST_USE_PAUSE})


def check_wish(name: str, scopes: Sequence[Scope], expires_at: datetime | None, now: float) -> None:
    if not is_name(name) or len(name) > LONGEST_NAME:
        raise InvalidServiceKey(f"a name has 1 to {LONGEST_NAME} printable characters")
    if not scopes:
        raise InvalidServiceKey("a key without a scope may do nothing; name one")
    if expires_at is not None and expires_at.tzinfo is None:
        raise InvalidServiceKey("expiresAt needs a time zone, such as Z")
    if expires_at is not None and expires_at.timestamp() <= now:
        raise InvalidServiceKey("the key would have ended already")


def check_not_more_than(by: Principal, scopes: Sequence[Scope], expires_at: datetime | None) -> None:
    if by.key_id is None:
        return
    if not by.scopes.issuperset(scopes):
        raise InvalidServiceKey("a key can't give a scope that it has not itself")
    if by.expires_at < (expires_at.timestamp() if expires_at else float("inf")):
        raise InvalidServiceKey("a key can't make one that outlives it; set an earlier expiresAt")


def principal_from(row: LiveKey) -> Principal:
    ends = row.expires_at.timestamp() if row.expires_at else float("inf")
    return service_key_principal(row.id, frozenset(map(Scope, row.scopes)), ends)


def view_from(row: KeyRow) -> KeyView:
    return KeyView(
        id=row.id,
        name=row.name,
        scopes=tuple(map(Scope, row.scopes)),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


async def new_service_key(url: str, name: str, scopes: Sequence[Scope], lifetime: timedelta | None) -> str:
    """The secret of a key that an operator makes at the command line."""
    database = build_database(url, pool_size=1)
    try:
        ends = datetime.now(UTC) + lifetime if lifetime else None
        _, secret = await ServiceKeys(database).create(AT_THE_COMMAND_LINE, name, scopes, ends)
        return secret
    finally:
        await database.close()
