"""Asks both the same, side by side, and collects what differs."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import aiohttp

from sandbox.config import SandboxConfig
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from tests.verify_stripe.api import Api
from tests.verify_stripe.contract import CONTRACT
from tests.verify_stripe.events import EVENTS
from tests.verify_stripe.normal import Difference, differences
from tests.verify_stripe.probes import CARDS, REFUSALS, Probe, Seen

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


async def _both(name: str, probe: Probe, ours: Api, theirs: Api) -> Sequence[Difference]:
    one, other = await asyncio.gather(_seen(probe, ours), _seen(probe, theirs))
    return list(differences(name, one, other))


async def _seen(probe: Probe, api: Api) -> Seen:
    try:
        return await probe(api)
    except (LookupError, aiohttp.ClientError, TimeoutError) as error:
        return {"ended by": f"{type(error).__name__}: {error}"}
