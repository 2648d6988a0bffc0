"""What is asked of both: every kind of test card, each refusal, each kind of event."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from sandbox.objects.numbers import BANK_TOKENS, TOKENS
from tests.verify_stripe.api import Api, Reply
from tests.verify_stripe.normal import view

Seen = dict[str, Any]
Probe = Callable[[Api], Awaitable[Seen]]
BACK = "https://shop.test/back"
_OWN = "sandboxProcessing"  # a card that Stripe does not have
_BANKS = [token for token in BANK_TOKENS if token.startswith("pm_usBankAccount_")]


async def paid(api: Api, token: str = "pm_card_visa", **params: Any) -> Reply:  # noqa: S107 - a test token
    settings: dict[str, Any] = {"amount": 2000, "currency": "usd", "confirm": True, "return_url": BACK}
    return await api.post("payment_intents", payment_method=token, **(settings | params))


async def open_intent(api: Api, **params: Any) -> str:
    settings: Seen = {"amount": 2000, "currency": "usd"}
    made: str = (await api.post("payment_intents", **(settings | params)))["id"]
    return made


def card(token: str) -> Probe:
    """Pay with a token; then what the charge says."""

    async def probe(api: Api) -> Seen:
        reply = await paid(api, token)
        charge_id = reply.error.get("charge") or reply.body.get("latest_charge")
        seen = {"payment": view(reply)}
        if charge_id:
            seen["charge"] = view(await api.get(f"charges/{charge_id}"))
        return seen

    return probe


def refused(**params: Any) -> Probe:
    """An intent that can't be made so."""

    async def probe(api: Api) -> Seen:
        return {"create": view(await api.post("payment_intents", **params))}

    return probe


async def unknown_objects(api: Api) -> Seen:
    return {
        "intent": view(await api.get("payment_intents/pi_000000000000000000000000")),
        "event": view(await api.get("events/evt_000000000000000000000000")),
        "refund": view(await api.get("refunds/re_000000000000000000000000")),
        "customer": view(
            await api.post("payment_intents", amount=1000, currency="usd", customer="cus_0000000000")
        ),
        "method": view(await paid(api, "pm_000000000000000000000000")),
        "cursor": view(await api.get("payment_intents", starting_after="pi_000000000000000000000000")),
        "limit": view(await api.get("payment_intents", limit=101)),
        "key": view(await api.get("balance", key="sk_test_000000000000000000000000")),
    }


async def a_paid_intent_is_closed(api: Api) -> Seen:
    intent = (await paid(api))["id"]
    return {
        "amount": view(await api.post(f"payment_intents/{intent}", amount=3000)),
        "metadata": view(await api.post(f"payment_intents/{intent}", metadata={"a": "b"})),
        "confirm": view(await api.pay(intent)),
        "cancel": view(await api.post(f"payment_intents/{intent}/cancel")),
        "capture": view(await api.post(f"payment_intents/{intent}/capture")),
    }


async def a_canceled_intent_is_closed(api: Api) -> Seen:
    intent = await open_intent(api)
    return {
        "cancel": view(await api.post(f"payment_intents/{intent}/cancel", cancellation_reason="abandoned")),
        "again": view(await api.post(f"payment_intents/{intent}/cancel")),
        "confirm": view(await api.pay(intent)),
    }


async def an_open_intent(api: Api) -> Seen:
    made = await api.post("payment_intents", amount=2000, currency="usd", metadata={"order_id": "7"})
    path = f"payment_intents/{made['id']}"
    return {
        "create": view(made),
        "reprice": view(await api.post(path, amount=2500)),
        "too small": view(await api.post(path, amount=1)),
        "confirm without a method": view(await api.post(f"{path}/confirm", return_url=BACK)),
        "confirm without return_url": view(await api.post(f"{path}/confirm", payment_method="pm_card_visa")),
        "capture": view(await api.post(f"{path}/capture")),
        "refund": view(await api.post("refunds", payment_intent=made["id"])),
        "read": view(await api.get(path)),
    }


async def refunds(api: Api) -> Seen:
    intent = (await paid(api))["id"]
    return {
        "nothing named": view(await api.post("refunds")),
        "too much": view(await api.post("refunds", payment_intent=intent, amount=2100)),
        "odd reason": view(await api.post("refunds", payment_intent=intent, reason="whim")),
        "part": view(
            await api.post("refunds", payment_intent=intent, amount=500, metadata={"refund_id": "1"})
        ),
        "more than is left": view(await api.post("refunds", payment_intent=intent, amount=1600)),
        "the rest": view(await api.post("refunds", payment_intent=intent)),
        "again": view(await api.post("refunds", payment_intent=intent)),
        "of a pending kind": view(
            await api.post("refunds", payment_intent=(await paid(api, "pm_card_pendingRefund"))["id"])
        ),
    }


async def a_hold(api: Api) -> Seen:
    first = (await paid(api, capture_method="manual"))["id"]
    second = await paid(api, capture_method="manual")
    return {
        "held": view(second),
        "too much": view(await api.post(f"payment_intents/{first}/capture", amount_to_capture=2100)),
        "part": view(await api.post(f"payment_intents/{first}/capture", amount_to_capture=1500)),
        "let go": view(await api.post(f"payment_intents/{second['id']}/cancel")),
    }


