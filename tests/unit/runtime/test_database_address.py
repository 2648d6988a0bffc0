"""Whether what goes to the database leaves this machine unencrypted, whoever says where the database is."""

import psycopg
import pytest

from runtime.database.address import UnknownDestination, conninfo, is_local_or_encrypted
from runtime.database.connections import Connection

ELSEWHERE = "10.0.0.7"


@pytest.mark.parametrize(
    ("url", "environment", "is_safe"),
    [
        (f"postgresql://shop@localhost/shop?hostaddr={ELSEWHERE}", {}, False),
        (f"postgresql:///shop?hostaddr={ELSEWHERE}", {}, False),
        (f"postgresql://shop@one,two/shop?hostaddr=127.0.0.1,{ELSEWHERE}", {}, False),
        ("postgresql://shop@localhost,db.internal/shop?hostaddr=127.0.0.1,", {}, False),
        ("postgresql://shop@db.internal/shop?hostaddr=127.0.0.1", {}, True),
        (f"postgresql://shop@db.internal/shop?hostaddr={ELSEWHERE}&sslmode=verify-full", {}, True),
        ("postgresql:///shop", {"PGHOST": "db.internal"}, False),
        ("postgresql:///shop", {"PGHOSTADDR": ELSEWHERE}, False),
        ("postgresql:///shop", {"PGHOST": "/run/postgresql"}, True),
        ("postgresql:///shop?host=@shop", {}, True),
        ("postgresql://localhost/shop", {"PGHOST": "db.internal", "PGHOSTADDR": ELSEWHERE}, True),
        ("postgresql:///shop", {"PGHOST": "db.internal", "PGSSLMODE": "require"}, True),
        ("postgresql://db.internal/shop", {"PGSSLROOTCERT": "system"}, True),
        ("postgresql://db.internal/shop?sslmode=disable", {"PGSSLMODE": "require"}, False),
        ("postgresql://db.internal/shop?sslmode=prefer&sslrootcert=system", {}, False),
        ("postgresql:///shop?service=shop&sslmode=require", {}, True),
    ],
)
def test_the_address_and_what_libpq_adds_to_it_are_judged_together(
    url: str, environment: dict[str, str], is_safe: bool
) -> None:
    assert is_local_or_encrypted(url, environment) == is_safe


@pytest.mark.parametrize(
    ("url", "environment", "name"),
    [
        ("postgresql:///shop?service=shop", {}, "service"),
        ("postgresql://localhost/shop?service=shop", {"PGSSLMODE": "require"}, "service"),
        ("postgresql://localhost/shop", {"PGSERVICE": "shop"}, "PGSERVICE"),
    ],
)
def test_a_service_of_libpqs_can_lead_anywhere(url: str, environment: dict[str, str], name: str) -> None:
    with pytest.raises(UnknownDestination, match=f"^{name}$"):
        is_local_or_encrypted(url, environment)


async def test_the_environment_leads_nobody_away_from_the_host_that_is_named(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    (await Connection.to(postgres_url)).close()
    with psycopg.connect(conninfo(postgres_url, application="a test", session={})):
        pass
