"""The REST face of createPaymentIntent: the same answers as the mutation's, as status codes and JSON."""

import re
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from graphql import GraphQLUnionType, build_schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from graph.context import Context, ContextMaker
from graph.schema import sdl
from graph.serving.rest import HANDLERS, STATUSES, CreateIntent
from models import OrderStatus
from sandbox.faults import Rule, parse_fault
from services.identity.refusals import Refusal
from services.identity.tokens import issue_token
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.make import Shop


def token(user: str) -> str:
    return issue_token(secret=JWT_SECRET, user_id=user, role=None, lifetime=timedelta(hours=1))


PATH = "/api/payments/create-intent"


async def post(
    http: httpx.AsyncClient, body: Any, *, user: str | None = "ada", **headers: str
) -> httpx.Response:
    if user is not None:
        headers["Authorization"] = f"Bearer {token(user)}"
    return await http.post(PATH, json=body, headers=headers)


async def test_an_order_gets_the_same_secret_as_by_the_mutation(
    http: httpx.AsyncClient, client: Client, shop: Shop
) -> None:
    order_id = await shop.order()

    answer = await post(http, {"orderId": str(order_id)})

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {"clientSecret": (await client.pay(order_id))["clientSecret"]}


@pytest.mark.parametrize(
    ("order", "status", "code", "retryable"),
    [
        ({"user": "eve"}, 404, "ORDER_NOT_FOUND", False),
        ({"status": OrderStatus.PAID}, 409, "ORDER_NOT_PAYABLE", False),
        ({"items": [(1, 1)]}, 422, "AMOUNT_NOT_CHARGEABLE", False),
    ],
)
async def test_a_refusal_is_a_status_with_code_message_and_whether_to_ask_again(
    http: httpx.AsyncClient, shop: Shop, order: dict[str, Any], status: int, code: str, retryable: bool
) -> None:
    answer = await post(http, {"orderId": str(await shop.order(**order))})

    assert answer.status_code == status
    body = answer.json()
    assert (body["code"], body["retryable"]) == (code, retryable)
    assert body["message"]


async def test_stripe_that_is_away_is_503_and_to_be_asked_again(
    http: httpx.AsyncClient, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stripe.sandbox.faults.add(Rule(fault=parse_fault("429"), method="POST", times=None))

    answer = await post(http, {"orderId": str(order_id)})

    assert (answer.status_code, answer.json()["code"]) == (503, "PAYMENT_PROVIDER_UNAVAILABLE")
    assert answer.json()["retryable"] is True
    assert int(answer.headers["Retry-After"]) >= 1


async def test_what_stripe_will_never_do_says_no_time_to_come_back(
    http: httpx.AsyncClient, shop: Shop, stripe: Stripe
) -> None:
    order_id = await shop.order()
    stripe.sandbox.faults.add(Rule(fault=parse_fault("402"), method="POST", times=None))

    answer = await post(http, {"orderId": str(order_id)})

    assert (answer.status_code, answer.json()["retryable"]) == (503, False)
    assert "Retry-After" not in answer.headers


def test_every_refusal_of_the_mutation_has_a_status() -> None:
    union = build_schema(sdl()).get_type("CreatePaymentIntentResult")
    assert isinstance(union, GraphQLUnionType)
    names = {member.name for member in union.types} - {"PaymentIntent"}
    codes = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in names}

    assert codes == {code.name for code in STATUSES}
    assert names <= {handler.error_type.__name__ for handler in HANDLERS.values()}


class Unforeseen(Refusal):
    """A refusal that was added somewhere, and forgotten here."""


async def test_a_refusal_that_nobody_foresaw_is_a_fault_with_a_body(
    shop: Shop,
) -> None:
    async def refuse(_: Request) -> Context:
        raise Unforeseen

    app = Starlette(routes=[Route(PATH, CreateIntent(cast("ContextMaker", refuse)))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        answer = await post(http, {"orderId": str(await shop.order())})

    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")


async def test_too_many_calls_are_429_and_say_when_to_come_back(settings: Settings, shop: Shop) -> None:
    order_id = await shop.order()
    async with running(settings.model_copy(update={"payments_per_minute": 1})) as http:
        await post(http, {"orderId": str(order_id)})
        answer = await post(http, {"orderId": str(order_id)})

    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


async def test_without_a_token_it_is_401(http: httpx.AsyncClient, shop: Shop) -> None:
    answer = await post(http, {"orderId": str(await shop.order())}, user=None)

    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [[], "x", {}, {"orderId": 7}, {"orderId": None}, {"orderId": "9" * 300}])
async def test_what_names_no_order_is_400(http: httpx.AsyncClient, shop: Shop, body: Any) -> None:
    answer = await post(http, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


async def test_an_id_that_is_none_looks_like_a_missing_order(http: httpx.AsyncClient, shop: Shop) -> None:
    for order_id in ("", "nonsense", "\0", "\ud800"):
        answer = await http.post(
            PATH,
            content=httpx.Request("POST", "http://x", json={"orderId": order_id}).content
            if order_id != "\ud800"
            else b'{"orderId": "\\ud800"}',
            headers={
                "Content-Type": "application/json", "Authorization": f"Bearer {token('ada')}"
            },
        )  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")


async def test_a_page_of_another_site_can_post_no_form(http: httpx.AsyncClient, shop: Shop) -> None:
    answer = await http.post(PATH, data={"orderId": str(await shop.order())})

    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
async def test_another_method_is_405_with_the_body_of_every_refusal(
    http: httpx.AsyncClient, method: str
) -> None:
    answer = await http.request(method, PATH)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {
        "code": "METHOD_NOT_ALLOWED",
        "message": "Ask by POST.",
        "retryable": False,
    }


async def test_a_body_beyond_all_use_is_413(http: httpx.AsyncClient, shop: Shop) -> None:
    answer = await post(http, {"orderId": "x", "more": "x" * 200_000})

    assert (answer.status_code, answer.json()["code"]) == (413, "CONTENT_TOO_LARGE")
