"""What the webhook refuses, and what it answers without keeping it."""

import time
from collections.abc import Callable, Sequence

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from main import build_app
from runtime.database.database import Database, Row
from services.reconciliation.inbox import Inbox
from services.stripe_api.gateway import StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from settings import Settings
from tests.events import WEBHOOK_SECRET, event_body, signed
from tests.make import Shop


async def stored(database: Database) -> Sequence[Row]:
    return await database.rows(text("SELECT * FROM stripe_events ORDER BY received_at"))


def one_byte_changed() -> tuple[bytes, str]:
    body, header = signed(event_body())
    return body.replace(b"succeeded", b"succeedee"), header


REFUSED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "no signature": lambda: (event_body().encode(), ""),
    "nonsense": lambda: (event_body().encode(), "nonsense"),
    "another secret": lambda: signed(event_body(), secret="whsec_other"),
    "an old signature": lambda: signed(event_body(), at=time.time() - 301),
    "a signature of the future": lambda: signed(event_body(), at=time.time() + 900),
    "one byte changed": one_byte_changed,
    "not UTF-8": lambda: (b"\xff\xfe{}", signed("{}")[1]),
    "a signed list": lambda: signed("[]"),
    "signed nonsense": lambda: signed("nonsense"),
    "signed null": lambda: signed("null"),
    "no id": lambda: signed(event_body(id=None)),
    "no object": lambda: signed(event_body(data={})),
    "a NUL in the id": lambda: signed(event_body(id="evt_\0")),
    "half a character in the id": lambda: signed(event_body(id="evt_\ud800")),
    "half a character in the type": lambda: signed(event_body(type="payment_intent.\ud800")),
    "half a character in the intent": lambda: signed(
        event_body(data={"object": {"id": "pi_\ud800", "object": "payment_intent"}})
    ),
    "nested too deep": lambda: signed("[" * 100_000),
    "a time in nanoseconds": lambda: signed(event_body(created=1_790_000_000_000_000_000)),
    "a time beyond all calendars": lambda: signed(event_body(created=10**30)),
    "a timestamp that is none": lambda: (event_body().encode(), "t=now,v1=00"),
    "a very long timestamp": lambda: (event_body().encode(), f"t={'9' * 5_000},v1=00"),
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED.keys())
async def test_what_stripe_did_not_send_is_refused_and_nothing_is_stored(
    http: httpx.AsyncClient, database: Database, made: Callable[[], tuple[bytes, str]]
) -> None:
    body, header = made()

    answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 400
    assert await stored(database) == []


async def test_events_of_live_mode_and_of_other_kinds_are_answered_and_not_stored(
    http: httpx.AsyncClient, database: Database, shop: Shop
) -> None:
    ours = {"id": "pi_1", "metadata": {"installation_id": await shop.installation_id()}}
    for changes in ({"livemode": True}, {"type": "invoice.paid"}, {"type": "customer.created"}):
        body, header = signed(event_body(**changes, data={"object": ours}))
        answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
        assert answer.status_code == 200

    assert await stored(database) == []


@pytest.mark.parametrize("secret", ["whsec_new00000000000000", WEBHOOK_SECRET])
async def test_both_secrets_are_good_while_one_is_being_rotated(
    secret: str, database: Database, gateway: StripeGateway, shop: Shop
) -> None:
    check = StripeSignatureCheck(("whsec_new00000000000000", WEBHOOK_SECRET))
    inbox = Inbox(database, gateway, check, livemode=False)

    ours = {"id": "pi_1", "metadata": {"installation_id": await shop.installation_id()}}

    await inbox.receive(*signed(event_body(data={"object": ours}), secret=secret))

    assert len(await stored(database)) == 1


async def test_without_a_secret_the_door_is_closed(settings: Settings, database: Database) -> None:
    app: Starlette = build_app(settings.model_copy(update={"stripe_webhook_secret": None}))
    body, header = signed(event_body())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 503
    assert await stored(database) == []


async def test_a_body_of_more_than_256_kilobytes_is_refused(http: httpx.AsyncClient) -> None:
    body, header = signed(event_body(padding="x" * 256 * 1024))

    answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})

    assert answer.status_code == 413
