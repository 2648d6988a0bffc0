"""A gateway in whose calls something happens, once: before Stripe hears of a call, or after it answered."""

from collections.abc import Awaitable, Callable

from sandbox.core import Sandbox
from services.payments.intents import Intent, IntentRequest, RefundRequest, StripeRefund
from tests.proof.gateway import SandboxGateway

Happening = Callable[[], Awaitable[object]]


class InterruptedGateway(SandboxGateway):
    """`meanwhile` happens at the first call of a verb: `{"before reprice": …, "after create": …}`."""

    def __init__(self, sandbox: Sandbox, meanwhile: dict[str, Happening]) -> None:
        super().__init__(sandbox)
        self._meanwhile = dict(meanwhile)

    async def _reach(self, moment: str) -> None:
        happening = self._meanwhile.pop(moment, None)
        if happening is not None:
            await happening()

    async def create_intent(self, request: IntentRequest) -> Intent:
        await self._reach("before create")
        intent = await super().create_intent(request)
        await self._reach("after create")
        return intent

    async def retrieve_intent(self, intent_id: str) -> Intent:
        await self._reach("before retrieve")
        intent = await super().retrieve_intent(intent_id)
        await self._reach("after retrieve")
        return intent

    async def reprice_intent(self, intent_id: str, amount: int, *, idempotency_key: str) -> Intent:
        await self._reach("before reprice")
        intent = await super().reprice_intent(intent_id, amount, idempotency_key=idempotency_key)
        await self._reach("after reprice")
        return intent

    async def create_refund(self, request: RefundRequest) -> StripeRefund:
        await self._reach("before refund")
        refund = await super().create_refund(request)
        await self._reach("after refund")
        return refund
