"""Calls that together reach every endpoint of the sandbox, and the kinds of objects that it answers with."""

from collections.abc import Iterator
from typing import Any

from sandbox.core import Sandbox
from sandbox.http.answers import Answer
from sandbox.objects.numbers import BANK_TOKENS, TOKENS
from sandbox.objects.strangers import Application


def post(sandbox: Sandbox, path: str, **params: Any) -> Answer:
    return sandbox.call("POST", f"/v1/{path}", params)


def charge_with(sandbox: Sandbox, payment_method: str, **params: Any) -> Answer:
    settings = {"amount": 2000, "currency": "usd", "confirm": True, "return_url": "https://shop.test/back"}
    return post(sandbox, "payment_intents", payment_method=payment_method, **(settings | params))


def exercise_payments(sandbox: Sandbox) -> Iterator[Answer]:
    yield post(sandbox, "payment_intents", amount=1999, currency="usd", metadata={"order_id": "7"})
    yield charge_with(sandbox, "pm_card_visa", expand=["latest_charge.payment_intent", "payment_method"])
    yield charge_with(
        sandbox, "pm_card_visa", use_stripe_sdk=True, shipping={"name": "A", "address": {"line1": "B"}}
    )
    yield charge_with(sandbox, "pm_card_visa_chargeDeclinedInsufficientFunds")
    yield charge_with(sandbox, "pm_card_createDispute", receipt_email="a@shop.test")
    yield charge_with(sandbox, "pm_card_createDisputeInquiry")
    for outcome in (True, False):
        waiting = charge_with(sandbox, "pm_usBankAccount_success")
        yield waiting
        sandbox.complete(waiting.json()["id"], succeeds=outcome)
    yield charge_with(sandbox, "pm_card_sandboxProcessing")
    yield post(
        sandbox, "payment_intents", amount=5000, currency="eur", confirm=True, use_stripe_sdk=True,
        payment_method_data={"type": "sepa_debit", "billing_details": {"email": "a@shop.test"}},
    )  # fmt: skip


def exercise_authentication(sandbox: Sandbox) -> Iterator[Answer]:
    for settings in ({}, {"use_stripe_sdk": True}):
        asked = charge_with(sandbox, "pm_card_threeDSecure2Required", **settings)
        yield asked
        sandbox.authenticate(asked.json()["id"], "refuse")
        yield sandbox.call("GET", f"/v1/payment_intents/{asked.json()['id']}")
    asked = charge_with(sandbox, "pm_card_authenticationRequired")
    sandbox.authenticate(asked.json()["id"], "approve")
    yield charge_with(sandbox, "pm_card_authenticationRequired", error_on_requires_action=True)


def exercise_captures_and_refunds(sandbox: Sandbox) -> Iterator[Answer]:
    held = charge_with(sandbox, "pm_card_visa", capture_method="manual")
    yield held
    yield post(sandbox, f"payment_intents/{held.json()['id']}/capture", amount_to_capture=1500)
    held = charge_with(sandbox, "pm_card_visa", capture_method="manual")
    yield post(sandbox, f"payment_intents/{held.json()['id']}/cancel", cancellation_reason="abandoned")
    for card in ("pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"):
        paid = charge_with(sandbox, card)
        refund = post(sandbox, "refunds", payment_intent=paid.json()["id"], amount=700, reason="duplicate")
        yield refund
        yield post(sandbox, f"refunds/{refund.json()['id']}", metadata={"why": "asked"})
        sandbox.complete_refund(refund.json()["id"], succeeds=card != "pm_card_refundFail")
        yield sandbox.call(
            "GET", f"/v1/refunds/{refund.json()['id']}", {"expand": ["charge", "payment_intent"]}
        )
        yield post(sandbox, "refunds", payment_intent=paid.json()["id"], amount=9999)


def exercise_customers(sandbox: Sandbox) -> Iterator[Answer]:
    customer = post(sandbox, "customers", email="a@shop.test", name="A", address={"city": "B"})
    yield customer
    path = f"customers/{customer.json()['id']}"
    yield post(sandbox, path, description="regular", metadata={"tier": "gold"})
    yield post(sandbox, "payment_methods/pm_card_visa/attach", customer=customer.json()["id"])
    yield post(sandbox, "payment_methods", type="us_bank_account", us_bank_account={})
    yield charge_with(sandbox, "pm_card_visa", customer=customer.json()["id"], expand=["customer"])
    yield sandbox.call("DELETE", f"/v1/{path}")
    yield sandbox.call("GET", f"/v1/{path}")