async def methods_of_customers(api: Api) -> Seen:
    owner = (await api.post("customers", email="ada@example.com"))["id"]
    attached = await api.post("payment_methods/pm_card_visa/attach", customer=owner)
    used = (await api.post("payment_methods", type="card", card={"token": "tok_visa"}))["id"]
    once, twice = await paid(api, used), await paid(api, used)
    return {
        "attach": view(attached),
        "attach a declining card": view(
            await api.post("payment_methods/pm_card_visa_chargeDeclined/attach", customer=owner)
        ),
        "attach nothing": view(
            await api.post("payment_methods/pm_000000000000000000000000/attach", customer=owner)
        ),
        "used once": {"status": once.status},
        "used twice": view(twice),
        "without its customer": view(await paid(api, attached["id"])),
        "with its customer": view(await paid(api, attached["id"], customer=owner)),
        "list": view(await api.get(f"customers/{owner}/payment_methods")),
        "detach": view(await api.post(f"payment_methods/{attached['id']}/detach")),
    }


async def off_session(api: Api) -> Seen:
    base: Seen = {"amount": 2000, "currency": "usd", "confirm": True, "off_session": True}
    return {
        "paid": view(await api.post("payment_intents", payment_method="pm_card_visa", **base)),
        "asked": view(
            await api.post("payment_intents", payment_method="pm_card_authenticationRequired", **base)
        ),
    }


async def idempotency(api: Api) -> Seen:
    key = str(uuid4())
    other: Seen = {"amount": 1100, "currency": "usd"}
    first = await api.post("payment_intents", idempotency_key=key, amount=1000, currency="usd")
    again = await api.post("payment_intents", idempotency_key=key, amount=1000, currency="usd")
    return {
        "the same": first["id"] == again["id"],
        "other parameters": view(await api.post("payment_intents", idempotency_key=key, **other)),
        "another endpoint": view(await api.post("refunds", idempotency_key=key, payment_intent=first["id"])),
        "a long key": view(await api.post("payment_intents", idempotency_key="k" * 256, **other)),
    }


async def disputes(api: Api) -> Seen:
    intent = (await paid(api, "pm_card_createDispute"))["id"]
    found = await api.wait_for("disputes", payment_intent=intent)
    seen: Seen = {"count": len(found)}
    if found:
        path = f"disputes/{found[0]['id']}"
        seen["opened"] = view(await api.get(path))
        seen["refund"] = view(await api.post("refunds", payment_intent=intent))
    return seen


async def setups(api: Api) -> Seen:
    base: Seen = {"confirm": True, "return_url": BACK}
    return {
        "open": view(await api.post("setup_intents")),
        "saved": view(await api.post("setup_intents", payment_method="pm_card_visa", **base)),
        "asked": view(
            await api.post("setup_intents", payment_method="pm_card_authenticationRequired", **base)
        ),
        "declined": view(
            await api.post("setup_intents", payment_method="pm_card_visa_chargeDeclined", **base)
        ),
    }


CARDS: dict[str, Probe] = {f"card {token}": card(f"pm_card_{token}") for token in TOKENS if token != _OWN} | {
    f"bank {token}": card(token) for token in _BANKS
}
REFUSALS: dict[str, Probe] = {
    "amount 0": refused(amount=0, currency="usd"),
    "amount too small": refused(amount=1, currency="usd"),
    "amount too large": refused(amount=100_000_000, currency="usd"),
    "amount missing": refused(currency="usd"),
    "amount no integer": refused(amount="1.5", currency="usd"),
    "currency missing": refused(amount=1000),
    "currency unknown": refused(amount=1000, currency="xxx"),
    "currency ISK": refused(amount=1050, currency="isk"),
    "parameter unknown": refused(amount=1000, currency="usd", colour="blue"),
    "payment_method_types": refused(amount=1000, currency="usd", payment_method_types=["card"]),
    "metadata with 51 keys": refused(amount=1000, currency="usd", metadata={f"k{n}": "v" for n in range(51)}),
    "metadata with a long key": refused(amount=1000, currency="usd", metadata={"k" * 41: "v"}),
    "metadata with a long value": refused(amount=1000, currency="usd", metadata={"k": "v" * 501}),
    "email invalid": refused(amount=1000, currency="usd", receipt_email="nobody"),
    "suffix too long": refused(amount=1000, currency="usd", statement_descriptor_suffix="x" * 23),
    "suffix without a letter": refused(amount=1000, currency="usd", statement_descriptor_suffix="123"),
    "suffix with a star": refused(amount=1000, currency="usd", statement_descriptor_suffix="a*b"),
    "descriptor of a card": refused(amount=1000, currency="usd", statement_descriptor="THE WHOLE SHOP"),
    "unknown objects": unknown_objects,
    "an open intent": an_open_intent,
    "a paid intent": a_paid_intent_is_closed,
    "a canceled intent": a_canceled_intent_is_closed,
    "refunds": refunds,
    "a hold": a_hold,
    "methods of customers": methods_of_customers,
    "off session": off_session,
    "idempotency": idempotency,
    "disputes": disputes,
    "setup intents": setups,
}
