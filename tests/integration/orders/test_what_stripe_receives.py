"""What Stripe is told of an order: its reference, the receipt's address, the shop's metadata, a suffix for statements.

It is stored with the payment: a replay sends the same, whatever became of the order and of the settings.
"""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from runtime.database.database import Database
from sandbox.faults import Rule, parse_fault
from services.orders.imports import ImportedOrder, OrderImports
from services.orders.lines import OrderLine
from services.payments.order_changes import OrderChanges, WantedChange
from services.payments.payment_intents import PaymentIntents
from services.payments.refusals import PaymentProviderUnavailable
from services.stripe_api.gateway import StripeGateway
from settings import Settings
from tests.client import Client
from tests.conftest import JWT_SECRET, Stripe, running
from tests.make import Shop
from tests.proof.gateway import SandboxGateway
from tests.proof.whole_shop import WholeShop

METADATA = {"basket": "7f3a", "channel": "app"}


async def imported(database: Database, **others: Any) -> UUID:
    values: dict[str, Any] = {
        "reference": "A-1001",
        "user_id": "ada",
        "receipt_email": "ada@shop.test",
        "currency": "EUR",
        "lines": [OrderLine(name="Lamp", unit_amount=1_000, quantity=1)],
        "total": 1_000,
        "expires_at": None,
        "metadata": METADATA,
    }
    return (await OrderImports(database).take(ImportedOrder(**{**values, **others}))).id


def creates(stripe: Stripe) -> list[dict[str, Any]]:
    """The parameters of each call for a new intent, and its key."""
    calls = stripe.sandbox.journal.calls("POST", "/v1/payment_intents")
    return [{"key": call["idempotency_key"], **call["params"]} for call in calls]


async def test_an_imported_order_is_told_with_what_stripe_takes(
    database: Database, gateway: StripeGateway, stripe: Stripe, shop: Shop
) -> None:
    order_id = await imported(database)

    intent = await PaymentIntents(database, gateway, statement_suffix="ORDERS").create("ada", order_id)

    [made] = stripe.sandbox.state.payment_intents
    [payment] = await shop.payments(order_id)
    assert (made["description"], made["receipt_email"]) == ("A-1001", "ada@shop.test")
    assert made["statement_descriptor_suffix"] == "ORDERS"
    assert made["metadata"] == {
        **METADATA,
        "order_id": str(order_id),
        "payment_id": str(payment.id),
        "installation_id": await shop.installation_id(),
        "reference": "A-1001",
    }
    assert {name: made[name] for name in payment.stripe_parameters} == payment.stripe_parameters
    stripe.sandbox.pay(intent.id)
    [charge] = stripe.sandbox.state.charges
    assert (charge["description"], charge["receipt_email"]) == ("A-1001", "ada@shop.test")
    assert charge["calculated_statement_descriptor"] == "SANDBOX* ORDERS"


async def test_an_order_that_was_placed_here_has_nothing_to_tell_but_whose_it_is(
    database: Database, gateway: StripeGateway, stripe: Stripe, shop: Shop
) -> None:
    order_id = await shop.order()

    await PaymentIntents(database, gateway).create("ada", order_id)

    [sent] = creates(stripe)
    assert set(sent) == {"key", "amount", "currency", "metadata"}
    assert set(sent["metadata"]) == {"order_id", "payment_id", "installation_id"}


async def test_metadata_goes_as_far_as_stripe_takes_it(
    database: Database, gateway: StripeGateway, stripe: Stripe, shop: Shop
) -> None:
    """Whoever wrote it by SQL: an import is refused beyond these bounds."""
    many = {f"k{number:02}": "v" for number in range(60)}
    odd = {"": "x", "a[b]": "x", "l" * 41: "x", "long": "x" * 501, "empty": "", "order_id": "stolen", "n": 7}
    order_id = await imported(database)
    await shop.set_metadata(order_id, {**many, **odd})
    await shop.set_order(order_id, reference="R" * 600)

    await PaymentIntents(database, gateway).create("ada", order_id)

    [made] = stripe.sandbox.state.payment_intents
    assert len(made["metadata"]) == 50
    assert made["metadata"]["order_id"] == str(order_id)
    assert made["metadata"]["reference"] == made["description"] == "R" * 500
    assert set(made["metadata"]) - set(many) == {"order_id", "payment_id", "installation_id", "reference"}


async def test_where_both_have_a_key_ours_wins(
    database: Database, gateway: StripeGateway, stripe: Stripe, shop: Shop
) -> None:
    order_id = await imported(database)
    await shop.set_metadata(order_id, {"order_id": "stolen", "reference": "stolen", "basket": "7f3a"})

    await PaymentIntents(database, gateway).create("ada", order_id)

    [made] = stripe.sandbox.state.payment_intents
    told = {name: made["metadata"][name] for name in ("order_id", "reference", "basket")}
    assert told == {"order_id": str(order_id), "reference": "A-1001", "basket": "7f3a"}


@pytest.mark.parametrize("shop_metadata", [[], "text", 7, None])
async def test_metadata_of_another_shape_keeps_nobody_from_paying(
    database: Database, gateway: StripeGateway, shop: Shop, shop_metadata: Any
) -> None:
    order_id = await imported(database)
    await shop.set_metadata(order_id, shop_metadata)

    assert (await PaymentIntents(database, gateway).create("ada", order_id)).amount == 1_000


