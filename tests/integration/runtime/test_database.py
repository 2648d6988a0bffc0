"""What statements may rely on: connections that come back, callers that wait their turn, work that starts anew."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
import uvloop
from sqlalchemy import bindparam, text

from runtime.database.connections import Connection
from runtime.database.database import Database, DatabaseUnavailable, Transaction, build_database
from runtime.database.pool import Pool
from runtime.database.statements import sql_of

PID = text("SELECT pg_backend_pid() AS pid")
END = text("SELECT pg_terminate_backend(:pid)")
SLEEP = text("SELECT pg_sleep(:seconds)")
ADD = text("INSERT INTO leases (name, holder, held_until) VALUES (:name, 'test', now())")
COUNT = text("SELECT count(*) FROM leases")


@pytest.fixture
async def small(postgres_url: str, database: Database) -> AsyncIterator[Database]:
    """A database over two connections, whose callers wait for a quarter of a second."""
    made = build_database(postgres_url, pool_size=2, pool_timeout=0.25)
    yield made
    await made.close()


async def pid(database: Database) -> int:
    row = await database.row(PID)
    assert row is not None
    found: int = row.pid
    return found


async def test_a_connection_is_used_again(small: Database) -> None:
    assert await pid(small) == await pid(small)
    assert (small.pool.in_use, small.pool.waiting) == (0, 0)


async def test_a_statement_outlives_the_connections_that_were_lost(
    small: Database, database: Database
) -> None:
    lost = await asyncio.gather(pid(small), pid(small))
    for each in lost:
        await database.rows(END, {"pid": each})

    assert await pid(small) not in lost


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_a_server_that_goes_without_reading_a_statement_is_noticed_at_once(
    postgres_url: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def ask() -> None:
        connection = await Connection.to(postgres_url)
        [row] = await connection.run(sql_of(PID, ()), {})
        os.kill(row.pid, signal.SIGSTOP)
        asking = asyncio.create_task(connection.run(sql_of(PID, ()), {}))
        await asyncio.sleep(0.05)  # the statement lies unread in the server's socket
        os.kill(row.pid, signal.SIGTERM)
        os.kill(row.pid, signal.SIGCONT)
        async with asyncio.timeout(10):
            await asking

    with asyncio.Runner(loop_factory=loop) as runner, pytest.raises(psycopg.OperationalError):
        runner.run(ask())


async def test_a_transaction_starts_anew_on_another_connection(small: Database, database: Database) -> None:
    tried: list[int] = []

    async def work(transaction: Transaction) -> None:
        await transaction.rows(ADD, {"name": "anew"})
        tried.append((await transaction.one(PID)).pid)
        if len(tried) == 1:
            await database.rows(END, {"pid": tried[0]})

    await small.transaction(work)

    assert len(set(tried)) == 2
    assert (await database.rows(COUNT))[0][0] == 1


async def test_a_transaction_that_fails_leaves_nothing_and_its_connection_serves_on(small: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.rows(ADD, {"name": "failing"})
        raise LookupError

    before = await pid(small)
    with pytest.raises(LookupError):
        await small.transaction(work)

    assert (await small.rows(COUNT))[0][0] == 0
    assert await pid(small) == before


async def test_an_error_of_a_statement_leaves_the_connection_usable(small: Database) -> None:
    before = await pid(small)
    with pytest.raises(psycopg.errors.UndefinedTable):
        await small.rows(text("SELECT * FROM nowhere"))

    assert await pid(small) == before


async def test_a_statement_called_off_gives_its_place_back(small: Database) -> None:
    """Its answer is on the way, and must not become the next caller's."""
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await small.rows(SLEEP, {"seconds": 5.0})

    assert small.pool.in_use == 0
    assert await pid(small)


async def test_a_transaction_called_off_is_rolled_back(small: Database, database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.rows(ADD, {"name": "called off"})
        await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await small.transaction(work)

    assert (await database.rows(COUNT))[0][0] == 0
    assert small.pool.in_use == 0


async def test_callers_wait_their_turn_and_no_longer_than_they_may(small: Database) -> None:
    slow = [asyncio.create_task(small.rows(SLEEP, {"seconds": 0.6})) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(DatabaseUnavailable):
        await pid(small)
    await asyncio.gather(*slow)

    quick = [asyncio.create_task(small.rows(SLEEP, {"seconds": 0.01})) for _ in range(20)]
    await asyncio.gather(*quick)

    assert (small.pool.in_use, small.pool.waiting) == (0, 0)


async def test_a_turn_that_comes_while_its_caller_is_called_off_passes_on(small: Database) -> None:
    held = [await small.pool.take() for _ in range(2)]
    first, second = (asyncio.create_task(small.pool.take()) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    small.pool.give_back(held[0])
    first.cancel()
    given = await second

    assert given is held[0]
    assert first.cancelled()
    for connection in (given, held[1]):
        small.pool.give_back(connection)
    assert small.pool.in_use == 0


async def test_an_answer_changed_by_a_migration_is_prepared_again(
    small: Database, database: Database
) -> None:
    """PostgreSQL: cached plan must not change result type."""
    every = text("SELECT * FROM changing")
    await database.rows(text("CREATE TABLE changing (a int)"))
    try:
        await small.rows(text("INSERT INTO changing VALUES (1)"))
        await small.rows(every)
        await database.rows(text("ALTER TABLE changing ADD b text DEFAULT 'new'"))

        [row] = await small.rows(every)
        assert (row.a, row.b) == (1, "new")
    finally:
        await database.rows(text("DROP TABLE changing"))


async def test_a_statement_larger_than_the_sockets_buffer_arrives_whole(small: Database) -> None:
    [row] = await small.rows(text("SELECT length(:long) AS length"), {"long": "x" * 20_000_000})

    assert row.length == 20_000_000


async def test_a_number_of_any_size_fits_a_statement_prepared_for_another(small: Database) -> None:
    same = text("SELECT CAST(:number AS bigint) AS number").bindparams(bindparam("number"))

    for number in (1, 2**20, 2**40, 3):
        [row] = await small.rows(same, {"number": number})
        assert row.number == number


async def test_a_database_out_of_reach_takes_no_place_in_the_pool() -> None:
    database = build_database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1, pool_timeout=1)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await database.rows(PID)

    assert isinstance(database.pool, Pool)
    assert database.pool.in_use == 0


async def test_a_lock_and_then_an_outage_end_in_the_time_of_a_lock(postgres_url: str) -> None:
    impatient = build_database(postgres_url, lock_patience=0.1)
    tries: list[str] = []

    async def work(transaction: Transaction) -> None:
        tries.append("try")
        if len(tries) == 1:
            raise psycopg.errors.LockNotAvailable("somebody holds the row")
        raise psycopg.OperationalError("the server went away")

    async with asyncio.timeout(20):
        with pytest.raises(DatabaseUnavailable):
            await impatient.transaction(work)
    await impatient.close()

    assert len(tries) > 1
