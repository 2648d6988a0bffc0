"""Asks both the same, side by side, and collects what differs."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus

import aiohttp

from sandbox.config import SandboxConfig
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from tests.verify_stripe.api import Api
from tests.verify_stripe.contract import CONTRACT
from tests.verify_stripe.events import EVENTS
from tests.verify_stripe.normal import Difference, differences
from tests.verify_stripe.probes import CARDS, REFUSALS, Probe, Seen

ENDED = "ended by"
PROBES: dict[str, Probe] = CONTRACT | CARDS | REFUSALS | EVENTS


async def compare(base: str, secret_key: str, probes: Mapping[str, Probe] = PROBES) -> list[Difference]:
    """Everything that `base` answers otherwise than a fresh sandbox of ours."""
    own = SandboxConfig()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(build_sandbox(own)))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        ours, theirs = Api(http, url, own.secret_keys[0]), Api(http, base, secret_key)
        pairs = (_both(name, probe, ours, theirs) for name, probe in probes.items())
        return [difference for found in await asyncio.gather(*pairs) for difference in found]


async def refusal_of(base: str, secret_key: str) -> str | None:
    """Why nothing can be compared with `base`, in a sentence; None when it answers and takes the key."""
    async with aiohttp.ClientSession() as http:
        try:
            reply = await Api(http, base, secret_key).get("balance")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"{base} can't be reached: {error}"
    if reply.status in (
        HTTPStatus.OK,
        HTTPStatus.FORBIDDEN,
    ):  # a restricted key may lack this very permission
        return None
    return f"{base} answered {reply.status}: {reply.error.get('message', 'not in the words of Stripe')}"


async def _both(name: str, probe: Probe, ours: Api, theirs: Api) -> Sequence[Difference]:
    one, other = await asyncio.gather(_seen(probe, ours), _seen(probe, theirs))
    if ENDED in one or ENDED in other:  # a call whose answer the next one needs was refused
        one, other = ({ENDED: seen.get(ENDED, "its last answer")} for seen in (one, other))
    return list(differences(name, one, other))


async def _seen(probe: Probe, api: Api) -> Seen:
    """What the probe saw. Whatever a Stripe answers is a difference at most, and never the end of the other probes."""
    try:
        return await probe(api)
    except Exception as error:
        return {ENDED: f"{type(error).__name__}: {error}"}
