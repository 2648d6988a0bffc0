"""The probes: `/livez` tells that the process answers, `/readyz` whether orders can be paid here, and what is wrong."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from main import build_app
from models.reconciliation.leases import SET_DONE_UNTIL
from runtime.database.database import Database
from sandbox.faults import Fault, Rule
from services.operations import migrations
from services.operations.health import MOST_CLOCK_SKEW, OK, STRIPE_EVERY, SWEEP_OVERDUE, Health
from services.reconciliation.sweep import SWEEP
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.conftest import Stripe, make_settings
from tests.e2e.databases import own_database
from tests.lines import written_as

GREEN = {"status": "ok", "database": "ok", "schema": "ok", "sweep": "ok", "stripe": "ok", "clock": "ok"}
DENIED = "AccessDenied: Stripe refuses STRIPE_SECRET_KEY, or it may not read the balance"
UNKNOWN = "OutcomeUnknown: Stripe can't be reached, or is out of order"
NO_DATABASE = {"database": "unreachable", "schema": "unknown", "sweep": "unknown"}


@asynccontextmanager
async def server(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            yield client


@pytest.fixture
def own(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as url:
        yield url


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def state(health: Health, part: str) -> str:
    return (await health.check()).as_json()[part]


async def test_a_process_that_answers_is_alive(http: httpx.AsyncClient) -> None:
    answer = await http.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_process_whose_parts_are_down_is_alive_and_not_ready() -> None:
    nowhere = make_settings("postgresql://127.0.0.1:1/shop", "http://127.0.0.1:1")
    async with server(nowhere) as client:
        assert (await client.get("/livez")).status_code == 200
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", **NO_DATABASE, "stripe": UNKNOWN, "clock": "ok"}


async def test_while_stripe_is_away_a_server_is_degraded_and_keeps_its_traffic(
    http: httpx.AsyncClient, stripe: Stripe
) -> None:
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="reset"), times=None))
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {**GREEN, "status": "degraded", "stripe": UNKNOWN})


async def test_a_key_that_stripe_takes_no_longer_is_told_and_takes_no_server_out_of_traffic(
    database: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    clock = Clock()
    health = Health(database, gateway, now=clock)
    assert (await health.check()).as_json() == GREEN

    stripe.sandbox.faults.add(Rule(fault=Fault(kind="401"), path="/v1/balance", times=1))
    clock.now += STRIPE_EVERY
    report = await health.check()
    assert (report.is_ready, report.as_json()) == (True, {**GREEN, "status": "degraded", "stripe": DENIED})


@dataclass
class Puzzled:
    """A gateway with a fault of ours, as a new release of a library may bring."""

    is_wrong: bool = True

    async def ping(self) -> datetime | None:
        if self.is_wrong:
            raise KeyError("balance")
        return None


async def test_a_fault_of_ours_in_asking_stripe_is_told_and_forgotten(database: Database) -> None:
    clock, gateway = Clock(), Puzzled()
    health = Health(database, gateway, now=clock)
    with written_as("json") as lines:
        report = await health.check()
    told = "KeyError: a fault of this server, which its log shows"
    assert (report.is_ready, report.as_json()["stripe"]) == (True, told)
    assert "stripe not probed" in lines.getvalue()

    gateway.is_wrong = False
    assert await state(health, "stripe") == told, "it is asked again after a while, as ever"
    clock.now += STRIPE_EVERY
    assert await state(health, "stripe") == OK


async def test_probes_are_answered_before_a_stripe_that_hangs(
    database: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="hang", seconds=60), path="/v1/balance", times=None))
    health = Health(database, gateway)
    assert await state(health, "stripe") == "no answer from Stripe yet"
    while (told := await state(health, "stripe")) == "no answer from Stripe yet":  # each waits 0.9 seconds
        pass
    assert told == "no answer from Stripe within 3 seconds"
    assert (await health.check()).is_ready
    assert len(stripe.sandbox.journal.calls("GET", "/v1/balance")) == 1, "all of them waited for one answer"


async def test_a_process_with_all_its_parts_is_ready(http: httpx.AsyncClient) -> None:
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, GREEN)


async def test_a_key_that_stripe_refuses_is_not_ready(settings: Settings) -> None:
    wrong = settings.model_copy(update={"stripe_secret_key": SecretStr("sk_test_of_another_account")})
    async with server(wrong) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {**GREEN, "status": "unready", "stripe": DENIED})
    assert "sk_test" not in answer.text


async def test_stripe_is_asked_again_after_a_while_and_not_before(
    database: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    clock = Clock()
    health = Health(database, gateway, now=clock)
    stripe.sandbox.faults.add(Rule(fault=Fault(kind="401"), path="/v1/balance", times=1))
    assert await state(health, "stripe") == DENIED

    clock.now += STRIPE_EVERY - 1
    assert await state(health, "stripe") == DENIED
    clock.now += 1
    assert await state(health, "stripe") == OK
    assert len(stripe.sandbox.journal.calls("GET", "/v1/balance")) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(kind="reset"), UNKNOWN),
        (Fault(kind="500"), "KeyBurnt: Stripe can't be reached, or is out of order"),
        (Fault(kind="401"), DENIED),
        (Fault(kind="429"), OK),
        (Fault(kind="400"), OK),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_stripe_is_ready_when_it_answers_our_key(
    database: Database, gateway: StripeGateway, stripe: Stripe, fault: Fault, told: str
) -> None:
    stripe.sandbox.faults.add(Rule(fault=fault, path="/v1/balance", times=None))
    assert await state(Health(database, gateway), "stripe") == told


async def test_readiness_goes_red_and_green_again_with_the_database(own_url: str, stripe: Stripe) -> None:
    async with server(make_settings(own_url, stripe.url)) as client:
        assert (await client.get("/readyz")).json() == GREEN

        let_in(own_url, "false")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {**GREEN, "status": "unready", **NO_DATABASE}
        assert (await client.get("/livez")).status_code == 200

        let_in(own_url, "true")
        assert (await client.get("/readyz")).json() == GREEN


def let_in(url: str, allowed: str) -> None:
    """Open or close a database as a restart does: whoever is connected is thrown out."""
    name = make_url(url).database or ""
    with psycopg.connect(str(make_url(url).set(database="postgres")), autocommit=True) as admin:
        change = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(change.format(sql.Identifier(name), sql.SQL(allowed)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


async def test_a_schema_that_is_too_old_or_missing_says_what_to_do(own: str, stripe: Stripe) -> None:
    async with server(make_settings(own, stripe.url)) as client:
        empty = await client.get("/readyz")
        migrations.upgrade(own, "0001")
        old = await client.get("/readyz")
        migrations.upgrade(own)
        new = await client.get("/readyz")

    assert [answer.status_code for answer in (empty, old, new)] == [503, 503, 200]
    assert empty.json()["schema"] == "empty: run `python main.py migrate`"
    assert old.json()["schema"] == f"at 0001, needs {migrations.head()}: run `python main.py migrate`"
    assert new.json() == GREEN


async def test_a_schema_that_is_newer_serves_on_while_the_new_version_is_rolled_out(
    own_url: str, stripe: Stripe
) -> None:
    async with server(make_settings(own_url, stripe.url)) as client:
        with psycopg.connect(own_url) as deployer:
            deployer.execute("UPDATE alembic_version SET version_num = '9999'")
        assert (await client.get("/readyz")).json() == GREEN

        with psycopg.connect(own_url) as another:
            another.execute("UPDATE alembic_version SET version_num = 'ae1027a6acf5'")
        refused = await client.get("/readyz")
        assert (refused.status_code, "another program's" in refused.json()["schema"]) == (503, True)

        with psycopg.connect(own_url) as deployer:
            deployer.execute("DELETE FROM alembic_version")
        assert (await client.get("/readyz")).status_code == 503


async def test_probes_at_once_are_answered_alike_and_stripe_is_asked_once(
    http: httpx.AsyncClient, stripe: Stripe
) -> None:
    answers = await asyncio.gather(*(http.get("/readyz") for _ in range(20)))
    assert [answer.json() for answer in answers] == [GREEN] * 20
    assert len(stripe.sandbox.journal.calls("GET", "/v1/balance")) == 1


@pytest.mark.parametrize(
    ("ours_is_ahead", "told"),
    [
        (0, OK),
        (MOST_CLOCK_SKEW - 2, OK),
        (2 - MOST_CLOCK_SKEW, OK),
        (120, "120 seconds ahead of Stripe's, and 30 are allowed: check NTP"),
        (-120, "120 seconds behind Stripe's, and 30 are allowed: check NTP"),
    ],
)
async def test_a_clock_that_is_not_stripes_is_not_ready(
    database: Database, gateway: StripeGateway, stripe: Stripe, ours_is_ahead: float, told: str
) -> None:
    def clock() -> datetime:
        theirs = datetime.fromtimestamp(int(stripe.sandbox.clock.time()), UTC)
        return theirs + timedelta(seconds=ours_is_ahead)

    report = await Health(database, gateway, clock=clock).check()
    shown = report.as_json()["clock"]
    assert abs(seconds_in(shown) - seconds_in(told)) <= 1
    assert shown.lstrip("0123456789") == told.lstrip("0123456789")
    assert report.is_ready == (told == OK)


def seconds_in(text: str) -> int:
    return int("".join(takewhile(str.isdigit, text)) or 0)


@pytest.mark.usefixtures("stripe")
async def test_a_sweep_that_is_overdue_is_told_and_keeps_nobody_from_paying(
    database: Database, gateway: StripeGateway
) -> None:
    clock = Clock()
    health = Health(database, gateway, now=clock)
    assert await state(health, "sweep") == OK  # a server that has just started waits for its first

    clock.now += SWEEP_OVERDUE
    report = await health.check()
    assert report.as_json()["sweep"].startswith("overdue: there was none")
    assert (report.is_ready, report.as_json()["status"]) == (True, "degraded")

    await swept(database, ago=timedelta(seconds=SWEEP_OVERDUE + 60))
    assert "began 660 seconds ago" in await state(health, "sweep")
    await swept(database, ago=timedelta(seconds=70))
    assert (await health.check()).as_json() == GREEN


async def swept(database: Database, *, ago: timedelta) -> None:
    moment = datetime.now(UTC) - ago
    await database.rows(SET_DONE_UNTIL, {"lease_name": SWEEP, "moment": moment})


@dataclass
class Issuer:
    """An issuer's keys as `/readyz` sees them."""

    failure: str | None = None
    are_usable: bool = True
    hangs: bool = False

    async def refresh(self) -> None:
        if self.hangs:
            await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("issuer", "told", "ready"),
    [
        (Issuer(), OK, True),
        (Issuer("status-503"), "JWT_JWKS_URL can't be read (status-503): the keys read last serve on", True),
        (
            Issuer("not-json", are_usable=False),
            "JWT_JWKS_URL can't be read (not-json): nobody can sign in",
            False,
        ),
        (
            Issuer(hangs=True, are_usable=False),
            "JWT_JWKS_URL can't be read (no answer): nobody can sign in",
            False,
        ),
    ],
    ids=str,
)
@pytest.mark.usefixtures("stripe")
async def test_an_issuer_whose_keys_cannot_be_read_is_told(
    database: Database, gateway: StripeGateway, stripe: Stripe, issuer: Issuer, told: str, ready: bool
) -> None:
    report = await Health(database, gateway, issuer).check()
    assert (report.as_json()["keys"], report.is_ready) == (told, ready)


