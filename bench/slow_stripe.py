"""Creates a second, and webhooks beside them, while Stripe takes its time: `python bench/slow_stripe.py --help`.

One server process with a pool of 10 connections, the sandbox with a latency in another, an embedded PostgreSQL, all
on this machine. It prints what it measured and stops by itself.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402  the path comes first
import stripe as sdk  # noqa: E402

from sandbox.postgres import embedded_postgres  # noqa: E402

PAY = "mutation($id: ID!) { createPaymentIntent(orderId: $id) { __typename } }"
KEYS = {
    "STRIPE_SECRET_KEY": "sk_test_bench0000000000000000",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_bench0000000000000000",
    "STRIPE_WEBHOOK_SECRET": "whsec_bench000000000000000000000000",
    "JWT_SECRET": "a-secret-for-loopback-tests-only-0123456789",
    "LOG_LEVEL": "ERROR",
}
EVENT = (
    '{"id": "evt_bench%d", "type": "payment_intent.created", "created": 1, "livemode": false,'
    ' "data": {"object": {"id": "pi_bench"}}}'
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(*words: str, env: dict[str, str], port: int) -> Iterator[str]:
    running = subprocess.Popen([sys.executable, str(ROOT / "main.py"), *words], env=env)  # noqa: S603  our own
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx.get(base, timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield base
    finally:
        running.terminate()
        running.wait()


def seeded(env: dict[str, str], count: int) -> list[list[str]]:
    for words in (["migrate"], ["seed", "--orders", str(count)]):
        done = subprocess.run(  # noqa: S603  our own
            [sys.executable, str(ROOT / "main.py"), *words],
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
    return [line.split() for line in done.stdout.splitlines()]


async def create_all(http: httpx.AsyncClient, orders: list[list[str]], at_once: int) -> tuple[float, int]:
    """Seconds for all orders with `at_once` callers, and how many answers were no PaymentIntent."""
    waiting, bad = iter(orders), 0

    async def caller() -> None:
        nonlocal bad
        for order_id, token in waiting:
            body = {"query": PAY, "variables": {"id": order_id}}
            headers = {"authorization": f"Bearer {token}"}
            answer = (await http.post("/graphql", json=body, headers=headers)).json()
            result = (answer.get("data") or {}).get("createPaymentIntent") or {}
            bad += result.get("__typename") != "PaymentIntent"

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return time.perf_counter() - began, bad


async def webhooks(http: httpx.AsyncClient, stop: asyncio.Event) -> list[float]:
    """Milliseconds until the 200 of one event after another."""
    taken: list[float] = []
    while not stop.is_set():
        body = EVENT % len(taken)
        header = sdk.WebhookSignature.generate_signature_header(
            body, KEYS["STRIPE_WEBHOOK_SECRET"], int(time.time())
        )
        began = time.perf_counter()
        answer = await http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
        answer.raise_for_status()
        taken.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0.05)
    return taken


async def measure(base: str, stripe: str, orders: list[list[str]], latency: float, at_once: int) -> None:
    limits = httpx.Limits(max_connections=at_once + 4)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=30) as http:
        await http.post(f"{stripe}/_sandbox/faults", json={"latency": latency})
        stop = asyncio.Event()
        beside = asyncio.create_task(webhooks(http, stop))
        seconds, bad = await create_all(http, orders, at_once)
        stop.set()
        taken = await beside
    print(f"Stripe {latency} s, {at_once} creates at once, a pool of 10, one process")
    print(f"creates a second: {len(orders) / seconds:.1f} of {at_once / latency:.1f}; other answers: {bad}")
    print(f"webhook until its 200: p50 {statistics.median(taken):.1f} ms, max {max(taken):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds that Stripe takes (2)")
    parser.add_argument("--count", type=int, default=400, help="orders to pay (400)")
    parser.add_argument("--at-once", type=int, default=40, help="callers at once (40)")
    arguments = parser.parse_args()
    port, stripe_port = free_port(), free_port()
    with embedded_postgres() as url:
        own = {"DATABASE_URL": url, "PORT": str(port), "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}"}
        env = {**os.environ, **KEYS, **own}
        orders = seeded(env, arguments.count)
        with (
            process("sandbox", "--port", str(stripe_port), env=env, port=stripe_port) as stripe,
            process("serve", env=env, port=port) as base,
        ):
            asyncio.run(measure(base, stripe, orders, arguments.latency, arguments.at_once))


if __name__ == "__main__":
    main()
