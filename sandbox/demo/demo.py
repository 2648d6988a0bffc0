"""What `make run` opens: a database, a stand-in for Stripe, a catalogue, orders and tokens, all on this machine."""

import asyncio
import fcntl
import json
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from pydantic import SecretStr

from graph.serving.site import Site, SiteUser
from models.orders.tables import OrderStatus
from runtime.addresses import http_address
from runtime.database.database import build_database
from runtime.embedded_postgres import embedded_postgres
from runtime.listening import own_loopback, refuse_unless_free
from sandbox.config import SandboxConfig
from sandbox.http.app import build_sandbox
from sandbox.serve import served
from services.operations import migrations
from services.operations.seeding import seed_catalogue, seed_orders
from services.orders.orders import Orders
from services.stripe_api.account_settings import DEFAULT_API_BASE
from settings import Settings, UnsafeSettings, reveal

CUSTOMER, MERCHANT = "ada", "shopkeeper"
PAY = (
    "mutation Pay($orderId: ID!) { createPaymentIntent(orderId: $orderId) { __typename "
    "... on PaymentIntent { id clientSecret status amount { amount currency } } "
    "... on UserError { message code retryable } } }"
)
TOKEN_LIFETIME = timedelta(days=7)
FIRST_ORDERS = 3
LAST_PORT = 65_535
ENV_FILE = "demo.env"


def demo_secret(data: Path) -> str:
    """The secret that signs the demo's tokens: random, made once, kept beside the demo's database."""
    file = data / "jwt-secret"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


def run_demo(settings: Settings, server_for: Callable[[Settings, Site], uvicorn.Config]) -> None:
    """Serve until a signal; `server_for` builds the server of the finished settings and the shop's page."""
    refuse_live(settings)
    settings = settings.model_copy(update={"host": own_loopback()})
    refuse_taken_ports(settings)
    data = settings.data_dir

    async def run(url: str) -> None:
        async with demo_stripe(settings, data) as stripe:
            own = {
                "database_url": SecretStr(url),
                "jwt_secret": SecretStr(demo_secret(data)),
                "introspection": True,
                "explorer": True,
                "desk": True,
            }
            ready = settings.model_copy(update={**own, **stripe}).safe()
            site = demo_site(ready)
            write_env_file(ready, data / ENV_FILE)
            print(welcome(ready, site, await seed_demo(url)), flush=True)
            await _Server(server_for(ready, site)).serve()

    with only_demo_of(data), embedded_postgres(data / "postgres") as url:
        migrations.upgrade(url)
        asyncio.run(run(url))


class _Server(uvicorn.Server):
    """A signal ends it and nothing else: uvicorn's own would raise it anew, and cut short what is closed next."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for wanted in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(wanted, self.handle_exit, wanted, None)
        yield


# What the demo reads of the environment. It takes no database, address or secret that another program left there.
_READ = ("PORT", "DATA_DIR", "LOG_LEVEL", "CORS_ORIGINS", "STRIPE_SECRET_KEY", "STRIPE_SECRET_KEY_FILE")
_OF_TEST_MODE = ("STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")


def demo_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What the demo takes of the environment: Stripe's keys go together, and without the secret one none counts."""
    has_key = any(environment.get(name) for name in _READ if name.startswith("STRIPE_"))
    names = (*_READ, *(_OF_TEST_MODE if has_key else ()))
    return {name: environment[name] for name in names if name in environment}


def refuse_live(settings: Settings) -> None:
    if settings.is_live:
        raise UnsafeSettings(
            "STRIPE_SECRET_KEY: the demo never runs with a live key; unset it or use sk_test_…"
        )


def refuse_taken_ports(settings: Settings) -> None:
    """Before anything is opened: a demo that can't serve must not touch what another one has open."""
    if not 1 <= settings.port < LAST_PORT:
        raise UnsafeSettings(f"PORT: the demo takes a port and the one after it: 1 to {LAST_PORT - 1}")
    stripes = () if settings.stripe_secret_key else (settings.port + 1,)
    for port in (settings.port, *stripes):
        try:
            refuse_unless_free(settings.host, port)
        except OSError as error:
            raise UnsafeSettings(f"{error}. The demo takes it and the next one") from None


