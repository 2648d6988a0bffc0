"""Events reach the shop's endpoints: signed, at least once, none held up by another, and given up only with a word."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import Coroutine, Generator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from models import DeliveryStatus, EventType, OrderStatus
from services.notifications.event_feed import EventFeed
from services.notifications.webhook_dispatcher import PLACES, WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_sender import Answer, WebhookSender
from services.payments import failpoints
from tests.deliveries import (
    HERE,
    KEPT,
    MERCHANT,
    at_work,
    deliveries,
    make_due,
    paid_order,
    paid_orders,
)
from tests.deliveries import dispatcher as dispatcher
from tests.deliveries import endpoints as endpoints
from tests.deliveries import receiver as receiver
from tests.make import Shop
from tests.webhook_receiver import HANG, Receiver, receiving

T = TypeVar("T")


async def test_an_event_arrives_signed_as_standard_webhooks(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    view, secret = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    order_id = await paid_order(shop)

    assert await dispatcher.deliver_due() == 1

    [message] = receiver.received
    assert Webhook(secret).verify(message.body, message.headers) == {
        "type": "order.paid",
        "timestamp": message.message["timestamp"],
        "data": {
            "orderId": str(order_id),
            "reference": f"A-{order_id}",
            "status": "PAID",
            "version": 3,
            "revision": 4,
        },
    }
    [event] = (await EventFeed(shop.database).page(first=10, after=None, types=[EventType.ORDER_PAID])).items
    assert message.event_id == str(event.id)
    assert datetime.fromisoformat(message.message["timestamp"]) <= datetime.now(UTC)
    assert {"cookie", "authorization"}.isdisjoint(message.headers)
    [delivery] = await deliveries(shop.database)
    assert (delivery.status, delivery.attempts, delivery.last_http_status) == ("delivered", 1, 204)
    assert await dispatcher.deliver_due() == 0
    assert view.types == (EventType.ORDER_PAID,)


async def test_only_the_types_that_were_asked_for_are_sent(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher
) -> None:
    async with receiving() as all_of_them, receiving() as some:
        await endpoints.create(MERCHANT, all_of_them.url, None)
        await endpoints.create(MERCHANT, some.url, [EventType.ORDER_CANCELED])
        order_id = await paid_order(shop)
        await shop.set_order(order_id, status=OrderStatus.CANCELED)
        await dispatcher.deliver_due()

    assert {m.message["type"] for m in all_of_them.received} >= {"order.paid", "order.canceled"}
    assert [m.message["type"] for m in some.received] == ["order.canceled"]


async def test_both_secrets_sign_while_one_is_rotated(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    view, old = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    _, new = await endpoints.rotate_secret(MERCHANT, view.id)
    await paid_order(shop)
    await dispatcher.deliver_due()
    await shop.database.rows(text("UPDATE webhook_endpoints SET old_key_until = now()"))
    await paid_order(shop)
    await dispatcher.deliver_due()

    both, alone = receiver.received
    for secret in (old, new):
        assert Webhook(secret).verify(both.body, both.headers)
    assert both.headers["webhook-signature"].count(" ") == 1
    assert alone.headers["webhook-signature"] == "v1," + base64.b64encode(
        hmac.digest(
            base64.b64decode(new.removeprefix("whsec_")),
            f"{alone.event_id}.{alone.headers['webhook-timestamp']}.".encode() + alone.body,
            hashlib.sha256,
        )
    ).decode("ascii")


async def test_a_rotation_that_is_repeated_keeps_the_secret_that_the_shop_has(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    """The answer to the first one was lost: nobody saw its secret."""
    view, old = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await endpoints.rotate_secret(MERCHANT, view.id)
    _, new = await endpoints.rotate_secret(MERCHANT, view.id)
    await paid_order(shop)
    await dispatcher.deliver_due()

    [delivered] = receiver.received
    for secret in (old, new):
        assert Webhook(secret).verify(delivered.body, delivered.headers)


async def test_connections_are_used_again(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    for _ in range(3):
        await paid_order(shop)
        await dispatcher.deliver_due()

    assert (len(receiver.received), receiver.connections) == (3, 1)


async def test_an_endpoint_that_hangs_holds_up_no_other(shop: Shop, endpoints: WebhookEndpoints) -> None:
    async with receiving(reply=lambda _: HANG) as dead, receiving() as well:
        await endpoints.create(MERCHANT, dead.url, [EventType.ORDER_PAID])
        await endpoints.create(MERCHANT, well.url, [EventType.ORDER_PAID])
        await paid_orders(shop, 100)

        async with at_work(shop.database) as dispatcher:
            dispatcher.news.set()
            await well.until(lambda: len({m.event_id for m in well.received}) == 100)
            assert len(dead.received) <= PLACES


async def test_several_processes_share_the_work_and_send_each_event_once(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_orders(shop, 60)
    async with at_work(shop.database), at_work(shop.database), at_work(shop.database):
        await receiver.until(lambda: len(receiver.received) >= 60)

    assert sorted(m.event_id for m in receiver.received) == sorted({m.event_id for m in receiver.received})


async def test_an_answer_that_was_not_written_down_is_asked_for_again(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    """The process dies between the endpoint's answer and our commit."""
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)

    def die(name: str) -> None:
        if name == failpoints.WEBHOOK_ANSWERED:
            raise RuntimeError("power cut")

    with failpoints.reaching(die):
        await dispatcher.deliver_due()
    [delivery] = await deliveries(shop.database)
    assert delivery.status == DeliveryStatus.DUE
    assert await dispatcher.deliver_due() == 0  # the lease of the dead holds

    await make_due(shop.database)
    await dispatcher.deliver_due()
    assert len(receiver.received) == 2
    assert len({message.event_id for message in receiver.received}) == 1


