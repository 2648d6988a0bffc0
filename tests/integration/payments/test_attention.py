"""Cases for a person: opened once for each fact, closed by the facts or by a person, and counted for operators."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models import AttentionKind, AttentionSubject, OrderStatus
from runtime.database.database import Database, Row
from services.identity.refusals import RateLimited
from services.payments.attention import Attention, Case, close_case, open_case
from services.reconciliation.attention_cases import AttentionCases, AttentionNotFound, InvalidNote
from tests.client import Client
from tests.conftest import Stripe
from tests.make import Shop
from tests.numbers import numbers_of

WITHOUT_ORDER = Case(
    kind=AttentionKind.MONEY_WITHOUT_ORDER,
    subject=AttentionSubject.PAYMENT,
    subject_id="pi_lost",
    message="Money arrived for an order that is not here.",
)
LACKING = Case(
    kind=AttentionKind.KEY_LACKS_PERMISSION,
    subject=AttentionSubject.NONE,
    subject_id="refunds",
    message="The key may not refund.",
)


@pytest.fixture
def attention(database: Database) -> Attention:
    return Attention(database)


@pytest.fixture
def cases(database: Database) -> AttentionCases:
    return AttentionCases(database)


async def open_cases(database: Database) -> list[Row]:
    return list(
        await database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL ORDER BY opened_at"))
    )


async def settled(
    shop: Shop, database: Database, *, disposition: str = "settled", received: int = 5_248
) -> UUID:
    """The id of a payment whose money arrived."""
    status = OrderStatus.PAID if disposition == "settled" else OrderStatus.PENDING
    order_id, payment_id = await shop.order(status=status), uuid4()
    await database.rows(
        text(
            "INSERT INTO payments (id, order_id, state, disposition, idempotency_key, intent_id, amount,"
            " amount_received, currency, order_version, cause) VALUES (:id, :order_id, 'succeeded', :disposition,"
            " :key, :intent_id, :received, :received, 'USD', 2, 'test')"
        ),
        {
            "id": payment_id,
            "order_id": order_id,
            "disposition": disposition,
            "key": str(payment_id),
            "intent_id": f"pi_{payment_id.hex}",
            "received": received,
        },
    )
    return payment_id


async def add_refund(database: Database, payment_id: UUID, **values: object) -> UUID:
    row = {
        "id": uuid4(),
        "payment_id": payment_id,
        "state": "failed",
        "cause": "merchant",
        "amount": 1_000,
        "failure_code": None,
        "failure_message": None,
        "stripe_refund_id": f"re_{uuid4().hex}",
        **values,
    }
    columns = ", ".join(row)
    places = ", ".join(f":{name}" for name in row)
    await database.rows(text(f"INSERT INTO refunds ({columns}) VALUES ({places})"), row)  # noqa: S608
    return UUID(str(row["id"]))


async def test_a_case_is_opened_once_and_takes_a_new_date(database: Database) -> None:
    assert await open_case(database, WITHOUT_ORDER)
    assert not await open_case(database, WITHOUT_ORDER)

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = replace(WITHOUT_ORDER, due_by=tomorrow)
    assert not await open_case(database, later)

    [case] = await open_cases(database)
    assert (case.due_by, case.message) == (tomorrow, WITHOUT_ORDER.message)


async def test_a_case_that_the_facts_closed_is_opened_again_when_they_come_back(database: Database) -> None:
    await open_case(database, WITHOUT_ORDER)
    assert await close_case(database, WITHOUT_ORDER.kind, "pi_lost")
    assert not await close_case(database, WITHOUT_ORDER.kind, "pi_lost")

    assert await open_case(database, WITHOUT_ORDER)


async def test_a_person_closes_a_case_about_money_for_good(database: Database, cases: AttentionCases) -> None:
    await open_case(database, WITHOUT_ORDER)
    [case] = await open_cases(database)

    closed = await cases.close("shopkeeper", case.id, "Refunded in the dashboard")
    again = await cases.close("another", case.id, "A second time")

    assert (closed.closed_by, closed.note) == ("shopkeeper", "Refunded in the dashboard")
    assert again == closed
    assert not await open_case(database, WITHOUT_ORDER)


async def test_a_condition_that_is_still_there_is_opened_anew(
    database: Database, cases: AttentionCases
) -> None:
    await open_case(database, LACKING)
    [case] = await open_cases(database)
    await cases.close("shopkeeper", case.id, "Done, I think")

    assert await open_case(database, LACKING)


@pytest.mark.parametrize("note", ["R\u00e9gl\u00e9\u00a0: voir\nle courriel", "\U0001f937\u200d\u2640\ufe0f"])
async def test_a_note_is_what_people_write(database: Database, cases: AttentionCases, note: str) -> None:
    await open_case(database, LACKING)
    [case] = await open_cases(database)

    assert (await cases.close("shopkeeper", case.id, note)).note == note


@pytest.mark.parametrize("note", ["", "  ", "n" * 501, "a\0b", "\ud800", "a\u202eb"])
async def test_a_note_that_says_nothing_is_refused(cases: AttentionCases, note: str) -> None:
    with pytest.raises(InvalidNote):
        await cases.close("shopkeeper", uuid4(), note)


async def test_a_case_that_is_not_there_cannot_be_closed(cases: AttentionCases) -> None:
    with pytest.raises(AttentionNotFound):
        await cases.close("shopkeeper", uuid4(), "Done")


async def test_an_order_in_review_without_money_has_a_case_until_it_is_out_of_review(
    shop: Shop, database: Database, attention: Attention
) -> None:
    order_id = await shop.order(status=OrderStatus.REVIEW)

    assert await attention.derive() == (1, 0)
    assert await attention.derive() == (0, 0)
    [case] = await open_cases(database)
    assert (case.kind, case.subject, case.order_id) == ("order_in_review", "order", order_id)
    assert "resolveReview" in case.message

    await shop.set_order(order_id, status=OrderStatus.CANCELED)
    assert await attention.derive() == (0, 1)


@pytest.mark.parametrize("status", OrderStatus)
async def test_money_that_waits_is_told_whatever_the_orders_status(
    shop: Shop, database: Database, attention: Attention, status: OrderStatus
) -> None:
    payment_id = await settled(shop, database, disposition="mismatch", received=6_000)
    await database.rows(text("UPDATE orders SET status = :status"), {"status": status})

    await attention.derive()

    [case] = await open_cases(database)
    assert (case.kind, case.subject_id) == ("order_in_review", str(payment_id))
    assert "60.00 USD" in case.message


@pytest.mark.parametrize("state", ["failed", "canceled"])
async def test_a_merchants_refund_that_failed_calls_until_as_much_went_back(
    shop: Shop, database: Database, attention: Attention, state: str
) -> None:
    payment_id = await settled(shop, database)
    await add_refund(database, payment_id, state=state, failure_code="lost_or_stolen_card")

    assert await attention.derive() == (1, 0)
    [case] = await open_cases(database)
    assert (case.kind, "lost_or_stolen_card" in case.message) == ("refund_failed", True)

    await add_refund(database, payment_id, state="succeeded", amount=400)
    assert await attention.derive() == (0, 0)
    await add_refund(database, payment_id, state="pending", amount=600)
    assert await attention.derive() == (0, 1)


async def test_refunds_that_failed_are_made_up_for_one_after_the_other(
    shop: Shop, database: Database, attention: Attention
) -> None:
    payment_id = await settled(shop, database)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)  # before either of them failed
    for _ in range(2):
        await add_refund(database, payment_id, created_at=an_hour_ago)
    await add_refund(database, payment_id, state="succeeded")

    assert await attention.derive() == (1, 0)


@pytest.mark.parametrize("state", ["failed", "canceled"])
async def test_late_money_that_came_back_calls_until_it_is_gone(
    shop: Shop, database: Database, attention: Attention, state: str
) -> None:
    payment_id = await settled(shop, database, disposition="late")
    await add_refund(database, payment_id, state=state, cause="late", amount=5_248)

    assert await attention.derive() == (1, 0)
    await add_refund(database, payment_id, state="succeeded", cause="dashboard", amount=5_248)
    assert await attention.derive() == (0, 1)


@pytest.mark.parametrize(
    ("code", "kind"), [("forbidden", "refund_forbidden"), ("balance_insufficient", "refund_failed")]
)
async def test_a_refund_that_stripe_refuses_for_now_calls_with_stripes_sentence_until_it_is_made(
    shop: Shop, database: Database, attention: Attention, code: str, kind: str
) -> None:
    payment_id = await settled(shop, database)
    refund_id = await add_refund(
        database, payment_id, state="creating", failure_code=code, failure_message="Stripe's words."
    )

    await attention.derive()
    [case] = await open_cases(database)
    assert (case.kind, "Stripe's words." in case.message) == (kind, True)

    await database.rows(text("UPDATE refunds SET state = 'succeeded' WHERE id = :id"), {"id": refund_id})
    assert await attention.derive() == (0, 1)


async def test_closing_the_case_of_a_refund_that_is_still_tried_gives_it_up(
    shop: Shop, database: Database, attention: Attention, cases: AttentionCases
) -> None:
    payment_id = await settled(shop, database)
    await add_refund(database, payment_id, state="creating", failure_code="balance_insufficient")
    await attention.derive()
    [case] = await open_cases(database)
    await database.rows(text("UPDATE refunds SET lease_until = now() + interval '10 seconds'"))

    with pytest.raises(RateLimited):
        await cases.close("shopkeeper", case.id, "Paid in cash")
    await database.rows(text("UPDATE refunds SET lease_until = NULL"))
    await cases.close("shopkeeper", case.id, "Paid in cash")

    [refund] = await database.rows(text("SELECT state FROM refunds"))
    assert refund.state == "failed"
    assert await attention.derive() == (0, 0)
    assert await open_cases(database) == []


async def test_a_dispute_calls_with_its_date_until_it_is_decided(
    shop: Shop, database: Database, attention: Attention
) -> None:
    payment_id = await settled(shop, database)
    due_by = datetime(2027, 1, 2, tzinfo=UTC)
    await database.rows(
        text(
            "INSERT INTO disputes (id, payment_id, amount, status, reason, due_by, created_at)"
            " VALUES ('du_1', :payment_id, 5248, 'needs_response', 'fraudulent', :due_by, now())"
        ),
        {"payment_id": payment_id, "due_by": due_by},
    )

    await attention.derive()
    [case] = await open_cases(database)
    assert (case.kind, case.subject_id, case.due_by) == ("dispute_open", "du_1", due_by)

    await database.rows(text("UPDATE disputes SET status = 'won'"))
    assert await attention.derive() == (0, 1)


async def test_an_authorization_calls_before_it_lapses_and_until_it_is_captured(
    shop: Shop, client: Client, stripe: Stripe, database: Database, attention: Attention
) -> None:
    await client.pay(await shop.order())
    await database.rows(text("UPDATE payments SET state = 'processing', authorized_at = now()"))

    await attention.derive()
    [case] = await open_cases(database)
    assert case.kind == "authorization_lapses"
    assert timedelta(days=5) < case.due_by - case.opened_at < timedelta(days=7)

    await database.rows(text("UPDATE payments SET state = 'canceled'"))
    assert await attention.derive() == (0, 1)


async def test_money_without_an_order_is_closed_when_its_payment_is_found(
    shop: Shop, database: Database, attention: Attention
) -> None:
    payment_id = await settled(shop, database)
    found = replace(WITHOUT_ORDER, subject_id=f"pi_{payment_id.hex}")
    for case in (WITHOUT_ORDER, found):
        await open_case(database, case)

    assert await attention.derive() == (0, 1)
    assert [case.subject_id for case in await open_cases(database)] == ["pi_lost"]


async def test_open_cases_are_counted_by_kind_from_the_database(client: Client, database: Database) -> None:
    await open_case(database, WITHOUT_ORDER)
    await open_case(database, LACKING)

    shown = numbers_of((await client.http.get("/metrics")).text).labelled("paygraph_attention_open")

    assert shown.pop(("money_without_order",)) == shown.pop(("key_lacks_permission",)) == 1
    assert set(shown.values()) == {0}
    assert len(shown) == len(AttentionKind) - 2


async def test_cases_come_in_pages_newest_first(database: Database, cases: AttentionCases) -> None:
    for number in range(3):
        await open_case(database, replace(WITHOUT_ORDER, subject_id=f"pi_{number}"))
    ids = [case.id for case in await open_cases(database)][::-1]

    first = await cases.page(first=2, after=None, is_open=True)
    rest = await cases.page(first=2, after=first.items[-1].cursor, is_open=True)

    assert [case.id for case in (*first.items, *rest.items)] == ids
    assert (first.has_next, rest.has_next) == (True, False)
    await cases.close("shopkeeper", ids[1], "Done")
    assert [case.id for case in (await cases.page(first=9, after=None, is_open=False)).items] == [ids[1]]
