"""What `/readyz` asks the database."""

from typing import Any

from sqlalchemy import Select, column, select, table

SCHEMA_REVISION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))
