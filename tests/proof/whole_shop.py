"""All services over one database and one sandbox, without sockets: what a test calls when it needs a whole shop."""

from uuid import UUID

from models.reviews.tables import ReviewDecision
from runtime.database.database import Database
from sandbox.core import Sandbox
from services.identity.principal import Principal
from services.orders.views import RefundView
from services.payments.intents import Intent
from services.payments.order_cancellation import OrderCancellation
from services.payments.payment_intents import PaymentIntents
from services.payments.refund_wishes import RefundWish
from services.payments.refunds import Refunds
from services.payments.reviews import Reviews, ReviewWish
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep
from services.stripe_api.signatures import StripeSignatureCheck
from tests.events import WEBHOOK_SECRET
from tests.make import Shop
from tests.proof.gateway import SandboxGateway

ADA = Principal("ada", None, frozenset())


class WholeShop:
    def __init__(self, database: Database, sandbox: Sandbox, gateway: SandboxGateway | None = None) -> None:
        self.shop = Shop(database)
        self.sandbox = sandbox
        self.gateway = gateway or SandboxGateway(sandbox)
        check = StripeSignatureCheck((WEBHOOK_SECRET,))
        self.inbox = Inbox(database, self.gateway, check, livemode=False)
        self.payments = PaymentIntents(database, self.gateway, deadline=2)
        self.refunds = Refunds(database, self.gateway)
        self.reviews = Reviews(database, self.refunds)
        self.cancellation = OrderCancellation(database, self.gateway)
        self.sweep = Sweep(database, self.gateway, self.inbox)

    async def ask(self, order_id: UUID) -> Intent:
        return await self.payments.create("ada", order_id)

    async def paid(self, price: int = 1_000, method: str = "pm_card_visa") -> tuple[UUID, str]:
        """An order that was paid, and its intent."""
        order_id = await self.shop.order(items=[(price, 1)])
        intent = await self.ask(order_id)
        self.sandbox.pay(intent.id, method)
        await self.sweep.run()
        return order_id, intent.id

    async def refund(self, order_id: UUID, amount: int | None = None, key: str = "k") -> RefundView:
        wish = RefundWish(
            order_id=order_id, amount=amount, reason=None, idempotency_key=key, requested_by="shopkeeper"
        )
        return await self.refunds.request(wish)

    async def decide(self, order_id: UUID, decision: ReviewDecision, *, key: str = "k") -> None:
        """What a person says about an order in review."""
        wish = ReviewWish(
            order_id=order_id,
            decision=decision,
            note="We agreed.",
            idempotency_key=key,
            decided_by="shopkeeper",
        )
        await self.reviews.resolve(wish)
