"""How much work one caller may ask for in a second, in this process: what is dear is shared fairly.

Only what costs is counted, the entries of lists and texts that are new. Ordinary operations cost nothing here.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from graphql import GraphQLError

from graph.serving.text_turns import SECONDS_OF_QUEUE, Sender, TextQueues
from runtime.addresses import TrustedProxies, network_of

MOST_ACCOUNTS = 10_000  # callers that are remembered; the one that was quiet longest is forgotten
PAUSE = 0.5  # seconds until a refusal is answered
MOST_WAITING = 200  # refusals; any more are answered at once, since they hold memory
SAVED_SECONDS = 7  # of work that a quiet caller may ask for at once


@dataclass(slots=True)
class Account:
    """Units of work: `left` now, and `rate` more with each second."""

    rate: float
    left: float
    seen: float
    texts: Sender = field(default_factory=Sender)  # new ones of this caller

    def charge(self, work: int) -> None:
        self.left -= work


@dataclass(slots=True)
class WorkLimits:
    """Units of work a second, for a caller with a token and for an address without (RFC 6585's 429, as an error)."""

    of_caller: float = 10_000.0
    of_address: float = 30_000.0  # which all visitors share where the proxy is not trusted
    of_visitor: float = 6_000.0  # of an address that a trusted proxy vouches for
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    texts: TextQueues = field(default_factory=TextQueues)
    pause: float = PAUSE
    waiting: int = 0
    clock: Callable[[], float] = time.monotonic
    accounts: OrderedDict[tuple[bool, str], Account] = field(default_factory=OrderedDict)

    def account_of(self, caller: str | None, address: str) -> Account:
        """Raises the `GraphQLError` RATE_LIMITED for who has spent all; `retryAfter` is seconds."""
        key = (caller is not None, caller or network_of(address))
        rate = self._rate_of(caller, address)
        now = self.clock()
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = Account(rate, rate * SAVED_SECONDS, now)
            if len(self.accounts) > MOST_ACCOUNTS:
                self.accounts.popitem(last=False)
        self.accounts.move_to_end(key)
        account.left = min(rate * SAVED_SECONDS, account.left + (now - account.seen) * rate)
        account.seen = now
        if account.left <= 0:
            raise _rate_limited(account)
        return account

    async def slow_down(self) -> None:
        """For who is refused: one who asks again at once costs us more than the refusals are worth."""
        if self.waiting >= MOST_WAITING:
            return
        self.waiting += 1
        try:
            await asyncio.sleep(self.pause)
        finally:
            self.waiting -= 1

    def _rate_of(self, caller: str | None, address: str) -> float:
        """Who is a stranger asks for the least, once it is known that their address is not everybody's."""
        if caller is not None:
            return self.of_caller
        return self.of_visitor if self.proxies.vouch_for(address) else self.of_address


def too_many_texts() -> GraphQLError:
    """For a new text that would wait behind too many."""
    return _refusal("Too many new operations wait to be checked. Ask later.", SECONDS_OF_QUEUE)


def _rate_limited(account: Account) -> GraphQLError:
    seconds = math.ceil(-account.left / account.rate) or 1
    return _refusal("This caller asks for too much in too short a time. Ask for less, or later.", seconds)


def _refusal(message: str, seconds: int) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "RATE_LIMITED", "retryAfter": seconds})
