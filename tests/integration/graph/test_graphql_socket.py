"""Queries and mutations over graphql-transport-ws are bounded as over HTTP; what follows an order is not cut."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from graph.context import Context, ContextMaker, PaymentSettings
from graph.serving.documents import Documents
from graph.serving.socket import GraphQLSocket, first_in_time
from graph.serving.spending import SIGNED_IN
from main import build_use_cases
from models import OrderStatus
from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from sandbox.serve import served
from services.identity.callers import Callers
from services.identity.checkout_tokens import CheckoutTokens
from services.identity.service_keys import ServiceKeys
from services.notifications.order_news import OrderNews
from services.stripe_api.gateway import StripeGateway
from settings import Settings, reveal
from tests.conftest import Stripe
from tests.make import Shop
from tests.sockets import follower, token

LONGEST = 2.0  # seconds an operation has here: enough for those that nothing keeps
PAY = "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename } }"


@pytest.fixture
async def address(settings: Settings, database: Database, gateway: StripeGateway) -> AsyncIterator[str]:
    """A server whose operations are given up soon."""
    news = OrderNews(reveal(settings.database_url))
    payments = PaymentSettings("pk_test_0", "")
    verifier = settings.token_verifier(None)
    callers = Callers(verifier, ServiceKeys(database), CheckoutTokens(database))
    use_cases = build_use_cases(database, gateway, news, callers)
    anonymous = Context(None, use_cases, payments, Documents(), settings.rate_limits(), introspection=False)
    socket = GraphQLSocket(ContextMaker(callers, anonymous), longest=LONGEST)
    app = Starlette(
        routes=[WebSocketRoute("/graphql", socket)],
        lifespan=lambda _: news.on_air(),
    )
    async with served(app) as url:
        yield url.replace("http://", "ws://") + "/graphql"


async def test_a_mutation_that_takes_too_long_is_given_up_and_what_follows_the_order_is_not(
    address: str, shop: Shop, stripe: Stripe
) -> None:
    stripe.sandbox.faults.add(Rule(fault=parse_fault("hang; seconds=5"), path="/v1/payment_intents"))
    order_id = await shop.order()
    async with follower(address, token()) as ada:
        await ada.follow(order_id)
        assert (await ada.order())["status"] == "PENDING"

        await ada.send("subscribe", id="pay", payload={"query": PAY, "variables": {"id": str(order_id)}})
        given_up = await ada.receive()
        assert (given_up["id"], given_up["type"], given_up["payload"]["data"]) == ("pay", "next", None)
        [error] = given_up["payload"]["errors"]
        assert error["extensions"] == {"code": "TIMEOUT"}
        assert await ada.receive() == {"id": "pay", "type": "complete"}

        await shop.set_order(order_id, status=OrderStatus.PAID)
        assert (await ada.order())["status"] == "PAID"


async def test_operations_at_once_on_one_socket_spend_each_for_itself(address: str, shop: Shop) -> None:
    page = f"{{ orders(first: {SIGNED_IN.entries // 2}) {{ nodes {{ id }} }} }}"
    double = "{ " + " ".join(f"{name}: {page[1:-1]}" for name in "ab") + " }"
    names = [str(number) for number in range(4)]
    async with follower(address, token()) as ada:
        for name in names:
            await ada.send("subscribe", id=name, payload={"query": double})
        answers = [await ada.receive() for _ in range(2 * len(names))]
    assert not [answer for answer in answers if "errors" in answer.get("payload", {})]
    assert sorted(answer["id"] for answer in answers if answer["type"] == "complete") == names


async def test_what_is_given_up_is_ended() -> None:
    ended = asyncio.Event()

    async def never() -> AsyncGenerator[None, None]:
        try:
            await asyncio.Event().wait()
            yield
        finally:
            ended.set()

    [answer] = [result async for result in first_in_time(never(), 0.01)]

    assert answer
    assert answer.errors
    assert answer.errors[0].extensions == {"code": "TIMEOUT"}
    assert ended.is_set()
