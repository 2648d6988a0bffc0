"""Databases of a test's own, beside the one that all tests share, on the same embedded server."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def own_database(server_url: str, *, is_made: bool = True) -> Iterator[str]:
    """An empty database, dropped afterwards whoever is still connected; yields its URL.

    Not `is_made`: whoever is given the URL makes it.
    """
    name = f"own_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        if is_made:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
