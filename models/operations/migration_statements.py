"""What `migrate` asks the database beside its migrations."""

from sqlalchemy import func, select, text

# Held for as long as the connection lives, so that two deployers migrate in turn. It is tried again and again: whoever
# waited inside of a statement would hold a snapshot, and CREATE INDEX CONCURRENTLY waits for those.
TAKE_TURN = select(func.pg_try_advisory_lock(727001))

# Who keeps the session `:pid` waiting, and since when their transaction runs. Not this question itself, for whose
# snapshot CREATE INDEX CONCURRENTLY waits too.
BLOCKERS = text(
    """
    SELECT pid, usename, application_name, coalesce(state, backend_type) AS state,
        coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::int AS seconds
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(:pid)) AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 3
    """
)
OWN_SESSION = select(func.pg_backend_pid())
