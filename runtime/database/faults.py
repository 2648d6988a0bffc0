"""What a failed statement says about the database: away, full, busy, or right to refuse."""

import psycopg

SERIALIZATION_FAILURE, DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE = "40001", "40P01", "55P03"
# What a connection may say of a statement that it prepared before a migration, or behind another server's back.
STALE_PREPARATION = frozenset({"0A000", "26000"})
# The server became a standby, or takes no more writes: another host may take them.
READ_ONLY = "25006"
# The server ended a transaction that said nothing for too long, or lasted too long.
TRANSACTION_ENDED = frozenset({"25P03", "25P04"})
AWAY = ("08", "57P")  # classes: connection exceptions; the server shuts down, crashed, or starts
FULL = ("53", "58")  # classes: no disk, memory or connection left; errors of the disk itself


class DatabaseUnavailable(Exception):
    """The database can't be reached, can't write, or is too busy. Nothing was written; later it may succeed."""


class PoolExhausted(psycopg.OperationalError):
    """No connection became free in time."""


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is of no use any more, and not the statement at fault."""
    if isinstance(error, PoolExhausted):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(AWAY) or state == READ_ONLY or state in TRANSACTION_ENDED


def is_read_only(error: psycopg.Error) -> bool:
    """Whether the server takes no writes, or none of several does: libpq says so in words alone."""
    return error.sqlstate == READ_ONLY or "session is read-only" in str(error)


def is_full(error: psycopg.Error) -> bool:
    """Whether the server has run out of disk, memory or connections: no other connection of ours fares better."""
    return error.sqlstate is not None and error.sqlstate.startswith(FULL)


def is_stale(error: psycopg.Error) -> bool:
    return error.sqlstate in STALE_PREPARATION


def is_locked_out(error: psycopg.Error) -> bool:
    """Whether another session held a row for longer than a connection may wait for it."""
    return error.sqlstate == LOCK_NOT_AVAILABLE


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same work may succeed when it is done again at once."""
    passing = (SERIALIZATION_FAILURE, DEADLOCK_DETECTED)
    return is_lost(error) or is_stale(error) or error.sqlstate in passing


def is_unavailability(error: psycopg.Error) -> bool:
    """Whether it is the database's state that fails, and not what it was asked."""
    return isinstance(error, psycopg.OperationalError) or is_lost(error) or is_full(error)
