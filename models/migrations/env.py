"""Alembic's entry: it runs over the connection that the caller hands in."""

from alembic import context

import models  # noqa: F401  fills the catalogue
from models.base import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
