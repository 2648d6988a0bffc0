"""A customer at a running server: places an order, asks for its intent, pays at Stripe, reads the order."""

from dataclasses import dataclass
from typing import Any

from tests.client import CREATE_PAYMENT_INTENT
from tests.e2e.processes import HTTP, eventually

CREATE_ORDER = """
mutation Order($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on Order { id status } ... on UserError { code message } }
}
"""
STATUS = "query Status($id: ID!) { order(id: $id) { status } }"


@dataclass(frozen=True)
class Customer:
    url: str
    token: str

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer: `data` and, if there are any, `errors`."""
        body = {"query": query, "variables": variables}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer: dict[str, Any] = HTTP.post(f"{self.url}/graphql", json=body, headers=headers).json()
        return answer

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def order(self) -> str:
        """Place an order of two of the first product."""
        [product] = self.ask("{ products(first: 1) { nodes { id } } }")["products"]["nodes"]
        items = [{"productId": product["id"], "quantity": 2}]
        order = self.ask(CREATE_ORDER, input={"items": items})["createOrder"]
        assert order["__typename"] == "Order", order
        return str(order["id"])

    def payment_intent(self, order_id: str) -> dict[str, Any]:
        intent: dict[str, Any] = self.ask(CREATE_PAYMENT_INTENT, orderId=order_id)["createPaymentIntent"]
        assert intent["__typename"] == "PaymentIntent", intent
        return intent

    def status(self, order_id: str) -> str:
        return str(self.ask(STATUS, id=order_id)["order"]["status"])

    def is_told(self, order_id: str, status: str) -> None:
        """Wait until the order has a status."""
        eventually(lambda: self.status(order_id) == status)


def pay(stripe_url: str, publishable_key: str, intent: dict[str, Any]) -> None:
    """Confirm as Stripe.js does in the browser: with the publishable key, the client secret and a card."""
    answer = HTTP.post(
        f"{stripe_url}/v1/payment_intents/{intent['id']}/confirm",
        auth=(publishable_key, ""),
        data={"client_secret": intent["clientSecret"], "payment_method": "pm_card_visa"},
    )
    assert answer.json()["status"] == "succeeded", answer.text
