"""Closed cases are deleted after a year, and a person's word about money stays with its order."""

from typing import Any
from uuid import uuid4

import pytest
from psycopg import IntegrityError
from sqlalchemy import text

from models.attention.tables import AttentionKind
from runtime.database.database import Database
from services.reconciliation.sweep import DELETED_AT_ONCE
from tests.conftest import Stripe
from tests.make import Shop
from tests.proof.whole_shop import WholeShop

ADD = text(
    "INSERT INTO attention (id, kind, subject, subject_id, order_id, message, opened_at, closed_at, closed_by)"
    " VALUES (:id, :kind, :subject, :subject_id, :order_id, '-', now() - interval '500 days',"
    " CASE WHEN :days < 0 THEN NULL ELSE now() - make_interval(days => :days) END, :closed_by)"
)
A_YEAR = 365


@pytest.fixture
def whole_shop(database: Database, stripe: Stripe) -> WholeShop:
    return WholeShop(database, stripe.sandbox)


async def add(
    shop: Shop,
    kind: AttentionKind,
    *,
    subject: str = "order",
    closed_by: str | None = None,
    days: int = A_YEAR + 1,
    of_order: bool = True,
) -> str:
    """The name of a case that was closed so many days ago; not at all below 0."""
    order_id, name = await shop.order() if of_order else None, uuid4()
    await shop.database.rows(
        ADD,
        {
            "id": name,
            "kind": kind.value,
            "subject": subject,
            "subject_id": str(name),
            "order_id": order_id,
            "days": days,
            "closed_by": closed_by,
        },
    )
    return str(name)


async def kept(database: Database) -> set[str]:
    return {row.subject_id for row in await database.rows(text("SELECT subject_id FROM attention"))}


async def test_what_the_facts_closed_is_deleted_after_a_year(whole_shop: WholeShop, shop: Shop) -> None:
    await add(shop, AttentionKind.ORDER_IN_REVIEW)
    await add(shop, AttentionKind.KEY_LACKS_PERMISSION, subject="none", closed_by="m", of_order=False)
    young = await add(shop, AttentionKind.ORDER_IN_REVIEW, days=A_YEAR - 1)

    findings = await whole_shop.sweep.run()

    assert await kept(shop.database) == {young}
    assert findings.done["old cases deleted"] == 2


async def test_what_a_person_decided_about_money_stays_and_so_does_what_is_open(
    whole_shop: WholeShop, shop: Shop
) -> None:
    given_up = await add(shop, AttentionKind.REFUND_FAILED, subject="refund", closed_by="m")
    lost = await add(
        shop, AttentionKind.MONEY_WITHOUT_ORDER, subject="payment", closed_by="m", of_order=False
    )
    still_open = await add(shop, AttentionKind.WEBHOOK_DISABLED, subject="none", days=-1, of_order=False)

    await whole_shop.sweep.run()

    assert await kept(shop.database) == {given_up, lost, still_open}


async def test_a_deluge_of_old_cases_goes_in_small_steps(whole_shop: WholeShop, shop: Shop) -> None:
    many = text(
        "INSERT INTO attention (id, kind, subject, subject_id, message, opened_at, closed_at)"
        " SELECT gen_random_uuid(), 'event_unfinished', 'event', 'evt_' || n, '-', now() - interval '2 years',"
        " now() - interval '2 years' FROM generate_series(1, :count) n"
    )
    await shop.database.rows(many, {"count": 2 * DELETED_AT_ONCE + 1})

    await whole_shop.sweep.run()

    assert await kept(shop.database) == set()


@pytest.mark.parametrize(
    "case", [{"days": -1}, {"closed_by": "m"}], ids=["open", "decided by a person, about money"]
)
async def test_the_database_keeps_what_is_open_or_was_decided(shop: Shop, case: dict[str, Any]) -> None:
    """Whoever deletes: the server's role may, since old cases go."""
    await add(shop, AttentionKind.ORDER_IN_REVIEW, **case)
    with pytest.raises(IntegrityError) as refused:
        await shop.database.rows(text("DELETE FROM attention"))
    assert refused.value.diag.constraint_name == "attention_stays"
