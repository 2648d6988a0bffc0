"""Whether this process can serve: the database answers, has our schema, and Stripe takes our key."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import psycopg

from models.health_statements import SCHEMA_REVISION
from services import migrations
from services.database import Database
from services.intents import GatewayError, Refused, TooManyRequests

STRIPE_EVERY = 15.0  # seconds; a probe each second must not eat into Stripe's rate limit
PATIENCE = 3.0

OK = "ok"


class Pinged(Protocol):
    async def ping(self) -> None:
        """Return when the provider answers and takes our key; raise a `GatewayError` otherwise."""


class Health:
    def __init__(
        self, database: Database, gateway: Pinged, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._now = now
        self._stripe, self._stripe_until = OK, 0.0
        self._head, self._older = migrations.head(), migrations.before_head()

    async def check(self) -> dict[str, str]:
        """The state of each part by name: `ok`, or what is wrong, without any secret."""
        (database, schema), stripe = await asyncio.gather(self._check_database(), self._check_stripe())
        return {"database": database, "schema": schema, "stripe": stripe}

    async def _check_database(self) -> tuple[str, str]:
        try:
            async with asyncio.timeout(PATIENCE):
                row = await self._database.row(SCHEMA_REVISION)
        except (psycopg.Error, TimeoutError) as error:
            if isinstance(error, psycopg.errors.UndefinedTable):
                return OK, "empty: run `python main.py migrate`"
            return "unreachable", "unknown"
        found = row.version_num if row else None
        # A revision not known here is a newer version's, whose migrations leave this one working while it goes.
        if found is None or found in self._older:
            return OK, f"at {found}, needs {self._head}: run `python main.py migrate`"
        return OK, OK

    async def _check_stripe(self) -> str:
        if self._now() >= self._stripe_until:
            self._stripe = await self._ping()
            self._stripe_until = self._now() + STRIPE_EVERY
        return self._stripe

    async def _ping(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._gateway.ping()
        except (Refused, TooManyRequests):  # it answered, and the key was good enough to be heard
            return OK
        except GatewayError as error:
            return type(error).__name__
        except TimeoutError:
            return "no answer"
        return OK