def exercise_browsers(sandbox: Sandbox) -> Iterator[Answer]:
    """As Stripe.js does it, after the shop changed the price."""
    made = post(sandbox, "payment_intents", amount=1999, currency="usd", metadata={"order_id": "7"}).json()
    yield post(sandbox, f"payment_intents/{made['id']}", amount=2500, metadata={"order_id": "8"})
    path, secret = f"/v1/payment_intents/{made['id']}", {"client_secret": made["client_secret"]}
    key = sandbox.config.publishable_key
    for method in ("pm_card_chargeDeclined", "pm_card_visa"):
        confirmed = {**secret, "payment_method": method, "return_url": "https://shop.test/back"}
        yield sandbox.call("POST", f"{path}/confirm", confirmed, key=key)
    yield sandbox.call("GET", path, secret, key=key)


def exercise_reading(sandbox: Sandbox) -> Iterator[Answer]:
    paid = charge_with(sandbox, "pm_card_createDispute").json()
    yield sandbox.call("GET", f"/v1/charges/{paid['latest_charge']}")
    yield sandbox.call("GET", f"/v1/payment_methods/{paid['payment_method']}")
    for path in ("disputes", "events"):
        listed = sandbox.call("GET", f"/v1/{path}").json()["data"]
        yield sandbox.call("GET", f"/v1/{path}/{listed[0]['id']}")


def exercise_saved_methods(sandbox: Sandbox) -> Iterator[Answer]:
    owner = post(sandbox, "customers", email="a@shop.test").json()["id"]
    kept = post(sandbox, "payment_methods/pm_card_visa/attach", customer=owner).json()["id"]
    yield sandbox.call("GET", f"/v1/customers/{owner}/payment_methods")
    yield sandbox.call("GET", f"/v1/customers/{owner}/payment_methods/{kept}")
    yield post(sandbox, f"payment_methods/{kept}", metadata={"a": "b"})
    yield post(sandbox, f"payment_methods/{kept}/detach")
    yield post(sandbox, f"payment_methods/{kept}/attach", customer=owner)
    yield post(sandbox, "payment_methods/pm_card_chargeDeclined/attach", customer=owner)


def exercise_setup_intents(sandbox: Sandbox) -> Iterator[Answer]:
    made = post(sandbox, "setup_intents", metadata={"a": "b"})
    yield made
    path = f"setup_intents/{made.json()['id']}"
    yield post(sandbox, path, description="a card", payment_method="pm_card_visa")
    yield sandbox.call("GET", f"/v1/{path}")
    yield post(sandbox, f"{path}/confirm")
    yield post(sandbox, f"{path}/cancel")
    for token in ("pm_card_chargeDeclined", "pm_card_authenticationRequired"):
        yield post(sandbox, "setup_intents", payment_method=token, confirm=True)
    waiting = sandbox.call("GET", "/v1/setup_intents").json()["data"][0]["id"]
    sandbox.authenticate(waiting, "refuse")
    yield sandbox.call("GET", f"/v1/setup_intents/{waiting}")
    yield post(sandbox, f"setup_intents/{waiting}/cancel", cancellation_reason="abandoned")


def exercise_searches_and_the_balance(sandbox: Sandbox) -> Iterator[Answer]:
    details = {
        "discount_amount": 5, "tax": {"total_tax_amount": 7},
        "shipping": {"amount": 3, "from_postal_code": "94110", "to_postal_code": "94117"},
    }  # fmt: skip
    yield charge_with(
        sandbox, "pm_card_visa", amount_details=details, statement_descriptor_suffix="ORDER",
        payment_method_options={"card": {"request_multicapture": "if_available", "setup_future_usage": "none"}},
        expand=["latest_charge.balance_transaction"],
    )  # fmt: skip
    yield sandbox.call("GET", "/v1/payment_intents/search", {"query": "status:'succeeded'"})
    booked = sandbox.call("GET", "/v1/balance_transactions")
    yield booked
    yield sandbox.call("GET", f"/v1/balance_transactions/{booked.json()['data'][0]['id']}")


