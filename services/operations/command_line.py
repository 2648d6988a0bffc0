"""What can be typed behind `python main.py`."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError

from models.shop_events.tables import EventType
from runtime.addresses import is_http_url
from runtime.database.database import DatabaseUnavailable
from runtime.pages import InvalidPage
from services.identity.principal import Scope, is_reserved
from services.identity.token_claims import is_name
from services.notifications.event_feed import FeedCursor, read_feed_cursor
from services.operations.migrations import MigrationBlocked


class NotInstalled(Exception):
    """A part that a command needs is not there; a sentence."""


# What goes wrong outside of this program: it is told in a sentence, not by a traceback.
# (The migrations' errors come wrapped by SQLAlchemy.)
EXPECTED = (
    DatabaseUnavailable,
    MigrationBlocked,
    NotInstalled,
    psycopg.OperationalError,
    psycopg.ProgrammingError,
    DBAPIError,
    OSError,
)


RUN_THE_GRANTS = "Run docs/operations/sql/grants.sql as the owner."
RUN_AS_THE_OWNER = "Run `migrate` as the role that owns the tables, paygraph_owner in docs/deploy.md."
_HELD_UP = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled, psycopg.errors.DeadlockDetected)


def parse(about: str, words: list[str]) -> argparse.Namespace:
    """The command and its arguments; ends the process with status 2 and the usage for anything else."""
    parser = argparse.ArgumentParser(prog="main.py", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        settings = "read settings from it too; the environment goes first"
        made.add_argument("--env-file", type=Path, metavar="FILE", help=settings)
        return made

    command("demo", "a shop to try: embedded PostgreSQL, sandbox Stripe, catalogue, orders, tokens")
    _add_serve_arguments(command("serve", "production: everything from the environment, see .env.example"))
    one_sweep = "one sweep by hand; ends with 1 for a person (docs/deploy.md explains 3, 4, 5)"
    _add_reconcile_arguments(command("reconcile", one_sweep))
    doctor = command(
        "doctor", "look at settings, database, Stripe, keys, clock and disk; exit code 1 if one is wrong"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    command("migrate", "bring DATABASE_URL to this version's schema")
    renew = command("new-installation-id", "for a copied database: Stripe's intents stay with the original")
    earlier = "take this id back: it had another before, or a backup from before there were ids was restored"
    renew.add_argument("--id", type=UUID, metavar="ID", help=earlier)
    forget = "after the Stripe account or mode changed for good: close what can't be asked about any more"
    command("forget-unknown-payments", forget)
    seed = command("seed", "add the demo catalogue to DATABASE_URL; repeating it changes nothing")
    orders = "also add N pending orders, one `ORDER_ID TOKEN` a line"
    seed.add_argument("--orders", type=whole_number, default=0, help=orders)
    _add_token_arguments(command("token", "a bearer token signed with JWT_SECRET"))
    key = command("key", "a service key of the shop's own systems; it is printed once")
    _add_key_arguments(key)
    _add_listen_arguments(command("listen", "print the shop's events as they come, until Ctrl-C"))
    sandbox = command("sandbox", "a stand-in for Stripe on this machine, see docs/sandbox.md")
    sandbox.add_argument("--port", type=port, default=12111, help="where it listens on this machine (12111)")
    there = "where it delivers events, signed with the first STRIPE_WEBHOOK_SECRET"
    sandbox.add_argument("--webhook-url", type=http_address, metavar="URL", help=there)
    schema = command("schema", "write schema.graphql anew")
    _add_schema_arguments(schema)
    return parser.parse_args(words)


def _add_serve_arguments(serve: argparse.ArgumentParser) -> None:
    first = "sweep until it is whole before the port opens; end with 3 if it can't be"
    serve.add_argument("--reconcile-first", action="store_true", help=first)


def _add_reconcile_arguments(reconcile: argparse.ArgumentParser) -> None:
    until_whole = (
        "sweep again until every step came to its end, and say how far it is: after a restored backup"
    )
    reconcile.add_argument("--until-whole", action="store_true", help=until_whole)


def _add_schema_arguments(schema: argparse.ArgumentParser) -> None:
    here = Path(__file__).parents[2] / "schema.graphql"
    schema.add_argument("--to", type=Path, default=here, metavar="FILE", help="write it there instead")
    of_subgraph = "write what a gateway of Apollo Federation composes there, and not schema.graphql"
    schema.add_argument("--subgraph", type=Path, metavar="FILE", help=of_subgraph)


def _add_token_arguments(token: argparse.ArgumentParser) -> None:
    token.add_argument("--user", type=user_id, required=True, help="the user id, the token's subject")
    token.add_argument("--role", help="`merchant` may act for the shop")
    lasting = token.add_argument("--hours", dest="lifetime", type=hours, help="how long it is valid (24)")
    lasting.metavar, lasting.default = "HOURS", timedelta(hours=24)


def _add_key_arguments(key: argparse.ArgumentParser) -> None:
    key.add_argument("--name", required=True, help="what the shop calls it")
    key.add_argument(
        "--scopes", type=scopes, required=True, help=f"comma-separated: {','.join(Scope.__members__)}"
    )
    valid = "how long it is valid; without an end when left out"
    key.add_argument("--days", dest="lifetime", type=days, metavar="DAYS", help=valid)


def _add_listen_arguments(listen: argparse.ArgumentParser) -> None:
    behind = "begin behind this `cursor` of a line that was printed; from now on when left out"
    listen.add_argument("--after", type=feed_cursor, metavar="CURSOR", help=behind)
    only = f"comma-separated: {','.join(EventType.__members__)}; all when left out"
    listen.add_argument("--types", type=event_types, default=[], metavar="TYPES", help=only)


def feed_cursor(text: str) -> FeedCursor:
    try:
        return read_feed_cursor(text)
    except InvalidPage:
        raise argparse.ArgumentTypeError("it is no cursor of an event") from None


def event_types(text: str) -> list[EventType]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(name not in EventType.__members__ for name in names):
        raise argparse.ArgumentTypeError(f"types are some of {', '.join(EventType.__members__)}")
    return [EventType[name] for name in names]


def whole_number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("a port is 0 (any that is free) to 65535")
    return number


def hours(text: str) -> timedelta:
    number = int(text)
    if not 1 <= number <= 1_000_000:  # how long a token may live is JWT_MAX_LIFETIME's to say
        raise argparse.ArgumentTypeError("a token is valid for 1 hour or more")
    return timedelta(hours=number)


def days(text: str) -> timedelta:
    number = int(text)
    if not 1 <= number <= 36_500:
        raise argparse.ArgumentTypeError("a key is valid for 1 to 36500 days")
    return timedelta(days=number)


def scopes(text: str) -> list[Scope]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in Scope.__members__]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"scopes are some of {', '.join(Scope.__members__)}")
    return [Scope[name] for name in names]


def http_address(text: str) -> str:
    if not is_http_url(text):
        raise argparse.ArgumentTypeError("it is an address such as http://127.0.0.1:8000/webhooks/stripe")
    return text


def user_id(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError("a user id is 1 to 255 printable characters")
    if is_reserved(text):
        raise argparse.ArgumentTypeError("no user's id begins like a service key's or a checkout token's")
    return text


@contextmanager
def only_in_a_checkout(*packages: str) -> Iterator[None]:
    """Around imports of what an image and a server's own packages leave out; `packages` are needed later."""
    try:
        for package in packages:
            if find_spec(package) is None:
                raise ModuleNotFoundError(name=package)
        yield
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"{missing.name} is not installed here: servers do without it. In a checkout `make run` installs what the "
            "demo needs and starts it."
        ) from None


def lacks_env_file(arguments: argparse.Namespace) -> bool:
    """Whether a `.env` lies in the current folder and the command line names no file. The demo wants none."""
    return arguments.command != "demo" and arguments.env_file is None and Path(".env").is_file()


def in_words(error: Exception, command: str = "") -> str:
    """One sentence about an `EXPECTED` error of this command, and what to do."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, DatabaseUnavailable | psycopg.OperationalError):
        return _unavailable(cause)
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        advice = RUN_AS_THE_OWNER if command == "migrate" else RUN_THE_GRANTS
        return f"DATABASE_URL: {_first_line(cause)}\n{advice}"
    if isinstance(cause, psycopg.ProgrammingError):
        return f"DATABASE_URL: {_first_line(cause)}\nRun `python main.py migrate` first."
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _unavailable(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    if isinstance(cause, _HELD_UP):
        return f"DATABASE_URL: {_first_line(error)}\nAnother session holds a lock: end it, or try again."
    return f"DATABASE_URL: the database can't be reached: {_first_line(error)}"


def _first_line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]