@contextmanager
def only_demo_of(data: Path) -> Iterator[None]:
    """Two demos over one folder would each lose what the other writes."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise UnsafeSettings(f"DATA_DIR: {data} can't be written to: {error.strerror}") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnsafeSettings(
                f"DATA_DIR: another demo runs in {data}; end it, or set another DATA_DIR"
            ) from None
        yield


@asynccontextmanager
async def demo_stripe(settings: Settings, data: Path) -> AsyncIterator[dict[str, Any]]:
    """Stripe's test mode if a test key is set, the sandbox otherwise; yields the settings that lead there."""
    if settings.stripe_secret_key:
        yield {}
        return
    config = SandboxConfig(
        webhook_url=f"{http_address(settings.host, settings.port)}/webhooks/stripe",
        state_file=data / "sandbox.jsonl",
    )
    async with served(build_sandbox(config), host=settings.host, port=settings.port + 1) as address:
        yield {
            "stripe_secret_key": SecretStr(config.secret_keys[0]),
            "stripe_publishable_key": config.publishable_key,
            "stripe_webhook_secret": SecretStr(config.webhook_secret),
            "stripe_api_base": address,
        }


async def seed_demo(url: str) -> list[UUID]:
    """The catalogue, and pending orders of the demo's customer unless there are some; returns their ids."""
    database = build_database(url, pool_size=1)
    try:
        await seed_catalogue(database)
        waiting = await Orders(database).page(
            CUSTOMER, first=FIRST_ORDERS, after=None, status=OrderStatus.PENDING
        )
        if waiting.items:
            return [order.id for order in waiting.items]
        return [order async for order, _ in seed_orders(database, FIRST_ORDERS, user_id=CUSTOMER)]
    finally:
        await database.close()


def write_env_file(settings: Settings, file: Path) -> None:
    """What leads the other commands to this demo, as `--env-file`. Keys of Stripe's own are not written."""
    is_sandbox = settings.stripe_api_base != DEFAULT_API_BASE
    values = {
        "DATABASE_URL": reveal(settings.database_url),
        "JWT_SECRET": reveal(settings.jwt_secret),
        "STRIPE_SECRET_KEY": reveal(settings.stripe_secret_key) if is_sandbox else "",
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key or "",
        "STRIPE_WEBHOOK_SECRET": reveal(settings.stripe_webhook_secret) if is_sandbox else "",
        "STRIPE_API_BASE": settings.stripe_api_base,
    }
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def demo_site(settings: Settings) -> Site:
    """What the shop's page is told: whom one may be, and where Stripe.js is."""
    token_for = settings.token_maker(TOKEN_LIFETIME)
    api = settings.stripe_api_base
    return Site(
        publishable_key=settings.stripe_publishable_key or "",
        sandbox=None if api == DEFAULT_API_BASE else api,
        users=(
            SiteUser(CUSTOMER, "Ada", "customer", token_for(CUSTOMER, None)),
            SiteUser(MERCHANT, "Shopkeeper", "merchant", token_for(MERCHANT, "merchant")),
        ),
    )


def welcome(settings: Settings, site: Site, orders: list[UUID]) -> str:
    """What the terminal shows: addresses, tokens, and the one command that makes an order payable."""
    customer, merchant = (user.token for user in site.users)
    base = http_address(settings.host, settings.port)
    return f"""
  Shop     {base}/
  Desk     {base}/desk/
  Explorer {base}/explorer/
  GraphQL  {base}/graphql
  Stripe   {settings.stripe_api_base}

  {CUSTOMER}, a customer:
  {customer}

  {MERCHANT}, role merchant:
  {merchant}

  {CUSTOMER}'s orders that wait to be paid:
  {" ".join(map(str, orders))}

  Make the first one payable:

  curl -s {base}/graphql \\
    -H 'Content-Type: application/json' \\
    -H 'Authorization: Bearer {customer}' \\
    -d '{json.dumps({"query": PAY, "variables": {"orderId": str(orders[0])}})}'

  Other commands find this demo by --env-file, for instance a key for a shop's own system:

  .venv/bin/python main.py key --env-file {settings.data_dir / ENV_FILE} --name shop --scopes ORDERS_READ,ORDERS_WRITE

  Ctrl-C ends everything. The data stays in {settings.data_dir}
"""
