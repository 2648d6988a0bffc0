"""The channel on which the database tells that an order changed; the payload is the order's id."""

from sqlalchemy import Text, Uuid, bindparam, cast, func, literal, select

LISTEN = "LISTEN order_updated"

# For a change of lines, which no trigger tells: it would tell of each order that is placed, too.
TELL_ORDER_UPDATED = select(
    func.pg_notify(literal("order_updated", Text), cast(bindparam("order_id", type_=Uuid), Text))
)
