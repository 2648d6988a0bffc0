"""The statements over orders, built once. An order, its total and its items come in one round trip."""

from enum import Flag, auto
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, insert
from sqlmodel import SQLModel, col

from models.orders.revision import order_revision
from models.orders.rows import LineJson, OrderRow
from models.orders.tables import Order, OrderItem, order_total
from models.payments.installation import is_recorded_here
from models.payments.looks import LOOK_IS_DUE
from models.payments.tables import Payment, PaymentTransition
from models.products.tables import Product
from models.refunds.tables import Dispute, Refund
from models.reviews.tables import Review
from runtime.database.statements import Query

NOTHING: ColumnElement[Any] = literal_column("'[]'::json", JSON)
NOT_READ: ColumnElement[int] = literal_column("0", Integer)


class OrderParts(Flag):
    """What of an order is read besides itself. RETURNS (refunds and disputes) and HISTORY come with their payments."""

    NONE = 0
    LINES = auto()
    PAYMENTS = auto()
    RETURNS = auto()
    HISTORY = auto()
    REVISION = auto()
    REVIEWS = auto()


EVERY_PART = ~OrderParts.NONE


def _list(row: ColumnElement[Any], of: Any, *, is_owner: Any, outer: type[SQLModel]) -> Any:
    """A JSON array of `row`s, in the order of `of`, of what belongs to the row of `outer`."""
    return (
        select(func.coalesce(func.json_agg(aggregate_order_by(row, of)), NOTHING))
        .where(is_owner)
        .correlate(outer)
        .scalar_subquery()
    )


def _object(**members: Any) -> ColumnElement[Any]:
    """A JSON object of columns by name."""
    return func.json_build_object(*(part for member in members.items() for part in member))


_line = _object(
    kind=col(OrderItem.kind),
    product_id=col(OrderItem.product_id),
    reference=col(OrderItem.reference),
    name=col(OrderItem.product_name),
    unit_amount=col(OrderItem.unit_amount),
    quantity=col(OrderItem.quantity),
)
_lines = _list(
    _line,
    col(OrderItem.position),
    is_owner=col(OrderItem.order_id) == col(Order.id),
    outer=Order,
)
_refunds = _list(
    _object(
        id=col(Refund.id),
        state=col(Refund.state),
        cause=col(Refund.cause),
        amount=col(Refund.amount),
        reason=col(Refund.reason),
        created_at=col(Refund.created_at),
        failure_code=col(Refund.failure_code),
        note=col(Refund.note),
        customer_message=col(Refund.customer_message),
        requested_by=col(Refund.requested_by),
    ),
    col(Refund.created_at),
    is_owner=col(Refund.payment_id) == col(Payment.id),
    outer=Payment,
)
_disputes = _list(
    _object(
        id=col(Dispute.id),
        status=col(Dispute.status),
        reason=col(Dispute.reason),
        amount=col(Dispute.amount),
        created_at=col(Dispute.created_at),
        due_by=col(Dispute.due_by),
    ),
    col(Dispute.created_at),
    is_owner=col(Dispute.payment_id) == col(Payment.id),
    outer=Payment,
)
_history = _list(
    _object(
        from_state=col(PaymentTransition.from_state),
        to_state=col(PaymentTransition.to_state),
        cause=col(PaymentTransition.cause),
        at=col(PaymentTransition.at),
    ),
    col(PaymentTransition.id),
    is_owner=col(PaymentTransition.payment_id) == col(Payment.id),
    outer=Payment,
)

_reviews = _list(
    _object(
        id=col(Review.id),
        decision=col(Review.decision),
        note=col(Review.note),
        decided_by=col(Review.decided_by),
        decided_at=col(Review.decided_at),
    ),
    col(Review.decided_at),
    is_owner=col(Review.order_id) == col(Order.id),
    outer=Order,
)


def _payments(parts: OrderParts) -> Any:
    return _list(
        _object(
            id=col(Payment.id),
            state=col(Payment.state),
            disposition=col(Payment.disposition),
            amount=col(Payment.amount),
            amount_received=col(Payment.amount_received),
            currency=col(Payment.currency),
            intent_id=col(Payment.intent_id),
            created_at=col(Payment.created_at),
            unwatched=LOOK_IS_DUE,
            is_ours=is_recorded_here,
            given_up=col(Payment.given_up),
            refunds=_refunds if OrderParts.RETURNS in parts else NOTHING,
            disputes=_disputes if OrderParts.RETURNS in parts else NOTHING,
            history=_history if OrderParts.HISTORY in parts else NOTHING,
        ),
        col(Payment.created_at),
        is_owner=col(Payment.order_id) == col(Order.id),
        outer=Order,
    )


