"""Who keeps a session waiting: asked over a connection of its own, since the session itself waits."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from models.operations.migration_statements import BLOCKERS, OWN_SESSION

LOOK_EVERY = 0.1  # seconds; shorter than a migration waits for a lock
TELL_EVERY = 10.0


class LockWatch:
    """Tells who is in the way of `watched` until its block ends, each of them once in a while."""

    def __init__(self, watched: Connection, tell: Callable[[str], None]) -> None:
        self._pid = watched.execute(OWN_SESSION).scalar_one()
        watched.commit()
        self._engine = watched.engine
        self._tell = tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._told_until = 0.0
        self.last_seen: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
                while not self._over.wait(LOOK_EVERY):
                    self._look(own)
        except DBAPIError:
            return  # no second connection: the migration goes on, and its error says less

    def _look(self, own: Connection) -> None:
        blockers = own.execute(BLOCKERS, {"pid": self._pid}).all()
        if not blockers:
            return
        sentence = "waiting for a lock: " + "; ".join(map(in_words, blockers))
        is_news = self.last_seen is None or time.monotonic() >= self._told_until
        self.last_seen = sentence
        if is_news:
            self._told_until = time.monotonic() + TELL_EVERY
            self._tell(sentence)


def in_words(blocker: Row[tuple[int, str | None, str | None, str, int]]) -> str:
    """`session 4711 (ada, pg_dump, active) is in a transaction for 21 seconds`"""
    who = ", ".join(filter(None, (blocker.usename, blocker.application_name, blocker.state)))
    return f"session {blocker.pid} ({who}) is in a transaction for {blocker.seconds} seconds"