def exercise_every_card(sandbox: Sandbox) -> Iterator[Answer]:
    for token in TOKENS:
        yield charge_with(sandbox, f"pm_card_{token}")
    for token in BANK_TOKENS:
        yield charge_with(sandbox, token, currency="eur" if "sepa" in token else "usd")
    sandbox.pass_time(120)


def exercise_endpoints(sandbox: Sandbox) -> Iterator[Answer]:
    made = post(sandbox, "webhook_endpoints", url="https://shop.test/hook", enabled_events=["*"])
    yield made
    path = f"webhook_endpoints/{made.json()['id']}"
    yield post(sandbox, path, disabled=True, metadata={"a": "b"})
    yield sandbox.call("GET", f"/v1/{path}")
    yield sandbox.call("DELETE", f"/v1/{path}")


def exercise_slow_refunds_and_disputes(sandbox: Sandbox) -> Iterator[Answer]:
    for status in ("pending", "requires_action"):
        paid = charge_with(sandbox, "pm_card_visa").json()["id"]
        sandbox.plan_refunds(paid, status=status)
        yield post(sandbox, "refunds", payment_intent=paid)
    for refund in list(sandbox.state.refunds):
        if refund["status"] == "requires_action":
            yield post(sandbox, f"refunds/{refund['id']}/cancel")
    charge_with(sandbox, "pm_card_refundFail")
    post(
        sandbox, "refunds", payment_intent=sandbox.call("GET", "/v1/payment_intents").json()["data"][0]["id"]
    )
    for ending in ("a letter", "winning_evidence"):
        charge_with(sandbox, "pm_card_createDispute")
        dispute = sandbox.call("GET", "/v1/disputes").json()["data"][0]["id"]
        yield post(sandbox, f"disputes/{dispute}", evidence={"uncategorized_text": ending})
    charge_with(sandbox, "pm_card_createDispute")
    dispute = sandbox.call("GET", "/v1/disputes").json()["data"][0]["id"]
    yield post(sandbox, f"disputes/{dispute}/close")
    charge_with(sandbox, "pm_card_visa", capture_method="manual")
    sandbox.pass_time(8 * 86_400)


def exercise_strangers(sandbox: Sandbox) -> Iterator[Answer]:
    sandbox.strangers.move_in(Application(events_a_month=3_000, metadata={"order_id": "{uuid}"}))
    yield sandbox.call("GET", "/v1/events", {"limit": 60})
    yield sandbox.call("GET", "/v1/payment_intents", {"limit": 20})
    yield sandbox.call("GET", "/v1/customers", {"limit": 2})


def exercise_errors(sandbox: Sandbox) -> Iterator[Answer]:
    yield post(sandbox, "payment_intents", currency="usd")
    yield post(sandbox, "payment_intents", amount=1, currency="usd")
    yield post(sandbox, "payment_intents", amount=100, currency="usd", colour="blue")
    yield sandbox.call("GET", "/v1/payment_intents/pi_none")
    yield sandbox.call("GET", "/v1/nothing")
    yield sandbox.call("GET", "/v1/balance", key="sk_test_wrong")
    paid = charge_with(sandbox, "pm_card_visa").json()["id"]
    yield post(sandbox, f"payment_intents/{paid}/cancel")
    yield post(sandbox, f"payment_intents/{paid}/confirm", return_url="https://shop.test/")
    for kind in ("429", "409", "500", "401", "402", "400", "404", "424", "425", "503", "lock_timeout"):
        yield sandbox.call("GET", "/v1/balance", headers={"sandbox-fault": kind})


EXERCISES = (
    exercise_payments, exercise_authentication, exercise_captures_and_refunds, exercise_customers, exercise_browsers,
    exercise_reading, exercise_saved_methods, exercise_setup_intents, exercise_searches_and_the_balance,
    exercise_every_card, exercise_endpoints, exercise_slow_refunds_and_disputes, exercise_strangers, exercise_errors,
)  # fmt: skip


def lists_and_the_account(sandbox: Sandbox) -> Iterator[Answer]:
    for path in (
        "payment_intents", "refunds", "charges", "customers", "events", "disputes", "webhook_endpoints",
        "payment_methods", "setup_intents", "balance_transactions",
    ):  # fmt: skip
        yield sandbox.call("GET", f"/v1/{path}", {"limit": 100})
    for path in ("account", "balance"):
        yield sandbox.call("GET", f"/v1/{path}")