@cache
def order_columns(parts: OrderParts) -> Select[Any]:
    """Orders with those parts; the others are empty lists."""
    has_payments = parts & (OrderParts.PAYMENTS | OrderParts.RETURNS | OrderParts.HISTORY)
    return select(
        col(Order.id),
        col(Order.status),
        col(Order.currency),
        col(Order.created_at),
        col(Order.updated_at),
        order_total.label("total"),
        col(Order.version),
        col(Order.user_id),
        col(Order.reference),
        col(Order.expires_at),
        col(Order.cancel_reason),
        col(Order.canceled_by),
        col(Order.canceled_at),
        col(Order.shop_metadata),
        col(Order.receipt_email),
        col(Order.refunded_by_hand),
        (_lines if OrderParts.LINES in parts else NOTHING).label("lines"),
        (_payments(parts) if has_payments else NOTHING).label("payments"),
        (_reviews if OrderParts.REVIEWS in parts else NOTHING).label("reviews"),
        (order_revision if OrderParts.REVISION in parts else NOT_READ).label("revision"),
    )


_of_user = col(Order.user_id) == bindparam("user_id", type_=Text)


_may_read = or_(_of_user, bindparam("may_any", type_=Boolean))
# For who may read any order, or this one alone (the holder of its checkout token).
_only = bindparam("only", type_=Uuid)
_is_for_reader = and_(_may_read, or_(_only.is_(None), col(Order.id) == _only))


@cache
def order_reading(parts: OrderParts) -> Query[OrderRow]:
    """One order, of this user or for who may read any."""
    this = col(Order.id) == bindparam("order_id", type_=Uuid)
    return Query(OrderRow, order_columns(parts).where(this, _may_read))


_whole = order_columns(EVERY_PART)
ORDER = order_reading(EVERY_PART)


@cache
def order_by_reference(parts: OrderParts) -> Query[OrderRow]:
    """One order by the shop's number of it, of this user, or for who may read any or `only` this one."""
    this = col(Order.reference) == bindparam("reference", type_=Text)
    return Query(OrderRow, order_columns(parts).where(this, _is_for_reader))


@cache
def orders_by_keys(parts: OrderParts) -> Query[OrderRow]:
    """Orders by their ids or the shop's numbers, of this user, or for who may read any or `only` one of them."""
    named = or_(
        col(Order.id) == any_(bindparam("ids", type_=ARRAY(Uuid))),
        col(Order.reference) == any_(bindparam("references", type_=ARRAY(Text))),
    )
    return Query(OrderRow, order_columns(parts).where(named, _is_for_reader))


ORDER_BY_KEY = Query(
    OrderRow, _whole.where(_of_user, col(Order.idempotency_key) == bindparam("idempotency_key", type_=Text))
)

_older = tuple_(col(Order.created_at), col(Order.id)) < tuple_(
    bindparam("before", type_=DateTime(timezone=True)), bindparam("before_id", type_=Uuid)
)
_with_status = col(Order.status) == bindparam("status", type_=Text)


@cache
def orders_reading(parts: OrderParts, *, with_status: bool, after: bool) -> Query[OrderRow]:
    """A page of a user's orders, newest first."""
    conditions = [_of_user, *([_with_status] if with_status else []), *([_older] if after else [])]
    return Query(
        OrderRow,
        order_columns(parts)
        .where(*conditions)
        .order_by(col(Order.created_at).desc(), col(Order.id).desc())
        .limit(bindparam("limit")),
    )


class LinesOfOrder(NamedTuple):
    order_id: UUID
    lines: list[LineJson]


# The lines of a whole page, and never more of them than the reader may have.
_first_lines = (
    select(col(OrderItem.order_id), col(OrderItem.position), _line.label("line"))
    .where(col(OrderItem.order_id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(col(OrderItem.order_id), col(OrderItem.position))
    .limit(bindparam("most"))
    .subquery("first_lines")
)
LINES_OF_ORDERS = Query(
    LinesOfOrder,
    select(
        _first_lines.c.order_id,
        func.json_agg(aggregate_order_by(_first_lines.c.line, _first_lines.c.position)).label("lines"),
    ).group_by(_first_lines.c.order_id),
)


# All lines in one statement, from a JSON array of objects: for the order's version one change, not one for each line.
_wanted = (
    func.jsonb_to_recordset(cast(bindparam("lines", type_=Text), JSONB))
    .table_valued(
        column("position", Integer),
        column("kind", Text),
        column("product_id", Uuid),
        column("reference", Text),
        column("name", Text),
        column("unit_amount", BigInteger),
        column("quantity", Integer),
        name="wanted",
    )
    .render_derived(with_types=True)
)
ADD_LINES = insert(OrderItem).from_select(
    ["order_id", "position", "kind", "product_id", "reference", "product_name", "unit_amount", "quantity"],
    select(bindparam("order_id", type_=Uuid), *_wanted.c),
)
REMOVE_LINES = delete(OrderItem).where(col(OrderItem.order_id) == bindparam("order_id", type_=Uuid))


class PriceRow(NamedTuple):
    """`unit_amount` is minor units."""

    id: UUID
    name: str
    unit_amount: int
    currency: str
    active: bool


PRICES = Query(
    PriceRow,
    select(
        col(Product.id),
        col(Product.name),
        col(Product.unit_amount),
        col(Product.currency),
        col(Product.active),
    ).where(col(Product.id) == any_(bindparam("ids", type_=ARRAY(Uuid)))),
)
