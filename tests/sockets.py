"""A client of graphql-transport-ws."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from services.identity.tokens import issue_token
from tests.conftest import JWT_SECRET

FOLLOW = (
    "subscription Follow($id: ID!) { orderUpdated(orderId: $id) "
    "{ id status total { minorUnits } payments { status } } }"
)


def token(user: str = "ada", *, role: str | None = None, seconds: float = 3_600) -> str:
    return issue_token(secret=JWT_SECRET, user_id=user, role=role, lifetime=timedelta(seconds=seconds))


class Follower:
    """A client of graphql-transport-ws."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, kind: str, **others: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **others}))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def sign_in(self, bearer: str | None) -> None:
        await self.send("connection_init", payload={"Authorization": f"Bearer {bearer}"} if bearer else {})
        assert await self.receive() == {"type": "connection_ack"}

    async def follow(self, order_id: object, *, name: str = "1") -> None:
        await self.send("subscribe", id=name, payload={"query": FOLLOW, "variables": {"id": str(order_id)}})

    async def order(self) -> dict[str, Any]:
        message = await self.receive()
        assert message["type"] == "next", message
        order: dict[str, Any] = message["payload"]["data"]["orderUpdated"]
        return order

    async def error(self) -> str:
        message = await self.receive()
        payload = message["payload"]
        errors = payload if isinstance(payload, list) else payload["errors"]
        code: str = errors[0]["extensions"]["code"]
        return code


@asynccontextmanager
async def follower(address: str, bearer: str | None = None, **options: Any) -> AsyncIterator[Follower]:
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], **options) as made:
        follower = Follower(made)
        if bearer is not None:
            await follower.sign_in(bearer)
        yield follower
