"""What `/readyz` asks the database."""

from typing import Any

from sqlalchemy import Integer, Select, Text, bindparam, cast, column, func, select, table
from sqlmodel import col

from models.reconciliation.leases import Lease

SCHEMA_REVISION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))
SECONDS_SINCE_SWEEP = select(
    cast(func.extract("epoch", func.now() - col(Lease.done_until)), Integer).label("seconds")
).where(col(Lease.name) == bindparam("lease_name", type_=Text))
