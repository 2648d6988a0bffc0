"""`python main.py listen`: the shop's events on a terminal."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import JWT_SECRET
from tests.e2e.processes import Shell, eventually, shell

LISTENERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN shop_event'"
)
PAY_ONE = (
    "UPDATE orders SET status = 'paid' WHERE id = (SELECT id FROM orders WHERE status = 'pending' LIMIT 1)"
)


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[Shell]:
    with shell(tmp_path) as made:
        yield made


def test_listen_prints_events_as_they_come_and_ends_cleanly_by_ctrl_c(sh: Shell, own_url: str) -> None:
    assert sh.run("seed", "--orders", "4", DATABASE_URL=own_url, JWT_SECRET=JWT_SECRET).code == 0
    with psycopg.connect(own_url, autocommit=True) as shop:
        shop.execute(PAY_ONE)
        first = json.loads(listened(sh, own_url, shop)[0])
        shop.execute("UPDATE orders SET status = 'canceled' WHERE status = 'paid'")
        later = [json.loads(line) for line in listened(sh, own_url, shop, "--after", first["cursor"])]
        only = [
            json.loads(line) for line in listened(sh, own_url, shop, "--types", "ORDER_PAID,ORDER_REVIEW")
        ]

    told = ["type", "createdAt", "orderId", "orderStatus", "orderVersion", "orderRevision", "id", "cursor"]
    assert list(first) == told
    assert (first["type"], first["orderStatus"]) == ("ORDER_PAID", "PAID")
    assert {event["type"] for event in later} == {"ORDER_CANCELED", "ORDER_PAID"}
    assert {event["type"] for event in only} == {"ORDER_PAID"}


def listened(sh: Shell, url: str, shop: "psycopg.Connection[tuple[object, ...]]", *words: str) -> list[str]:
    """What `listen` prints until an order is paid, behind its start."""
    running = sh.start("listen", *words, DATABASE_URL=url)

    def is_listening() -> bool:
        row = shop.execute(LISTENERS).fetchone()
        return row == (1,)

    eventually(is_listening)
    shop.execute(PAY_ONE)
    eventually(lambda: '"ORDER_PAID"' in running.output)
    ended = running.interrupt()
    assert ended.code == 0, ended.out
    return ended.out.splitlines()


@pytest.mark.parametrize("words", [["--after", "nonsense"], ["--types", "ORDER_SHIPPED"], ["--types", ","]])
def test_listen_refuses_what_is_no_place_and_no_type(sh: Shell, words: list[str]) -> None:
    assert sh.run("listen", *words).code == 2


def test_listen_without_a_database_says_so(sh: Shell) -> None:
    away = sh.run("listen", DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    assert away.code == 1
    assert away.err.startswith("DATABASE_URL: the database can't be reached")