async def test_a_delivery_is_due_until_its_answer_came(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    receiver.reply = lambda _: HANG
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)
    async with at_work(shop.database):
        await receiver.until(lambda: receiver.received)
        [delivery] = await deliveries(shop.database)
        assert (delivery.status, delivery.delivered_at) == ("due", None)


async def test_no_connection_is_held_while_an_endpoint_is_called(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    receiver.reply = lambda _: HANG
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_orders(shop, PLACES)
    async with at_work(shop.database):
        await receiver.until(lambda: len(receiver.received) == PLACES)
        async with asyncio.timeout(5):
            while shop.database.connections_in_use:  # noqa: ASYNC110  the pool gives no sign
                await asyncio.sleep(0.01)


async def test_news_that_come_at_the_end_keep_nobody_at_work(dispatcher: WebhookDispatcher) -> None:
    async def ends_after(moments: int) -> None:
        async with dispatcher.at_work():
            await asyncio.sleep(0.2)  # until it waits for news
            dispatcher.news.set()
            for _ in range(moments):
                await asyncio.sleep(0)

    for moments in range(6):
        shift = asyncio.create_task(ends_after(moments))
        ended, _ = await asyncio.wait({shift}, timeout=10)
        shift.cancel()
        assert ended, f"still at work, called off {moments} moments after the news"


async def test_a_replay_begins_anew_also_while_a_try_is_under_way(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    answered = asyncio.Event()
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    since = datetime.now(UTC)
    await paid_order(shop)
    replayed = False

    class Sender(WebhookSender):
        async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            nonlocal replayed
            answer = await super().send(url, body, headers)
            if not replayed:
                replayed = True
                await endpoints.replay(MERCHANT, view.id, since)
                await WebhookDispatcher(shop.database, self, kept=KEPT)._prepare()  # noqa: SLF001
                answered.set()
            return answer

    sender = Sender(HERE)
    await WebhookDispatcher(shop.database, sender, kept=KEPT).deliver_due()
    await sender.close()

    assert answered.is_set()
    assert len(receiver.received) == 2
    assert [d.status for d in await deliveries(shop.database)] == ["delivered"]


async def test_a_late_answer_is_not_taken_for_that_of_the_replay(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    """Both are the first try of what they belong to."""
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    since = datetime.now(UTC)
    await paid_order(shop)

    class Late(WebhookSender):
        async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            answer = await super().send(url, body, headers)
            await endpoints.replay(MERCHANT, view.id, since)
            await WebhookDispatcher(shop.database, self, kept=KEPT)._prepare()  # noqa: SLF001
            taken = text("UPDATE webhook_deliveries SET attempts = 1, due_at = now() + interval '1 minute'")
            await shop.database.rows(taken)  # by another process, whose try is under way
            return answer

    sender = Late(HERE)
    await WebhookDispatcher(shop.database, sender, kept=KEPT).deliver_due()
    await sender.close()

    assert [delivery.status for delivery in await deliveries(shop.database)] == ["due"]


async def test_an_answer_behind_its_lease_is_not_taken_for_that_of_the_next_try(
    shop: Shop, endpoints: WebhookEndpoints, receiver: Receiver
) -> None:
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)

    class Late(WebhookSender):
        async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            taken = text("UPDATE webhook_deliveries SET attempts = 2, due_at = now() + interval '1 minute'")
            await shop.database.rows(taken)  # by another process, whose try is under way
            return Answer(500, "it answered 500")

    sender = Late(HERE)
    await WebhookDispatcher(shop.database, sender, kept=KEPT).deliver_due()
    await sender.close()

    [delivery] = await deliveries(shop.database)
    assert (delivery.status, delivery.attempts, delivery.last_http_status) == ("due", 2, None)


async def test_what_is_switched_off_gets_nothing(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    view, _ = await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)
    await EventFeed(shop.database).newest()
    await endpoints.set_enabled(MERCHANT, view.id, enabled=False)

    assert await dispatcher.deliver_due() == 0
    assert [delivery.status for delivery in await deliveries(shop.database)] == ["given_up"]
    assert receiver.received == []


async def test_old_events_go_with_their_deliveries_and_due_ones_stay(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_order(shop)
    await dispatcher.deliver_due()
    receiver.reply = lambda _: (500, b"")
    await paid_order(shop)
    await dispatcher.deliver_due()
    await paid_order(shop)
    await EventFeed(shop.database).newest()
    await shop.database.rows(text("UPDATE shop_events SET published_at = now() - interval '31 days'"))

    await dispatcher.clean()

    assert [delivery.status for delivery in await deliveries(shop.database)] == ["due", "due"]


async def test_a_try_that_is_canceled_before_it_begins_takes_no_place_for_ever(
    shop: Shop, endpoints: WebhookEndpoints, dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    """As what a crash ends in the moment in which it would have begun."""
    await endpoints.create(MERCHANT, receiver.url, [EventType.ORDER_PAID])
    await paid_orders(shop, PLACES)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(canceled_before_it_begins)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await dispatcher.deliver_due()
    finally:
        loop.set_task_factory(None)
    await make_due(shop.database)

    await dispatcher.deliver_due()

    assert len(receiver.received) == PLACES


def canceled_before_it_begins(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], /, **options: Any
) -> asyncio.Future[T]:
    task = asyncio.Task(work, loop=loop, **options)
    task.cancel()
    return task
