"""Against card testing: one user, and one order, only so often; others are not concerned."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.identity.rate_limits import RateLimits
from services.identity.refusals import RateLimited
from settings import Settings
from tests.client import ORDER, Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.make import Shop

PAY = (
    "mutation($id: ID!) { createPaymentIntent(orderId: $id) "
    "{ __typename ... on RateLimited { code retryable retryAfter } } }"
)


@pytest.fixture
async def strict(settings: Settings, shop: Shop) -> AsyncIterator[Client]:
    """A client of a server that takes three payments, two orders and four looks a minute from a user, and so on."""
    limits = {
        "payments_per_minute": 3,
        "orders_per_minute": 2,
        "order_reads_per_minute": 4,
        "order_imports_per_minute": 2,
        "order_updates_per_minute": 3,
        "order_updates_per_minute_of_order": 2,
        "product_saves_per_minute": 2,
    }
    async with running(settings.model_copy(update=limits)) as http:
        yield Client(http, JWT_SECRET)


async def test_one_payment_too_many_is_refused_with_the_time_to_wait(
    strict: Client, shop: Shop, stripe: Stripe
) -> None:
    variables = {"id": str(await shop.order())}
    answers = [(await strict.data(PAY, variables))["createPaymentIntent"] for _ in range(4)]

    assert [answer["__typename"] for answer in answers] == ["PaymentIntent"] * 3 + ["RateLimited"]
    refused = answers[-1]
    assert (refused["code"], refused["retryable"]) == ("RATE_LIMITED", True)
    assert 1 <= refused["retryAfter"] <= 60
    assert len(stripe.sandbox.journal.calls()) == 3


async def test_another_user_is_not_concerned(strict: Client, shop: Shop, stripe: Stripe) -> None:
    order_id = await shop.order(user="ada")
    for _ in range(4):
        await strict.data(PAY, {"id": str(order_id)}, user="mallory")

    assert (await strict.pay(order_id))["__typename"] == "PaymentIntent"


async def test_one_order_too_many_is_refused(strict: Client, shop: Shop) -> None:
    query = "mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename } }"
    items = {"input": {"items": [{"productId": str(await shop.product()), "quantity": 1}]}}

    kinds = [(await strict.data(query, items))["createOrder"]["__typename"] for _ in range(3)]

    assert kinds == ["Order", "Order", "RateLimited"]


async def test_one_look_too_many_at_an_order_is_told_with_the_time_to_wait(
    strict: Client, shop: Shop
) -> None:
    order_id = str(await shop.order())
    answers = [await strict.ask(ORDER, {"id": order_id}) for _ in range(5)]

    assert all("errors" not in answer for answer in answers[:4])
    [error] = answers[-1]["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 1 <= error["extensions"]["retryAfter"] <= 60
    assert "errors" not in await strict.ask(ORDER, {"id": order_id}, user="shop", role="merchant")


LINE = {"name": "Lamp", "unitAmount": 1_000}
IMPORT = (
    "mutation($input: ImportOrderInput!) { importOrder(input: $input) "
    "{ __typename ... on RateLimited { retryAfter } } }"
)
UPDATE = (
    "mutation($input: UpdateOrderInput!) { updateOrder(input: $input) "
    "{ __typename ... on RateLimited { retryAfter } } }"
)
SAVE = (
    "mutation($input: [ProductInput!]!) { saveProducts(input: $input) "
    "{ __typename ... on RateLimited { retryAfter } } }"
)


async def kinds(client: Client, query: str, inputs: list[Any], user: str = "shop") -> list[str]:
    answers = [await client.data(query, {"input": each}, user=user, role="merchant") for each in inputs]
    return [answer["__typename"] for each in answers for answer in each.values()]


async def test_a_shop_that_imports_or_saves_too_often_is_refused_and_others_are_not(
    strict: Client, shop: Shop
) -> None:
    orders = [
        {"reference": f"A-{each}", "currency": "EUR", "lines": [LINE], "total": 1_000} for each in range(3)
    ]
    product = {"reference": "SKU", "name": "Lamp", "unitAmount": 1_000, "currency": "EUR"}

    assert await kinds(strict, IMPORT, orders) == ["Order", "Order", "RateLimited"]
    assert await kinds(strict, SAVE, [[product]] * 3) == ["SavedProducts", "SavedProducts", "RateLimited"]
    assert await kinds(strict, IMPORT, orders[2:], user="other") == ["Order"]


async def test_updates_are_counted_by_caller_and_by_order(strict: Client, shop: Shop) -> None:
    one, other = str(await shop.order()), str(await shop.order())

    def change(order_id: str, version: int) -> dict[str, Any]:
        return {"orderId": order_id, "expectedVersion": version, "lines": [LINE], "total": 1_000}

    wanted = [change(one, 3), change(one, 5), change(one, 7), change(other, 3)]
    assert await kinds(strict, UPDATE, wanted) == ["Order", "Order", "RateLimited", "RateLimited"]
    assert await kinds(strict, UPDATE, [change(other, 3)], user="other") == ["Order"]


def limits_of(**limits: Any) -> RateLimits:
    names = (
        "orders_per_user",
        "payments_per_user",
        "payments_per_order",
        "reads_per_user",
        "cancels_per_user",
    )
    return RateLimits(**{**dict.fromkeys(names, 9), **limits})


def test_one_order_has_a_limit_of_its_own() -> None:
    limits = limits_of(payments_per_order=2)
    one, other = UUID(int=1), UUID(int=2)
    for _ in range(2):
        limits.check_payment("ada", one)

    with pytest.raises(RateLimited):
        limits.check_payment("ada", one)
    limits.check_payment("ada", other)


def test_a_minute_later_all_may_call_again() -> None:
    clock = [100.0]
    limits = limits_of(orders_per_user=1, now=lambda: clock[0])
    limits.check_order("ada")
    clock[0] += 59.5
    with pytest.raises(RateLimited) as refused:
        limits.check_order("ada")
    clock[0] += 0.5
    limits.check_order("ada")

    assert refused.value.retry_after == 1
