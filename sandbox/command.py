"""`python main.py sandbox`: the stand-in for Stripe as a process of its own."""

import asyncio
import signal

from runtime.listening import own_loopback
from sandbox.config import LIVE_PREFIXES, SandboxConfig
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from settings import Settings, UnsafeSettings, reveal


def run_sandbox(port: int, *, webhook_url: str | None, settings: Settings) -> None:
    """Serve on loopback until a signal. It takes the keys of the environment, or any test key without them."""
    if settings.is_live:
        raise UnsafeSettings("STRIPE_SECRET_KEY: the sandbox is never used with a live key")
    if (settings.stripe_publishable_key or "").startswith(LIVE_PREFIXES):
        raise UnsafeSettings("STRIPE_PUBLISHABLE_KEY: the sandbox is never used with a live key")
    asyncio.run(_run(port, sandbox_config(settings, webhook_url)))


def sandbox_config(settings: Settings, webhook_url: str | None) -> SandboxConfig:
    own = SandboxConfig()
    secret_key = reveal(settings.stripe_secret_key)
    return SandboxConfig(
        secret_keys=(secret_key,) if secret_key else (),
        publishable_key=settings.stripe_publishable_key or own.publishable_key,
        webhook_url=webhook_url,
        webhook_secret=next(iter(settings.webhook_secrets), own.webhook_secret),
    )


async def _run(port: int, config: SandboxConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    async with served(build_sandbox(config), host=own_loopback(), port=port) as address:
        print(
            f"Sandbox Stripe on {address} (STRIPE_API_BASE); publishable key {config.publishable_key}",
            flush=True,
        )
        await stop.wait()
