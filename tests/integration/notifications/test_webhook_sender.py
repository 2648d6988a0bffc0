"""One call to an endpoint: TLS, names, proxies and cookies."""

from pathlib import Path

import pytest

from services.notifications.webhook_addresses import AddressRules
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_sender import WebhookSender
from tests.certificates import certificate_for
from tests.deliveries import HERE
from tests.deliveries import dispatcher as dispatcher
from tests.deliveries import endpoints as endpoints
from tests.deliveries import receiver as receiver
from tests.make import Shop
from tests.networks import needs_ipv6
from tests.webhook_receiver import Receiver, receiving


async def test_tls_is_verified_against_the_name_though_the_address_is_pinned(
    shop: Shop, endpoints: WebhookEndpoints, tmp_path: Path
) -> None:
    """`localhost` has a certificate, `127.0.0.1` on the same port has none."""
    mine = certificate_for("localhost", tmp_path)
    async with receiving(tls=mine.server) as receiver:
        good, wrong = f"https://localhost:{receiver.port}/", f"https://127.0.0.1:{receiver.port}/"
        trusting = WebhookSender(HERE, tls=mine.client, timeout=5.0)
        usual = WebhookSender(HERE, timeout=5.0)
        answers = [
            await trusting.send(good, b"{}", {"webhook-id": "1"}),
            await trusting.send(wrong, b"{}", {"webhook-id": "2"}),
            await usual.send(good, b"{}", {"webhook-id": "3"}),
        ]
        await trusting.close()
        await usual.close()

    assert [message.event_id for message in receiver.received] == ["1"]
    assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
    assert answers[0].is_taken
    assert not answers[1].is_taken
    assert answers[2].error is not None
    assert answers[2].error.startswith("the certificate is not valid")
    assert mine.names_asked_for == ["localhost", None, "localhost"]


async def test_the_environments_proxy_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    sender = WebhookSender(HERE)
    assert (await sender.send(receiver.url, b"{}", {})).is_taken
    await sender.close()


@needs_ipv6
async def test_an_endpoint_may_be_an_address_of_ipv6() -> None:
    async with receiving(host="::1") as receiver:
        sender = WebhookSender(HERE)
        assert (await sender.send(receiver.url, b"{}", {"webhook-id": "1"})).is_taken
        await sender.close()
    assert receiver.received[0].headers["host"] == f"[::1]:{receiver.port}"


async def test_a_cookie_is_not_sent_back(receiver: Receiver) -> None:
    receiver.extra = "set-cookie: a=b; path=/\r\n"
    sender = WebhookSender(HERE)
    for _ in range(2):
        await sender.send(receiver.url, b"{}", {})
    await sender.close()
    assert all("cookie" not in message.headers for message in receiver.received)


async def test_rules_are_asked_at_each_try(receiver: Receiver) -> None:
    """An endpoint that was created while this machine was allowed gets nothing once it is not."""
    sender = WebhookSender(AddressRules())
    for url in (receiver.url, f"https://localhost:{receiver.port}/"):
        answer = await sender.send(url, b"{}", {})
        assert answer.error is not None
        assert "events are not sent there" in answer.error
    await sender.close()
    assert receiver.connections == 0
