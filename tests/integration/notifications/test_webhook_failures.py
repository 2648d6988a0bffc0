"""Endpoints that fail: tried again later, given up after three days, disabled, and a person told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models import AttentionKind, EventType
from services.notifications.webhook_dispatcher import WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_failures import PAUSES, pause_after
from services.notifications.webhook_sender import WebhookSender
from tests.deliveries import (
    HERE,
    KEPT,
    MERCHANT,
    at_work,
    deliveries,
    endpoint,
    make_due,
    paid_order,
    paid_orders,
)
from tests.deliveries import dispatcher as dispatcher
from tests.deliveries import endpoints as endpoints
from tests.deliveries import receiver as receiver
from tests.make import Shop
from tests.webhook_receiver import HANG, HANG_UP, Receiver, receiving


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        ((500, b"no"), 500, "it answered 500"),
        ((404, b""), 404, "it answered 404"),
        (
            (302, b""),
            302,
            "it answered 302, and redirects are not followed: set the address that it leads to",
        ),
        (HANG_UP, None, "no readable answer (ServerDisconnectedError)"),
    ],
)
async def test_what_is_not_taken_is_tried_again_later(
    shop: Shop,
    endpoints: WebhookEndpoints,
    dispatcher: WebhookDispatcher,
    receiver: Receiver,
    reply: tuple[int, bytes],
    status: int | None,
    error: str,
) -> None:
    receiver.reply, receiver.extra = lambda _: reply, f"location: {receiver.url}/elsewhere\r\n"
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)

    assert await dispatcher.deliver_due() == 1

    [delivery] = await deliveries(shop.database)
    assert (delivery.status, delivery.last_http_status, delivery.last_error) == ("due", status, error)
    assert timedelta(0) < delivery.due_at - datetime.now(UTC) < timedelta(seconds=6)
    receiver.reply = lambda _: (200, b"")
    await make_due(shop.database)
    assert await dispatcher.deliver_due() == 1
    [delivery] = await deliveries(shop.database)
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("delivered", 2, None)
    assert {m.path for m in receiver.received} == {"/hook"}
    assert len({(m.event_id, m.body) for m in receiver.received}) == 1
    assert (await endpoint(shop.database)).failing_since is None


def test_pauses_grow_and_are_no_two_alike() -> None:
    assert sorted(PAUSES) == list(PAUSES)
    drawn = {pause_after(3).total_seconds() for _ in range(20)}
    assert len(drawn) > 1
    assert all(0.8 * PAUSES[2] <= pause <= 1.2 * PAUSES[2] for pause in drawn)
    assert pause_after(100) <= timedelta(hours=15)


async def test_a_hanging_endpoint_is_left_after_a_while(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    receiver.reply = lambda _: HANG
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)
    sender = WebhookSender(HERE, timeout=0.3)

    await WebhookDispatcher(shop.database, sender, kept=KEPT).deliver_due()
    await sender.close()

    [delivery] = await deliveries(shop.database)
    assert delivery.last_error == "no answer within 0.3 seconds"


async def test_an_endless_answer_is_not_read(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    receiver.reply = lambda _: (200, b"x" * 50_000_000)
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    for _ in range(2):
        await paid_order(shop)
        await dispatcher.deliver_due()

    assert [delivery.status for delivery in await deliveries(shop.database)] == ["delivered"] * 2
    assert receiver.connections == 2


async def test_a_failing_endpoint_is_tried_one_by_one(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await shop.database.rows(text("UPDATE webhook_endpoints SET failing_since = now()"))
    receiver.reply = lambda _: (500, b"")
    await paid_orders(shop, 5)
    async with at_work(shop.database):
        await receiver.until(lambda: len(receiver.received) == 5)

    assert receiver.connections == 1


async def test_after_three_days_of_nothing_an_endpoint_is_disabled_and_a_person_told(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    receiver.reply = lambda _: (503, b"")
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)
    await dispatcher.deliver_due()
    await make_due(shop.database, timedelta(days=2, hours=12))
    await dispatcher.deliver_due()
    assert (await endpoints.get(view.id)).disabled_because is None
    await make_due(shop.database, timedelta(hours=13))
    await dispatcher.deliver_due()
    await paid_order(shop)
    await dispatcher.deliver_due()

    disabled = await endpoints.get(view.id)
    assert disabled.disabled_because == "It took no event any more: it answered 503."
    assert {delivery.status for delivery in await deliveries(shop.database)} == {"given_up"}
    [case] = await shop.database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL"))
    assert (case.kind, case.subject_id) == (AttentionKind.WEBHOOK_DISABLED, str(view.id))
    assert "replayEvents" in case.message
    tried = len(receiver.received)
    await paid_order(shop)
    assert await dispatcher.deliver_due() == 0
    assert len(receiver.received) == tried

    assert (await endpoints.set_enabled(MERCHANT, view.id, enabled=True)).disabled_because is None
    assert not await shop.database.rows(text("SELECT 1 FROM attention WHERE closed_at IS NULL"))
    receiver.reply = lambda _: (204, b"")
    await endpoints.replay(MERCHANT, view.id, datetime.now(UTC) - timedelta(days=4))
    await dispatcher.deliver_due()
    assert {d.status for d in await deliveries(shop.database) if d.type == "order_paid"} == {"delivered"}
    assert len({m.event_id for m in receiver.received[tried:]}) == 3


async def test_one_event_that_is_never_taken_is_given_up_alone_and_told(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    poison = await paid_order(shop)
    receiver.reply = lambda message: (500 if str(poison) in message.body.decode() else 204, b"")
    await dispatcher.deliver_due()
    await paid_order(shop)
    await dispatcher.deliver_due()
    await make_due(shop.database, timedelta(days=3))
    await dispatcher.deliver_due()

    assert sorted(d.status for d in await deliveries(shop.database)) == ["delivered", "given_up"]
    assert (await endpoints.get(view.id)).disabled_because is None
    [case] = await shop.database.rows(text("SELECT * FROM attention WHERE closed_at IS NULL"))
    assert "did not take an event for three days" in case.message


async def test_an_endpoint_that_is_gone_is_disabled_at_once(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    receiver.reply = lambda _: (410, b"")
    view, _ = await endpoints.create(MERCHANT, receiver.url, None)
    await paid_order(shop)
    await dispatcher.deliver_due()

    assert (await endpoints.get(view.id)).disabled_because == "It took no event any more: it answered 410."
    assert {delivery.status for delivery in await deliveries(shop.database)} == {"given_up"}


async def test_another_endpoint_hears_that_one_was_disabled(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher
) -> None:
    async with receiving(reply=lambda _: (410, b"")) as gone, receiving() as well:
        await endpoints.create(MERCHANT, gone.url, [EventType.ORDER_PAID])
        await endpoints.create(MERCHANT, well.url, [EventType.ATTENTION_NEEDED])
        await paid_order(shop)
        await dispatcher.deliver_due()
        await dispatcher.deliver_due()

    [message] = well.received
    assert message.message["type"] == "attention.needed"
    assert UUID(message.message["data"]["attentionId"]).version == 4
