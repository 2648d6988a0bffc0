"""What Stripe is asked for besides amount and currency, made in the statement that records a payment.

It is stored with the payment, since a replay under the same idempotency key has to send the same: whatever became of
the order or of the settings meanwhile.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from models.orders.tables import Order
from models.payments.installation import this_installation

# https://docs.stripe.com/api/metadata
MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500
OURS = ("order_id", "payment_id", "installation_id", "reference")  # they win over the shop's

# What the statement reads of the order for them.
DESCRIBED_ORDER = (col(Order.reference), col(Order.receipt_email), col(Order.shop_metadata))


def stripe_parameters(order: Any, payment_id: Any) -> ColumnElement[Any]:
    """JSON, of a row that has `DESCRIBED_ORDER` and the order's id.

    Takes `statement_suffix`, and `with_receipt`: false once Stripe refused the order's e-mail address.
    """
    reference = func.left(order.c.reference, LONGEST_VALUE)
    receipt = case((bindparam("with_receipt", type_=Boolean), func.nullif(order.c.receipt_email, "")))
    ours = _present(
        order_id=cast(order.c.id, Text),
        payment_id=cast(payment_id, Text),
        installation_id=cast(this_installation, Text),
        reference=reference,
    )
    shops = func.coalesce(_of_the_shop(order.c.shop_metadata), _nothing)
    metadata = shops.op("||", return_type=JSONB())(ours)
    return _present(
        description=reference,
        receipt_email=receipt,
        statement_descriptor_suffix=bindparam("statement_suffix", type_=Text),
        metadata=metadata,
    )


_nothing = cast(literal("{}", Text), JSONB)
_ours: list[ColumnElement[str]] = [literal_column(f"'{name}'") for name in OURS]


def _present(**values: Any) -> ColumnElement[Any]:
    """An object of those that are not null."""
    pairs = [part for name, value in values.items() for part in (cast(literal(name), Text), value)]
    return func.jsonb_strip_nulls(func.jsonb_build_object(*pairs, type_=JSONB), type_=JSONB)


def _of_the_shop(metadata: Any) -> ColumnElement[Any]:
    """As much of it as Stripe takes, also if it was written by SQL: null for none."""
    is_object = func.jsonb_typeof(metadata) == "object"
    entry = func.jsonb_each_text(case((is_object, metadata), else_=_nothing)).table_valued(
        "key", "value", name="entry"
    )
    taken = (
        select(entry.c.key, entry.c.value)
        .where(
            func.length(entry.c.key).between(1, LONGEST_KEY),
            func.length(entry.c.value).between(1, LONGEST_VALUE),
            ~entry.c.key.regexp_match(r"[][]"),
            entry.c.key.not_in(_ours),
        )
        .order_by(entry.c.key)
        .limit(MOST_KEYS - len(OURS))
        .subquery("taken")
    )
    return select(func.jsonb_object_agg(taken.c.key, taken.c.value, type_=JSONB)).scalar_subquery()
