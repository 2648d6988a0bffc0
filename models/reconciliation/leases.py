"""Work that one process does for all: who holds it, and how far it came."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import DateTime, Interval, Text, bindparam, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col

from runtime.database.statements import Query


class Lease(SQLModel, table=True):
    """`holder` does the work until `held_until`. `done_until`: everything at Stripe before it has been seen."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    held_until: datetime
    done_until: datetime | None = None


_wanted = insert(Lease).values(
    name=bindparam("name", type_=Text),
    holder=bindparam("holder", type_=Text),
    held_until=func.now() + bindparam("lease", type_=Interval),
)


class DoneUntil(NamedTuple):
    done_until: datetime | None


# A row when the lease is ours now: it was free, had run out, or was ours already. One that ends long after a new one
# would was given by a clock that has gone back since.
_impossible = literal_column("interval '5 minutes'", Interval)
TAKE_WORK = Query(
    DoneUntil,
    _wanted.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": _wanted.excluded.holder, "held_until": _wanted.excluded.held_until},
        where=or_(
            col(Lease.held_until) < func.now(),
            col(Lease.held_until) > _wanted.excluded.held_until + _impossible,
            col(Lease.holder) == _wanted.excluded.holder,
        ),
    ).returning(col(Lease.done_until)),
)

_this = col(Lease.name) == bindparam("lease_name", type_=Text)
GIVE_BACK = (
    update(Lease)
    .where(_this, col(Lease.holder) == bindparam("lease_holder", type_=Text))
    .values(held_until=func.now())
)
DONE_UNTIL = Query(DoneUntil, select(col(Lease.done_until)).where(_this))
_done = insert(Lease).values(
    name=bindparam("lease_name", type_=Text),
    holder="",
    held_until=func.now(),
    done_until=bindparam("moment", type_=DateTime(timezone=True)),
)
SET_DONE_UNTIL = _done.on_conflict_do_update(
    index_elements=["name"], set_={"done_until": _done.excluded.done_until}
)
# As SET_DONE_UNTIL, for what began `since` ago: by the clock that its age is told by, whatever the caller's shows.
_began = insert(Lease).values(
    name=bindparam("lease_name", type_=Text),
    holder="",
    held_until=func.now(),
    done_until=func.now() - bindparam("since", type_=Interval),
)
SET_DONE_SINCE = _began.on_conflict_do_update(
    index_elements=["name"], set_={"done_until": _began.excluded.done_until}
)
