"""Canceling a payable intent: at Stripe first, then in our tables as Stripe answers."""

from typing import Protocol

from runtime.database.database import Database
from services.payments.intents import Intent, KeyBurnt, Refused
from services.payments.settlement import Settlement


class CancellationGateway(Protocol):
    async def cancel_intent(self, intent_id: str) -> Intent: ...
    async def retrieve_intent(self, intent_id: str) -> Intent: ...


class IntentCancellation:
    def __init__(self, database: Database, gateway: CancellationGateway) -> None:
        self._gateway = gateway
        self._settlement = Settlement(database)

    async def cancel(self, intent_id: str, *, cause: str) -> Intent:
        """The intent as it is after the attempt: canceled, or what the customer made of it in time.

        Raises a `GatewayError` when Stripe can't be asked, or refuses and the intent is payable all the same; then the
        payment stays as it is, for the next attempt.
        """
        try:
            intent = await self._gateway.cancel_intent(intent_id)
        except (Refused, KeyBurnt):  # most likely it is confirmed, paid or canceled already
            intent = await self._gateway.retrieve_intent(intent_id)
            if intent.is_payable:
                raise
        await self._settlement.apply(intent, cause=cause)
        return intent
