"""A frontend: it sends operations as a signed-in user and reads the answers."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from services.identity.tokens import issue_token

CREATE_PAYMENT_INTENT = """
mutation Pay($orderId: ID!) {
  createPaymentIntent(orderId: $orderId) {
    __typename
    ... on PaymentIntent { id clientSecret status amount { minorUnits currency amount } }
    ... on UserError { message code retryable }
    ... on OrderNotPayable { orderStatus }
    ... on AmountNotChargeable { amount { minorUnits } minimum { amount } maximum { amount } }
  }
}
"""
ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id status total { minorUnits currency amount }
    items { productId productName quantity unitPrice { minorUnits } subtotal { minorUnits } }
  }
}
"""


@dataclass(frozen=True)
class Client:
    http: httpx.AsyncClient
    secret: str

    def token(self, user: str, role: str | None = None) -> str:
        return issue_token(secret=self.secret, user_id=user, role=role, lifetime=timedelta(hours=1))

    async def post(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        user: str | None = "ada",
        role: str | None = None,
    ) -> httpx.Response:
        headers = {"content-type": "application/json"}
        if user:
            headers["authorization"] = f"Bearer {self.token(user, role)}"
        body = json.dumps({"query": query, "variables": variables or {}})
        return await self.http.post("/graphql", content=body, headers=headers)

    async def ask(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        user: str | None = "ada",
        role: str | None = None,
    ) -> dict[str, Any]:
        """The whole answer: `data` and, if there are any, `errors`."""
        answer: dict[str, Any] = (await self.post(query, variables, user=user, role=role)).json()
        return answer

    async def data(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        user: str | None = "ada",
        role: str | None = None,
    ) -> dict[str, Any]:
        """What an answer without errors holds."""
        answer = await self.ask(query, variables, user=user, role=role)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def pay(self, order_id: UUID | str, *, user: str = "ada") -> dict[str, Any]:
        """What `createPaymentIntent` answers."""
        data = await self.data(CREATE_PAYMENT_INTENT, {"orderId": str(order_id)}, user=user)
        result: dict[str, Any] = data["createPaymentIntent"]
        return result

    async def order(self, order_id: UUID | str, *, user: str = "ada") -> dict[str, Any] | None:
        order: dict[str, Any] | None = (await self.data(ORDER, {"id": str(order_id)}, user=user))["order"]
        return order
