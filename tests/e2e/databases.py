"""Databases of a test's own, beside the one that all tests share, on the same embedded server."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def own_database(server_url: str, *, is_made: bool = True, like: str | None = None) -> Iterator[str]:
    """A database, empty or a copy of that at the URL `like`; dropped afterwards whoever is still connected.

    Yields its URL. Nobody may be connected to `like` meanwhile. Not `is_made`: whoever is given the URL makes it.
    """
    name = f"own_{uuid4().hex}"
    template = (like and make_url(like).database) or "template1"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(server_url, autocommit=True) as admin:
        if is_made:
            admin.execute(create)
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def wait_for_no_disk(server_url: str) -> None:
    """For a server of tests alone: what it wrote is lost when the machine is, and not when the server is killed."""
    with psycopg.connect(server_url, autocommit=True) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        admin.execute("SELECT pg_reload_conf()")
