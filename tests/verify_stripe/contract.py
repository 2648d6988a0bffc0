"""Our gateway's contract (tests/proof/test_gateway_contract.py), held by whatever Stripe this is."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.stripe_api.gateway import StripeGateway
from tests.proof import test_gateway_contract as contract
from tests.verify_stripe.api import Api
from tests.verify_stripe.probes import Probe, Seen

Clause = Callable[[StripeGateway, Api], Awaitable[Any]]


async def _made_once(gateway: StripeGateway, _: Api) -> None:
    await contract.test_an_intent_is_made_once_for_a_key_and_read_repriced_and_canceled(gateway)


async def _refunded_once(gateway: StripeGateway, api: Api) -> None:
    made = await gateway.create_intent(contract.wanted())
    assert (await api.pay(made.id)).status == 200
    await contract.refund_is_made_once_and_listed(gateway, made.id)


async def _burnt_key(gateway: StripeGateway, _: Api) -> None:
    await contract.test_a_key_used_for_something_else_is_burnt(gateway)


async def _lists(gateway: StripeGateway, api: Api) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    made = await gateway.create_intent(contract.wanted())
    assert (await api.pay(made.id)).status == 200
    found = await gateway.list_intents(since)
    assert made.id in {intent.id for intent in found.items}


async def _ping(gateway: StripeGateway, _: Api) -> None:
    assert await gateway.ping() is not None


CLAUSES: dict[str, Clause] = {
    "an intent is made once for a key, read, repriced and canceled": _made_once,
    "a refund is made once for a key and listed": _refunded_once,
    "a key used for something else is burnt": _burnt_key,
    "what was made is in the lists": _lists,
    "the key is valid": _ping,
}


def clause(hold: Clause) -> Probe:
    async def probe(api: Api) -> Seen:
        gateway = StripeGateway(api.secret_key, api_base=api.base)
        try:
            await hold(gateway, api)
        except Exception as error:
            return {"holds": f"{type(error).__name__}: {error}"}
        finally:
            await gateway.close()
        return {"holds": "yes"}

    return probe


CONTRACT: dict[str, Probe] = {f"contract: {name}": clause(hold) for name, hold in CLAUSES.items()}
