"""Why a use case says no. Each is an answer that a client can act upon, not a fault."""

from dataclasses import dataclass


class Refusal(Exception):
    """`retryable` tells whether the very same call may succeed later."""

    retryable = False


@dataclass
class InvalidServiceKey(Refusal):
    """`reason` is a part of a sentence, fit for clients."""

    reason: str


@dataclass
class RateLimited(Refusal):
    """`retry_after` is seconds."""

    retry_after: int
    retryable = True
