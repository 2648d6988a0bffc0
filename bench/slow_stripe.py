"""Creates a second and webhook latency while Stripe takes its time: `python bench/slow_stripe.py --help`.

A real server (one process, a pool of 10 connections), the sandbox with a latency, an embedded PostgreSQL, all on
this machine. It prints what it measured and stops by itself.
"""

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette

from main import build_app
from sandbox.app import SandboxConfig, build_sandbox
from sandbox.core import Sandbox
from sandbox.postgres import embedded_postgres
from sandbox.serve import served
from services import logs, migrations
from services.database import build_database
from services.seeding import seed_catalogue, seed_orders
from settings import Settings

SECRET = "a-secret-for-loopback-tests-only-0123456789"  # noqa: S105  signs nothing but this run's tokens
PAY = "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename } }"
STRIPE = SandboxConfig()


async def seeded(url: str, count: int) -> list[tuple[str, str]]:
    database = build_database(url, pool_size=1)
    await seed_catalogue(database)
    orders = [(str(order_id), user) async for order_id, user in seed_orders(database, count)]
    await database.close()
    return orders


def settings_for(url: str, stripe: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(url),
        stripe_secret_key=SecretStr(STRIPE.secret_keys[0]),
        stripe_publishable_key=STRIPE.publishable_key,
        stripe_webhook_secret=SecretStr(STRIPE.webhook_secret),
        stripe_api_base=stripe,
        jwt_secret=SecretStr(SECRET),
    )


async def create_all(
    http: httpx.AsyncClient, settings: Settings, orders: list[tuple[str, str]], at_once: int
) -> tuple[float, int]:
    """Seconds for all orders with `at_once` callers, and how many answers were no PaymentIntent."""
    token_for, waiting, bad = settings.token_maker(), iter(orders), 0

    async def caller() -> None:
        nonlocal bad
        for order_id, user in waiting:
            headers = {"authorization": f"Bearer {token_for(user, None)}"}
            body = {"query": PAY, "variables": {"id": order_id}}
            answer = (await http.post("/graphql", json=body, headers=headers)).json()
            bad += answer["data"]["createPaymentIntent"]["__typename"] != "PaymentIntent"

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return time.perf_counter() - began, bad


async def webhooks(http: httpx.AsyncClient, sandbox: Sandbox, stop: asyncio.Event) -> list[float]:
    """Milliseconds until the 200 of an event, posted again and again."""
    made = sandbox.call("POST", "/v1/payment_intents", {"amount": 100, "currency": "usd"}).json()
    event_id = next(e["id"] for e in sandbox.state.events if e["data"]["object"]["id"] == made["id"])
    taken: list[float] = []
    while not stop.is_set():
        webhook = sandbox.webhook(event_id)
        began = time.perf_counter()
        answer = await http.post(
            "/webhooks/stripe", content=webhook.body, headers={"stripe-signature": webhook.signature}
        )
        answer.raise_for_status()
        taken.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.05)
    return taken


async def run(url: str, latency: float, count: int, at_once: int) -> None:
    orders = await seeded(url, count)
    stripe: Starlette = build_sandbox(STRIPE)
    async with served(stripe) as stripe_url:
        settings = settings_for(url, stripe_url)
        limits = httpx.Limits(max_connections=at_once + 4)
        async with (
            served(build_app(settings)) as base,
            httpx.AsyncClient(base_url=base, limits=limits, timeout=30) as http,
        ):
            stripe.state.sandbox.faults.latency = latency
            stop = asyncio.Event()
            beside = asyncio.create_task(webhooks(http, stripe.state.sandbox, stop))
            seconds, bad = await create_all(http, settings, orders, at_once)
            stop.set()
            taken = await beside
    ideal = min(at_once / latency, count / latency) if latency else float("inf")
    print(f"Stripe {latency} s, {at_once} creates at once, pool of {settings.database_pool_size}")
    print(f"creates a second: {count / seconds:.1f} of {ideal:.1f}, other answers: {bad}")
    print(f"webhook until its 200: p50 {statistics.median(taken):.1f} ms, max {max(taken):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds that Stripe takes (2)")
    parser.add_argument("--count", type=int, default=400, help="orders to pay (400)")
    parser.add_argument("--at-once", type=int, default=40, help="callers at once (40)")
    arguments = parser.parse_args()
    logs.configure("ERROR", "console")
    with embedded_postgres() as url:
        migrations.upgrade(url)
        asyncio.run(run(url, arguments.latency, arguments.count, arguments.at_once))


if __name__ == "__main__":
    main()
