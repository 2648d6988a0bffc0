"""What triggers count of a payment's failed refunds, beside the same reckoned one event after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import given
from hypothesis.strategies import DrawFn

MADE, FAILED, FAILED_AND_CLOSED, GIVEN_UP, MADE_BY_HAND = (
    "it was made",
    "it failed",
    "it failed, and a person closed its case",
    "a person gave it up before it was made",
    "it gave way to the dashboard's",
)
AMOUNTS = st.sampled_from([100, 250, 400])
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """A refund, and its moments in order."""

    amount: int
    outcome: str
    moments: tuple[datetime, datetime, datetime]


@dataclass(frozen=True)
class History:
    refunds: tuple[Asked, ...]
    accepted: tuple[datetime, ...]  # by a person, for the order


@st.composite
def histories(draw: DrawFn) -> History:
    """Each event at a moment of its own."""
    wishes = draw(
        st.lists(
            st.tuples(AMOUNTS, st.sampled_from([MADE, FAILED, FAILED_AND_CLOSED, GIVEN_UP, MADE_BY_HAND])),
            max_size=4,
        )
    )
    accepted = draw(st.integers(0, 2))
    order = draw(st.permutations(range(3 * len(wishes) + accepted)))
    moments = [START + timedelta(seconds=number) for number in order]
    refunds = []
    for amount, outcome in wishes:
        first, second, third = sorted(moments.pop() for _ in range(3))
        refunds.append(Asked(amount, outcome, (first, second, third)))
    return History(tuple(refunds), tuple(moments))


def reckoned(history: History, *, goes_back: bool) -> tuple[int, int]:
    """What is owed, and what went back in another way; minor units."""
    asked = most = given_up = 0
    for _, kind, amount in sorted(events_of(history, goes_back=goes_back)):
        if kind == "asked":
            asked += amount
            most = max(most, asked)
        elif kind == "ended":
            asked -= amount
        elif kind == "given up":
            given_up += amount
        else:
            given_up += most - asked if kind == "closed" else 0
            most = asked
    return most - asked, given_up


def events_of(history: History, *, goes_back: bool) -> Iterator[tuple[datetime, str, int]]:
    for refund in history.refunds:
        first, second, third = refund.moments
        if refund.outcome != MADE_BY_HAND:
            yield first, "asked", refund.amount
        if refund.outcome in (FAILED, FAILED_AND_CLOSED):
            yield second, "ended", refund.amount
        if refund.outcome == FAILED_AND_CLOSED:
            yield third, "closed", 0
        if refund.outcome == GIVEN_UP:
            yield second, "given up", refund.amount
    if not goes_back:
        for moment in history.accepted:
            yield moment, "accepted", 0


ORDER = "INSERT INTO orders (id, user_id, currency, status) VALUES (%s, 'ada', 'USD', 'paid')"
PAYMENT = (
    "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount, currency,"
    " order_version, amount_received, cause)"
    " VALUES (%s, %s, 'succeeded', 'settled', %s, %s, 5000, 'USD', 1, 5000, 'test')"
)
REFUND = (
    "INSERT INTO refunds (id, payment_id, state, cause, amount, stripe_refund_id, failure_code, created_at, updated_at)"
    " VALUES (%s, %s, %s, 'merchant', %s, %s, %s, %s, %s)"
)
CASE = (
    "INSERT INTO attention (id, kind, subject, subject_id, order_id, message)"
    " VALUES (%s, 'refund_failed', 'refund', %s, %s, 'It failed.')"
)
CLOSE = "UPDATE attention SET closed_at = %s, closed_by = 'shopkeeper', note = 'in cash' WHERE id = %s"
ACCEPT = (
    "INSERT INTO reviews (id, order_id, idempotency_key, decision, note, decided_by, decided_at)"
    " VALUES (%s, %s, %s, 'accept', 'We keep it.', 'shopkeeper', %s)"
)


def write(connection: psycopg.Connection, history: History) -> UUID:
    order_id, payment_id = uuid4(), uuid4()
    connection.execute(ORDER, [order_id])
    connection.execute(PAYMENT, [payment_id, order_id, str(payment_id), f"pi_{payment_id.hex}"])
    for refund in history.refunds:
        first, second, third = refund.moments
        refund_id = uuid4()
        state = "succeeded" if refund.outcome == MADE else "failed"
        why = "made_by_hand" if refund.outcome == MADE_BY_HAND else None
        ended = third if refund.outcome == GIVEN_UP else second
        row = [refund_id, payment_id, state, refund.amount, f"re_{refund_id.hex}", why, first, ended]
        connection.execute(REFUND, row)
        if refund.outcome in (FAILED_AND_CLOSED, GIVEN_UP):
            case_id = uuid4()
            connection.execute(CASE, [case_id, str(refund_id), order_id])
            connection.execute(CLOSE, [second if refund.outcome == GIVEN_UP else third, case_id])
    for moment in history.accepted:
        connection.execute(ACCEPT, [uuid4(), order_id, str(uuid4()), moment])
    return payment_id


@pytest.fixture(scope="module")
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@given(history=histories(), goes_back=st.booleans())
def test_triggers_count_what_one_reckons(
    connection: psycopg.Connection, history: History, goes_back: bool
) -> None:
    """Whatever was written last: the money of a payment that goes back is owed also after ACCEPT."""
    with connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO charge_limits VALUES ('USD', 50, 99999999, 1) ON CONFLICT DO NOTHING")
        payment_id = write(connection, history)
        if goes_back:
            connection.execute("UPDATE payments SET disposition = 'late' WHERE id = %s", [payment_id])
        counted = connection.execute("SELECT owed, given_up FROM payments WHERE id = %s", [payment_id])

        assert counted.fetchone() == reckoned(history, goes_back=goes_back)