async def test_a_server_whose_issuer_is_down_is_not_ready_and_logs_a_warning(
    settings: Settings,
) -> None:
    others = {"jwt_secret": None, "jwt_jwks_url": "http://127.0.0.1:1/jwks", "jwt_audience": "shop"}
    with written_as("json") as lines:
        async with server(settings.model_copy(update=others)) as client:
            answer = await client.get("/readyz")
            token = {"Authorization": f"Bearer {unsigned()}"}
            me = await client.post("/graphql", json={"query": "{ me { id } }"}, headers=token)
            pay = await client.post(
                "/api/payments/create-intent", json={"orderId": str(uuid4())}, headers=token
            )
    # Nothing is known of the token, so nobody is told that it has ended.
    assert me.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert (pay.status_code, pay.json()["code"], pay.json()["retryable"]) == (
        503,
        "SERVICE_UNAVAILABLE",
        True,
    )
    assert answer.status_code == 503
    assert answer.json()["keys"].endswith("(ClientConnectorError): nobody can sign in")
    refused, _ = [line for line in lines.getvalue().splitlines() if "token refused" in line]
    assert {"level": "warning", "reason": "keys-unavailable"}.items() <= json.loads(refused).items()


def unsigned() -> str:
    """The beginning of a token: its keys are looked for before its signature is judged."""
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"1"}').decode().rstrip("=")
    return f"{header}.e30.AA"
