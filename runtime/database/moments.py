"""Moments that PostgreSQL holds and Python doesn't: `infinity`, years after 9999, and those before Christ.

Somebody sets them by SQL, such as `expires_at = 'infinity'` for an order that never expires. One such row must not
make a whole list unreadable: it is read as the last moment, or the first, that Python has.
"""

from datetime import UTC, datetime

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzLoader

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class MomentLoader(Loader):
    """Reads as psycopg does, and what it refuses as `FIRST` or `LAST`."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        usual = psycopg.adapters.get_loader(oid, Format.TEXT) or TimestamptzLoader
        self._load = usual(oid, context).load

    def load(self, data: Buffer) -> datetime:
        try:
            moment: datetime = self._load(data)
        except psycopg.DataError:
            told = bytes(data)
            return FIRST if told.startswith(b"-") or told.endswith(b"BC") else LAST
        return moment


def read_any_moment(session: psycopg.AsyncConnection[object]) -> None:
    session.adapters.register_loader("timestamptz", MomentLoader)
