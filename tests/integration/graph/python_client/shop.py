"""python shop.py URL TOKEN PRODUCT_ID: orders, asks for the payment, cancels and follows it, and prints what it saw.

It handles everything the schema says can happen: mypy refuses it if one case is missing.
"""

import asyncio
import json
import sys
from typing import assert_never

from shop_client import (
    Client,
    CreateOrderInput,
    GraphQLClientGraphQLMultiError,
    OrderItemInput,
    OrderStatus,
)
from shop_client.create_order import CreateOrderCreateOrderOrder
from shop_client.create_payment_intent import (
    CreatePaymentIntent,
    CreatePaymentIntentCreatePaymentIntentAmountNotChargeable,
    CreatePaymentIntentCreatePaymentIntentOrderNotFound,
    CreatePaymentIntentCreatePaymentIntentOrderNotPayable,
    CreatePaymentIntentCreatePaymentIntentPaymentInProgress,
    CreatePaymentIntentCreatePaymentIntentPaymentIntent,
    CreatePaymentIntentCreatePaymentIntentPaymentProviderUnavailable,
    CreatePaymentIntentCreatePaymentIntentRateLimited,
)


def told(answer: CreatePaymentIntent) -> str:
    match answer.create_payment_intent:
        case CreatePaymentIntentCreatePaymentIntentPaymentIntent() as intent:
            return f"pay {intent.amount.minor_units} {intent.client_secret[:3]}"
        case CreatePaymentIntentCreatePaymentIntentOrderNotPayable() as refusal:
            return f"{refusal.code.value} {refusal.order_status.value}"
        case CreatePaymentIntentCreatePaymentIntentRateLimited() as refusal:
            return f"{refusal.code.value} {refusal.retry_after}"
        case (
            CreatePaymentIntentCreatePaymentIntentAmountNotChargeable()
            | CreatePaymentIntentCreatePaymentIntentOrderNotFound()
            | CreatePaymentIntentCreatePaymentIntentPaymentInProgress()
            | CreatePaymentIntentCreatePaymentIntentPaymentProviderUnavailable()
        ) as refusal:
            return refusal.code.value
        case None:
            return "nothing"
        case other:
            assert_never(other)


async def ordered(client: Client, product_id: str) -> CreateOrderCreateOrderOrder:
    item = OrderItemInput(product_id=product_id, quantity=2)
    order = CreateOrderInput(items=[item], idempotency_key="made when the cart was begun")
    answers = [(await client.create_order(order)).create_order for _ in range(2)]
    assert isinstance(answers[0], CreateOrderCreateOrderOrder)
    assert answers[0] == answers[1], "the same key is the same order"
    return answers[0]


async def seen(url: str, token: str, product_id: str) -> list[object]:
    bearer = {"Authorization": f"Bearer {token}"}
    socket = url.replace("http", "ws", 1)
    async with Client(url, bearer, ws_url=socket, ws_connection_init_payload=bearer) as client:
        order = await ordered(client, product_id)
        intents = [told(await client.create_payment_intent(order.id)) for _ in range(2)]
        pending = await client.orders(10, OrderStatus.PENDING)
        statuses = []
        async for update in client.order_updated(order.id):
            statuses.append(update.order_updated.status.value)
            if len(statuses) == 2:
                break
            await client.cancel_order(order.id)
        after = [told(await client.create_payment_intent(each)) for each in (order.id, "none")]
        total = [order.total.minor_units, order.total.currency, order.created_at.tzname()]
        return [total, intents, [node.id == order.id for node in pending.orders.nodes], statuses, after]


async def without_token(url: str) -> list[object]:
    async with Client(url) as client:
        try:
            await client.orders(1)
        except GraphQLClientGraphQLMultiError as error:
            return [found.extensions and found.extensions["code"] for found in error.errors]
    return []


async def main(url: str, token: str, product_id: str) -> None:
    print(json.dumps([*await seen(url, token, product_id), await without_token(url)]))  # noqa: T201  it's read


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
