"""Our own limit: the same SQL and the same call to Stripe from a bare ASGI handler. `python -m bench.limit`

No GraphQL, no token, no rate limits, no log; what it does not do is what the rest of a request costs.
`POST /nothing` answers at once, `/sql` runs the two statements, `/all` calls Stripe between them.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import uvicorn
from starlette.types import Receive, Scope, Send

from models.payments.statements import CLAIM, OPEN_PAYMENT
from runtime.database.database import Database, build_database
from runtime.gc_tuning import tuned_garbage_collection
from services.payments.intents import Intent, IntentRequest
from services.stripe_api.gateway import StripeGateway
from settings import Settings, reveal

HEADERS = [(b"content-type", b"application/json")]


class Limit:
    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        body = (await receive()).get("body", b"")
        answer = await self._answer(scope["path"], json.loads(body)) if body else {}
        data = json.dumps(answer).encode()
        headers = [*HEADERS, (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with tuned_garbage_collection():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
        if path == "/nothing":
            return {"clientSecret": ""}
        order_id, payment_id = UUID(wanted["orderId"]), uuid4()
        claim = {
            "order_id": order_id,
            "user_id": wanted["userId"],
            "payment_id": payment_id,
            "may_any": False,
            "may_record": True,
            "with_receipt": True,
            "statement_suffix": None,
            "lease": timedelta(seconds=10),
        }
        row = await self._database.row(CLAIM, claim)
        assert row is not None and row.recorded_id == payment_id  # noqa: S101, PT018
        intent = await self._intent(path, payment_id, order_id, row)
        opened = {
            "payment_id": payment_id,
            "from_state": "creating",
            "intent_id": intent.id if intent else f"pi_{payment_id.hex}",
            "cause": "bench",
        }
        done = await self._database.row(OPEN_PAYMENT, opened)
        assert done is not None and done.releasable  # noqa: S101, PT018
        return {"clientSecret": intent.client_secret if intent else ""}

    async def _intent(self, path: str, payment_id: UUID, order_id: UUID, row: Any) -> Intent | None:
        if path != "/all":
            return None
        request = IntentRequest(
            payment_id=payment_id,
            order_id=order_id,
            amount=row.total,
            currency=row.currency,
            recorded=row.recorded_parameters,
        )
        return await self._gateway.create_intent(request)


def main() -> None:
    settings = Settings.read()
    database = build_database(reveal(settings.database_url))
    gateway = StripeGateway(reveal(settings.stripe_secret_key), api_base=settings.stripe_api_base)
    uvicorn.run(Limit(database, gateway), **settings.server_options)


if __name__ == "__main__":
    main()
