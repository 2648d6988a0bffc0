"""Paygraph's command line and composition root: settings → database, gateway, app. `python main.py --help`."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from graph.context import ContextMaker, PaymentSettings
from graph.http import GraphQLEndpoint
from graph.routes import livez, readyz, stripe_webhook
from graph.schema import schema
from services import logs, migrations
from services.auth import TokenVerifier, issue_token
from services.database import build_database
from services.health import Health
from services.jwks import JwksKeys
from services.seeding import seed_catalogue, seed_orders
from services.stripe_gateway import API_VERSION, StripeGateway, StripeSignatureCheck
from services.webhooks import Inbox
from settings import Settings, UnsafeSettings, read_settings, refuse_unsafe, token_rules

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
SEED_TOKEN_LIFETIME = timedelta(days=7)


def build_app(settings: Settings) -> Starlette:
    """The whole HTTP surface."""
    database = build_database(secret(settings.database_url), pool_size=settings.database_pool_size)
    gateway = StripeGateway(secret(settings.stripe_secret_key), api_base=settings.stripe_api_base)
    signatures = StripeSignatureCheck(settings.webhook_secrets) if settings.webhook_secrets else None
    inbox = Inbox(database, gateway, signatures, livemode=settings.is_live)
    rules = token_rules(settings)
    keys = JwksKeys(rules.jwks_url) if rules.jwks_url else None
    make_context = ContextMaker(
        verifier=TokenVerifier(rules, keys),
        database=database,
        gateway=gateway,
        payments=PaymentSettings(settings.stripe_publishable_key or "", API_VERSION),
        introspection=settings.introspection,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as background:
            work = background.create_task(inbox.run())
            yield
            work.cancel()
        await gateway.close()
        await database.close()

    origins = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )
    return Starlette(
        routes=[
            Route("/graphql", GraphQLEndpoint(make_context), max_body_size=100_000),
            Route("/webhooks/stripe", stripe_webhook(inbox), methods=["POST"], max_body_size=256 * 1024),
            Route("/livez", livez),
            Route("/readyz", readyz(Health(database, gateway))),
        ],
        middleware=[origins] if settings.cors_origins else [],
        lifespan=lifespan,
    )


def app_from_environment() -> Starlette:
    """What each worker process runs."""
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    return build_app(settings)
