"""How long one call of createPaymentIntent goes on, and what it does without."""

import asyncio
from collections.abc import Awaitable

from services.payments.call_priority import Turn
from services.payments.intents import Intent, NotSent, OutcomeUnknown
from services.payments.refusals import PaymentInProgress, PaymentProviderUnavailable, refusal_of

FIRST_PAUSE, LONGEST_PAUSE = 0.03, 0.5  # seconds between looks at a payment that another caller is making
BURNT_KEYS_ALLOWED = 1  # a second recorded 500 within one call is an outage
RECEIPT, SUFFIX = "receipt_email", "statement_descriptor_suffix"  # nobody is kept from paying by them


class Attempt:
    """One caller's: a deadline, growing pauses, how many burnt keys are allowed, and what Stripe would not take."""

    def __init__(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._pause = FIRST_PAUSE
        self._burnt_keys = 0
        self.left_out: set[str] = set()  # of the parameters

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self._deadline

    async def pause(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE)

    async def wait_for(self, turn: Turn) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                await turn.wait()
        except NotSent as error:
            raise refusal_of(error) from error
        except TimeoutError:
            raise PaymentInProgress from None

    async def spend_on(self, call: Awaitable[Intent]) -> Intent:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await call
        except TimeoutError as error:
            raise OutcomeUnknown("no answer within our deadline") from error

    def can_leave_out(self, param: str | None) -> bool:
        """Whether another payment may be tried without this parameter, which was sent until now."""
        if param not in (RECEIPT, SUFFIX) or param in self.left_out:
            return False
        self.left_out.add(param)
        return True

    def count_burnt_key(self) -> None:
        self._burnt_keys += 1
        if self._burnt_keys > BURNT_KEYS_ALLOWED:
            raise PaymentProviderUnavailable
