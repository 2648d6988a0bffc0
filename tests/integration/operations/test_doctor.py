"""The doctor: what is well is one line, what is wrong says what to do, and nothing is changed by looking."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sqlalchemy import make_url, text

from main import examine
from runtime.database.database import Database
from sandbox.webhooks.endpoints import WebhookEndpoint
from services.identity.public_keys import JwksKeys
from services.operations.doctor.findings import Finding, Verdict, as_json, as_lines, is_well
from services.operations.doctor.machine import examine_keys
from services.operations.doctor.stripe_account import (
    NEEDED_EVENTS,
    PERMISSIONS,
    clock_finding,
    examine_stripe,
    webhook_findings,
)
from services.stripe_api.gateway import API_VERSION, StripeGateway
from services.stripe_api.wire import Answer
from settings import Settings
from tests.conftest import STRIPE, Stripe
from tests.e2e.databases import own_database
from tests.issuer import running_issuer
from tests.tokens import jwk

EVENTS = ["payment_intent.*", "refund.*", "charge.refunded", "charge.dispute.*"]
ADDRESS = "https://pay.shop.example/webhooks/stripe"
RESTRICTED = "rk_test_doctor0000000000"


def told(findings: list[Finding], about: str) -> list[tuple[str, str]]:
    return [(f.verdict.value, f.told) for f in findings if f.about.startswith(about)]


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint(stripe: Stripe) -> AsyncIterator[WebhookEndpoint]:
    made = WebhookEndpoint(url=ADDRESS, secret="whsec_0123456789abcdef", enabled_events=list(EVENTS))
    stripe.sandbox.account.endpoints.append(made)
    yield made
    if made in stripe.sandbox.account.endpoints:
        stripe.sandbox.account.endpoints.remove(made)


async def test_a_shop_that_is_well_has_a_line_for_each_part(
    settings: Settings, database: Database, endpoint: WebhookEndpoint
) -> None:
    findings = await examine(settings)
    assert is_well(findings), as_lines(findings)
    for about in (
        "settings",
        "database",
        "database schema",
        "database writes",
        "stripe account",
        "clock",
        "disk",
    ):
        assert told(findings, about), about
    assert len([f for f in findings if f.about.startswith("stripe key")]) == len(PERMISSIONS)
    assert told(findings, f"webhook {ADDRESS}") == [("ok", "snapshot events, enabled")]
    shown = json.loads(as_json(findings))
    assert shown["ok"]
    assert {"about", "verdict", "told", "advice"} == shown["checks"][0].keys()
    for secret in (STRIPE.secret_keys[0], "0123456789abcdef"):
        assert secret not in as_json(findings) + as_lines(findings)


async def test_looking_changes_nothing(
    settings: Settings, database: Database, stripe: Stripe, endpoint: WebhookEndpoint
) -> None:
    await examine(settings)
    assert not list(stripe.sandbox.account.payment_intents)
    assert not list(stripe.sandbox.account.refunds)
    leases = await database.rows(text("SELECT name FROM leases"))
    assert "doctor" not in [row.name for row in leases]


GRANTED = (
    ("PaymentIntents, write", "rak_payment_intent_read"),
    ("PaymentIntents, read", None),
    ("Refunds, write", "rak_refund_read"),
    ("Refunds, read", None),
    ("Charges, read", None),
    ("Disputes, read", None),
    ("Events, read", None),
    ("Balance, read", None),
)
WHOLE = [
    "rak_payment_intent_write",
    "rak_refund_write",
    "rak_charge_read",
    "rak_dispute_read",
    "rak_event_read",
    "rak_balance_read",
]


@pytest.mark.parametrize(("name", "instead"), GRANTED)
async def test_each_permission_that_the_key_lacks_is_named(
    settings: Settings, database: Database, stripe: Stripe, name: str, instead: str | None
) -> None:
    noun = {"PaymentIntents": "payment_intent"}.get(
        name.partition(",")[0], name.partition(",")[0].lower().rstrip("s")
    )
    left = [each for each in WHOLE if f"_{noun}_" not in each] + ([instead] if instead else [])
    stripe.sandbox.permissions.restrict(RESTRICTED, left)
    gateway = StripeGateway(RESTRICTED, api_base=stripe.url)
    findings = await examine_stripe(gateway, is_live=False, api_version=API_VERSION)
    await gateway.close()
    refused = [f for f in findings if f.about.startswith("stripe key") and f.verdict is Verdict.WRONG]
    assert f"stripe key, {name}" in [f.about for f in refused]
    assert all(f.about.startswith(f"stripe key, {name.partition(',')[0]}") for f in refused)
    assert "does not have the required permissions" in refused[0].told
    assert "API keys" in refused[0].advice


async def test_a_whole_restricted_key_is_enough(stripe: Stripe, database: Database) -> None:
    stripe.sandbox.permissions.restrict(RESTRICTED, WHOLE)
    gateway = StripeGateway(RESTRICTED, api_base=stripe.url)
    findings = await examine_stripe(gateway, is_live=False, api_version=API_VERSION)
    await gateway.close()
    assert is_well(findings), as_lines(findings)
    assert [verdict for verdict, _ in told(findings, "webhooks")] == ["warning"]


async def test_a_wrong_key_and_a_stripe_that_is_away_are_told(settings: Settings, database: Database) -> None:
    wrong_key = settings.model_copy(update={"stripe_secret_key": SecretStr("sk_test_of_another_shop")})
    assert told(await examine(wrong_key), "stripe key")[0][0] == "wrong"
    away = settings.model_copy(update={"stripe_api_base": "http://127.0.0.1:1"})
    assert told(await examine(away), "stripe")[0][0] == "wrong"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"enabled": False}, "it is disabled"),
        ({"enabled_events": ["payment_intent.*"]}, "it is not sent charge.refunded"),
        ({"url": "http://pay.shop.example/webhooks/stripe"}, "it is not https"),
        ({"url": "https://pay.shop.example/stripe"}, "no endpoint leads to"),
    ],
)
async def test_a_webhook_that_would_not_arrive_is_told(
    settings: Settings, database: Database, endpoint: WebhookEndpoint, change: dict[str, Any], why: str
) -> None:
    for name, value in change.items():
        setattr(endpoint, name, value)
    wrongs = [f for f in await examine(settings) if f.verdict is Verdict.WRONG]
    assert [f.about.startswith("webhook") for f in wrongs] == [True]
    assert why in wrongs[0].told


def test_thin_destinations_and_versions_are_read_as_stripe_documents_them() -> None:
    thin = {
        "id": "ed_test_1",
        "object": "v2.core.event_destination",
        "status": "enabled",
        "event_payload": "thin",
        "snapshot_api_version": None,
        "enabled_events": [f"v1.{event}" for event in NEEDED_EVENTS],
        "webhook_endpoint": {"url": ADDRESS},
    }
    old = {"id": "we_1", "status": "enabled", "enabled_events": ["*"], "url": ADDRESS + "/../webhooks/stripe"}
    none, one = Answer(200, {}, {"data": []}), Answer(200, {}, {"data": [thin]})
    assert [f.told for f in webhook_findings(none, one, API_VERSION)] == ["thin events, enabled"]
    versioned = Answer(200, {}, {"data": [{**old, "api_version": "2020-08-27"}]})
    found = [*webhook_findings(versioned, Answer(404, {}, {}), API_VERSION)]
    assert [f.verdict.value for f in found] == ["warning", "ok"]


async def test_a_database_that_is_away_empty_or_old_is_told(settings: Settings, postgres_url: str) -> None:
    away = settings.model_copy(update={"database_url": SecretStr("postgresql://127.0.0.1:1/nobody")})
    assert told(await examine(away), "database")[0][0] == "wrong"
    with own_database(postgres_url) as url:
        empty = settings.model_copy(update={"database_url": SecretStr(url)})
        assert ("wrong", "it is empty") in told(await examine(empty), "database schema")


async def test_a_role_that_lacks_something_or_may_rewrite_history_is_told(
    settings: Settings, database: Database, postgres_url: str
) -> None:
    await database.rows(text("CREATE ROLE doctors_patient LOGIN"))
    try:
        await database.rows(
            text("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO doctors_patient")
        )
        url = make_url(postgres_url).set(username="doctors_patient").render_as_string(hide_password=False)
        patient = settings.model_copy(update={"database_url": SecretStr(url)})
        [(verdict, lacks)] = told(await examine(patient), "database privileges")
        assert verdict == "wrong"
        assert "DELETE on order_items" in lacks
        await database.rows(text("GRANT DELETE ON ALL TABLES IN SCHEMA public TO doctors_patient"))
        [(verdict, beyond)] = told(await examine(patient), "database privileges")
        assert verdict == "warning"
        assert "DELETE on payment_transitions" in beyond
        await database.rows(text("ALTER ROLE doctors_patient SET default_transaction_read_only = on"))
        writes = told(await examine(patient), "database")
        assert any(verdict == "wrong" for verdict, _ in writes)
    finally:
        await database.rows(text("DROP OWNED BY doctors_patient"))
        await database.rows(text("DROP ROLE doctors_patient"))


async def test_unsafe_settings_are_told_and_the_rest_is_looked_at_all_the_same(
    settings: Settings, database: Database
) -> None:
    findings = await examine(settings.model_copy(update={"metrics_token": SecretStr("aaaaaaaaaaaaaaaa")}))
    assert told(findings, "settings")[0][0] == "wrong"
    assert ("ok", "a row can be written") in told(findings, "database writes")


async def test_the_issuers_keys_are_read() -> None:
    async with running_issuer(jwk(ec.generate_private_key(ec.SECP256R1()), kid="1")) as issuer:
        assert [f.verdict for f in await examine_keys(JwksKeys(issuer.url))] == [Verdict.OK]
        issuer.status = 500
        assert [f.verdict for f in await examine_keys(JwksKeys(issuer.url))] == [Verdict.WRONG]
        issuer.status = 200
        issuer.publish()
        assert [f.verdict for f in await examine_keys(JwksKeys(issuer.url))] == [Verdict.WRONG]
    assert await examine_keys(None) == []


def test_a_clock_that_is_wrong_is_told() -> None:
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    header = {"Date": "Wed, 25 Nov 2026 12:00:00 GMT"}
    assert clock_finding(header, now + timedelta(seconds=29)).verdict is Verdict.OK
    assert clock_finding(header, now + timedelta(seconds=40)).verdict is Verdict.WRONG
    assert clock_finding(header, now - timedelta(seconds=40)).verdict is Verdict.WRONG
    assert clock_finding({}, now).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("suffix", "verdict", "words"),
    [("ORDERS", "ok", "`SANDBOX* ORDERS`"), ("OCT MARATHONS", "ok", "`SANDBOX* OCT MARATHONS`"),
     ("OCT MARATHON 26", "warning", "more than 22 characters")],
)  # fmt: skip
async def test_a_statement_that_is_too_long_with_the_accounts_prefix_is_told(
    gateway: StripeGateway, stripe: Stripe, suffix: str, verdict: str, words: str
) -> None:
    findings = await examine_stripe(gateway, is_live=False, api_version=API_VERSION, statement_suffix=suffix)

    [(found, said)] = told(findings, "card statements")
    assert found == verdict
    assert words in said