async def test_a_replay_sends_the_same_whatever_changed_meanwhile(
    database: Database, stripe: Stripe, shop: Shop, gateway: StripeGateway
) -> None:
    order_id = await imported(database)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("502; point=after"), times=2))
    with pytest.raises(PaymentProviderUnavailable):
        await PaymentIntents(database, gateway, statement_suffix="OLD").create("ada", order_id)

    await shop.set_order(order_id, reference="B-2", receipt_email="eve@shop.test")
    await shop.set_metadata(order_id, {"other": "1"})
    intent = await PaymentIntents(database, gateway, statement_suffix="NEW").create("ada", order_id)

    first, *others = creates(stripe)
    assert others
    assert all(other == first for other in others)
    [made] = stripe.sandbox.state.payment_intents
    [payment] = await shop.payments(order_id)
    assert (payment.state, payment.intent_id, made["id"]) == ("open", intent.id, intent.id)
    assert (made["description"], made["statement_descriptor_suffix"]) == ("A-1001", "OLD")


async def test_the_sweep_replays_what_was_recorded_too(
    database: Database, stripe: Stripe, shop: Shop
) -> None:
    order_id = await imported(database)
    whole_shop = WholeShop(database, stripe.sandbox)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("502; point=after")))
    with pytest.raises(PaymentProviderUnavailable):
        await PaymentIntents(database, whole_shop.gateway, statement_suffix="OLD").create("ada", order_id)
    await shop.set_order(order_id, reference="B-2")
    await database.rows(text("UPDATE payments SET created_at = now() - interval '1 minute'"))

    await whole_shop.sweep.run()

    [made] = stripe.sandbox.state.payment_intents
    [payment] = await shop.payments(order_id)
    assert (payment.state, made["description"]) == ("open", "A-1001")


async def test_a_payment_of_an_earlier_version_is_replayed_as_that_version_sent_it(
    database: Database, stripe: Stripe, shop: Shop
) -> None:
    order_id = await imported(database)
    gateway = SandboxGateway(stripe.sandbox)
    stripe.sandbox.faults.add(Rule(fault=parse_fault("502; point=before")))
    with pytest.raises(PaymentProviderUnavailable):
        await PaymentIntents(database, gateway).create("ada", order_id)
    [payment] = await shop.payments(order_id)
    await shop.set_payment(payment.id, stripe_parameters=None)
    ids = {"order_id": str(order_id), "payment_id": str(payment.id)}
    before = {"amount": 1_000, "currency": "eur"}
    metadata = {**ids, "installation_id": await shop.installation_id()}
    stripe.sandbox.call(
        "POST", "/v1/payment_intents", {**before, "metadata": metadata}, idempotency_key=f"pi:{payment.id}"
    )

    intent = await PaymentIntents(database, gateway).create("ada", order_id)

    [made] = stripe.sandbox.state.payment_intents
    assert (made["id"], made["description"]) == (intent.id, None)


async def test_a_change_of_the_order_changes_the_amount_alone(
    database: Database, gateway: StripeGateway, stripe: Stripe
) -> None:
    order_id = await imported(database)
    await PaymentIntents(database, gateway, statement_suffix="OLD").create("ada", order_id)
    before: dict[str, Any] = dict(*stripe.sandbox.state.payment_intents)
    line = OrderLine(name="Lamp", unit_amount=1_300, quantity=1)
    wanted = WantedChange(
        order_id=order_id, requested_by="shop", expected_version=2, lines=[line], total=1_300
    )

    await OrderChanges(database, gateway).change(wanted)

    [after] = stripe.sandbox.state.payment_intents
    assert {name for name in before if before[name] != after[name]} == {"amount"}


@pytest.mark.parametrize(
    ("email", "suffix", "left_out"),
    [
        ("ada@shop@test", "SHOP", {"receipt_email"}),
        ("ada@shop.test", "123", {"statement_descriptor_suffix"}),
        ("ada@shop@test", "123", {"receipt_email", "statement_descriptor_suffix"}),
    ],
)
async def test_what_stripe_refuses_beside_the_payment_keeps_nobody_from_paying(
    database: Database,
    gateway: StripeGateway,
    stripe: Stripe,
    shop: Shop,
    email: str,
    suffix: str,
    left_out: set[str],
) -> None:
    order_id = await imported(database)
    await shop.set_order(order_id, receipt_email=email)

    intent = await PaymentIntents(database, gateway, statement_suffix=suffix).create("ada", order_id)

    [made] = stripe.sandbox.state.payment_intents
    told = {name for name in ("receipt_email", "statement_descriptor_suffix") if made[name] is not None}
    assert (made["id"], told) == (intent.id, {"receipt_email", "statement_descriptor_suffix"} - left_out)
    assert made["description"] == "A-1001"
    states = [payment.state for payment in await shop.payments(order_id)]
    assert states == ["failed"] * len(left_out) + ["open"]


async def test_the_servers_setting_reaches_stripe(settings: Settings, shop: Shop, stripe: Stripe) -> None:
    async with running(settings.model_copy(update={"stripe_statement_suffix": "ORDERS"})) as http:
        await Client(http, JWT_SECRET).pay(await shop.order())

    [made] = stripe.sandbox.state.payment_intents
    assert made["statement_descriptor_suffix"] == "ORDERS"
