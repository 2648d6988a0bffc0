"""What `/readyz` asks the database."""

from typing import NamedTuple

from sqlalchemy import Integer, Text, bindparam, cast, column, func, literal, select, table
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from models.reconciliation.leases import Lease
from runtime.database.statements import Query


class Revision(NamedTuple):
    version_num: str


SCHEMA_REVISION = Query(Revision, select(column("version_num")).select_from(table("alembic_version")))


class SecondsSinceSweep(NamedTuple):
    seconds: int | None


SECONDS_SINCE_SWEEP = Query(
    SecondsSinceSweep,
    select(cast(func.extract("epoch", func.now() - col(Lease.done_until)), Integer).label("seconds")).where(
        col(Lease.name) == bindparam("lease_name", type_=Text)
    ),
)

# Whether a write is taken and made durable: one row that each probe writes anew.
_written = insert(Lease).values(name="readyz", holder="", held_until=func.now())
WRITE_A_ROW = _written.on_conflict_do_update(
    index_elements=["name"], set_={"held_until": _written.excluded.held_until}
)

# Whether a table may grow: more rows than fit a page. It is rolled back; VACUUM takes away what it leaves.
WRITE_A_PAGE = insert(Lease).from_select(
    ["name", "holder", "held_until"],
    select(func.concat("readyz: ", func.gen_random_uuid()), literal("", Text), func.now()).select_from(
        func.generate_series(1, 250)
    ),
)
