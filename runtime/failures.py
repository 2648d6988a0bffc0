"""How a failure in the background is logged: what passes by itself at `warning`, a fault of ours with its traceback."""

from typing import Any

from runtime.database.faults import DatabaseUnavailable


def log_failure(log: Any, event: str, error: Exception, **about: object) -> None:
    """A line about work that is tried again. `error` is only for what an operator has to look at."""
    if isinstance(error, DatabaseUnavailable):
        log.warning(event, reason=f"the database is away: {error}", **about)
    else:
        log.error(event, exc_info=error, **about)
