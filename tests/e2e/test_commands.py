"""The command line: what each command prints, how it ends, and what it says when something is missing."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from models.operations.migration_statements import TAKE_TURN
from services.operations import migrations
from services.operations.command_line import parse
from services.operations.seeding import CATALOGUE
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET, Stripe
from tests.e2e.databases import own_database
from tests.e2e.processes import MAIN, PATIENCE, ROOT, Shell, eventually, shell
from tests.ports import free_ports

COMMANDS = (
    "demo",
    "serve",
    "reconcile",
    "doctor",
    "migrate",
    "new-installation-id",
    "forget-unknown-payments",
    "seed",
    "token",
    "key",
    "listen",
    "sandbox",
    "schema",
)
SETTINGS = {
    "DATABASE_URL": "postgresql://127.0.0.1:1/nobody",
    "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
    "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "JWT_SECRET": JWT_SECRET,
}


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[Shell]:
    with shell(tmp_path) as made:
        yield made


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with own_database(postgres_url) as made:
        yield made


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608  our own words
    assert row is not None
    return int(row[0])


def test_help_lists_every_command(sh: Shell) -> None:
    told = sh.run("--help")
    assert (told.code, told.err) == (0, "")
    assert re.findall(r"^    ([a-z-]+)(?:  |$)", told.out, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("", [command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: main.py {command} ")


def test_an_unknown_command_ends_with_2_and_the_usage(sh: Shell) -> None:
    ended = sh.run("sell")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: main.py")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "seed --orders -1",
        "token",
        "token --user ",
        "token --user key:1",
        "token --user a --hours x",
        "token --user a --hours 0",
        "token --user a --hours 99999999999999",
        "key --name warehouse",
        "key --name warehouse --scopes EVERYTHING",
        "key --name warehouse --scopes ORDERS_READ --days 0",
        "sandbox --port x",
        "sandbox --port 65536",
        "sandbox --webhook-url nonsense",
        "sandbox --webhook-url ftp://127.0.0.1/hook",
        "serve now",
        "new-installation-id --id x",
    ],
)
def test_what_cannot_be_understood_ends_with_2_and_the_usage(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("", words.split(" ") if words else [])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: main.py")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", None),
        ("STRIPE_SECRET_KEY", None),
        ("STRIPE_PUBLISHABLE_KEY", None),
        ("JWT_SECRET", None),
        ("JWT_SECRET", "change-me-change-this-before-going-live-1"),
    ],
)
def test_serve_refuses_a_setting_by_name_before_its_port_opens(
    sh: Shell, name: str, value: str | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # opening it would be an error of its own
        given = {**SETTINGS, "PORT": str(taken.getsockname()[1]), name: value}
        ended = sh.run("serve", **{key: text for key, text in given.items() if text is not None})
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith(f"{name}: ")
    assert len(ended.err.splitlines()) == 2, "one sentence, and where to read on"
    assert value is None or value not in ended.err


def test_serve_with_nothing_set_names_everything_at_once(sh: Shell) -> None:
    ended = sh.run("serve")
    named = [line.partition(":")[0] for line in ended.err.splitlines()]
    assert named[:-1] == ["DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "JWT_SECRET"]
    assert ended.code == 1


@pytest.mark.parametrize(
    ("command", "name", "key"),
    [
        ("demo", "STRIPE_SECRET_KEY", "sk_live_0123456789abcdef"),
        ("sandbox", "STRIPE_SECRET_KEY", "rk_live_0123456789abcdef"),
        ("sandbox", "STRIPE_PUBLISHABLE_KEY", "pk_live_0123456789abcdef"),
    ],
)
def test_a_live_key_is_never_used_for_play(sh: Shell, command: str, name: str, key: str) -> None:
    ended = sh.run(command, **{name: key})
    assert ended.code == 1
    assert ended.err.startswith(f"{name}: ")
    assert "0123456789" not in ended.out + ended.err


def test_migrate_brings_an_empty_database_up(sh: Shell, url: str) -> None:
    ended = sh.run("migrate", DATABASE_URL=url)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    migrations.check(url)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_migration_that_was_interrupted_does_not_say_that_it_is_done(
    sh: Shell, url: str, sent: signal.Signals
) -> None:
    with psycopg.connect(url, autocommit=True) as another:
        another.execute(str(TAKE_TURN.compile(compile_kwargs={"literal_binds": True})).encode())
        running = sh.start("migrate", DATABASE_URL=url)
        eventually(lambda: "another migrate of this database is running" in running.output)
        ended = running.stop(sent)
    assert (ended.code, ended.out.count("\n")) == (130, 1)


def test_seed_fills_the_catalogue_once_and_adds_orders_when_told(sh: Shell, own_url: str) -> None:
    for _ in range(2):
        ended = sh.run("seed", DATABASE_URL=own_url)
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        assert (count(own_url, "products"), count(own_url, "orders")) == (len(CATALOGUE), 0)

    ended = sh.run("seed", "--orders", "3", DATABASE_URL=own_url, JWT_SECRET=JWT_SECRET)
    assert [len(line.split(" ")) for line in ended.out.splitlines()] == [2, 2, 2]
    assert (count(own_url, "products"), count(own_url, "orders")) == (len(CATALOGUE), 3)


def test_a_database_that_is_missing_is_told_in_a_sentence(sh: Shell, url: str) -> None:
    for command in ("migrate", "seed"):
        ended = sh.run(command, DATABASE_URL="postgresql://shop:hunter2@127.0.0.1:1/nobody")
        assert ended.code == 1
        assert ended.err.startswith("DATABASE_URL: the database can't be reached")
        assert "hunter2" not in ended.err
    unmigrated = sh.run("seed", DATABASE_URL=url)
    assert unmigrated.code == 1
    assert unmigrated.err.endswith("Run `python main.py migrate` first.\n")


async def test_reconcile_says_what_it_did_and_its_log_stands_beside_it(
    sh: Shell, own_url: str, stripe: Stripe
) -> None:
    for api_base, code in ((stripe.url, 0), ("http://127.0.0.1:1", 3)):
        settings = {**SETTINGS, "DATABASE_URL": own_url, "STRIPE_API_BASE": api_base}
        ended = await asyncio.to_thread(partial(sh.run, "reconcile", **settings))
        assert (ended.code, ended.out.startswith("nothing to do\n")) == (code, True)
        assert ("Stripe could not be asked" in ended.out) is bool(code)
        logged = {json.loads(line)["message"] for line in ended.err.splitlines()}
        assert logged == ({"sweep interrupted"} if code else set())


def test_reconcile_has_a_code_for_each_reason_to_end(sh: Shell, url: str, tmp_path: Path) -> None:
    """1: a person; 3: Stripe, which is tried above; 4: the database; 5: a setting. docs/deploy.md has the table."""
    nowhere = sh.run("reconcile", **SETTINGS)
    assert (nowhere.code, nowhere.out) == (4, "")
    assert nowhere.err.splitlines()[-1].startswith("DATABASE_URL: the database can't be reached")
    empty = sh.run("reconcile", **SETTINGS | {"DATABASE_URL": url})
    assert (empty.code, empty.err.splitlines()[-1]) == (4, "Run `python main.py migrate` first.")

    unset = sh.run(
        "reconcile", **{name: text for name, text in SETTINGS.items() if name != "STRIPE_SECRET_KEY"}
    )
    assert (unset.code, unset.out) == (5, "")
    assert unset.err.startswith("STRIPE_SECRET_KEY: is not set\n")
    missing = sh.run("reconcile", "--env-file", str(tmp_path / "none.env"))
    assert (missing.code, missing.err.startswith("--env-file: ")) == (5, True)
    unreadable = sh.run(
        "reconcile", **SETTINGS | {"JWT_SECRET": "", "JWT_SECRET_FILE": str(tmp_path / "none")}
    )
    assert (unreadable.code, unreadable.err.startswith("JWT_SECRET: ")) == (5, True)


async def test_reconcile_ends_with_1_while_a_case_waits_for_a_person(
    sh: Shell, own_url: str, stripe: Stripe
) -> None:
    with psycopg.connect(own_url, autocommit=True) as shop:
        shop.execute(
            "INSERT INTO orders (id, user_id, currency, status) VALUES (gen_random_uuid(), 'ada', 'EUR', 'review')"
        )
    settings = {**SETTINGS, "DATABASE_URL": own_url, "STRIPE_API_BASE": stripe.url}
    for words in (("reconcile",), ("reconcile", "--until-whole")):
        ended = await asyncio.to_thread(partial(sh.run, *words, **settings))
        assert (ended.code, "is in REVIEW" in ended.out) == (1, True), ended.err

    # A restored shop opens after 0 and 1, so a case must not hide that Stripe could not be asked.
    away = settings | {"STRIPE_API_BASE": "http://127.0.0.1:1"}
    for words, code in ((("reconcile",), 1), (("reconcile", "--until-whole"), 3)):
        ended = await asyncio.to_thread(partial(sh.run, *words, **away))
        assert ended.code == code, ended.err


async def test_a_server_that_reconciles_first_says_how_far_it_is_and_opens_no_port_unless_it_was_whole(
    sh: Shell, own_url: str, stripe: Stripe
) -> None:
    port = free_ports()
    settings = {**SETTINGS, "DATABASE_URL": own_url, "PORT": str(port)}
    away = await asyncio.to_thread(
        partial(sh.run, "serve", "--reconcile-first", **settings, STRIPE_API_BASE="http://127.0.0.1:1")
    )
    assert (away.code, "Stripe could not be asked" in away.out) == (3, True)
    assert away.err.startswith("sweeping: 0 payments are open here")

    running = sh.start("serve", "--reconcile-first", **settings, STRIPE_API_BASE=stripe.url)
    await asyncio.to_thread(running.answers, f"http://127.0.0.1:{port}/livez")
    assert "nothing to do" in running.output


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_what_an_image_leaves_out_is_told_in_a_sentence(command: str, tmp_path: Path) -> None:
    for name in image_files():
        source = ROOT / name
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    ended = subprocess.run(  # noqa: S603  our own command line
        [sys.executable, tmp_path / "main.py", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith("sandbox")
    assert "make run" in ended.stderr


def image_files() -> list[str]:
    """What docs/operations/Containerfile copies."""
    image = (ROOT / "docs" / "operations" / "Containerfile").read_text()
    return " ".join(re.findall(r"^COPY (?!--)(.*) \S+$", image, re.MULTILINE)).split()


def test_orders_are_not_seeded_without_a_secret_to_sign_their_tokens(sh: Shell, own_url: str) -> None:
    ended = sh.run("seed", "--orders", "1", DATABASE_URL=own_url)
    assert ended.code == 1
    assert ended.err.startswith("JWT_SECRET: is not set")
    assert count(own_url, "orders") == 0


def test_a_token_is_not_signed_with_a_weak_secret(sh: Shell) -> None:
    ended = sh.run("token", "--user", "ada", JWT_SECRET="hunter2hunter2")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("JWT_SECRET: ")
    assert "hunter2" not in ended.err


def test_schema_writes_what_is_committed(sh: Shell, tmp_path: Path) -> None:
    ended = sh.run("schema", "--to", str(tmp_path / "there.graphql"))
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (tmp_path / "there.graphql").read_text() == (ROOT / "schema.graphql").read_text()


def test_a_port_that_is_taken_is_told_in_a_sentence(sh: Shell, own_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        served = {**SETTINGS, "DATABASE_URL": own_url, "PORT": port}
        for ended in (
            sh.run("sandbox", "--port", port),
            sh.run("serve", **served),
            sh.run("serve", **served, WORKERS="2"),
        ):
            assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
            assert port in ended.err
            assert "in use" in ended.err


def test_a_python_without_the_packages_is_told_what_to_type(sh: Shell) -> None:
    without = sh.start_program("bare", sys.executable, "-S", MAIN, "demo")
    assert without.process.wait(PATIENCE) == 1
    assert without.output.startswith("Paygraph's packages are not installed in ")
    assert "make run" in without.output
    assert "Traceback" not in without.output


@pytest.mark.parametrize("host", ["nonsense.invalid", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_refused_by_name(sh: Shell, host: str) -> None:
    ended = sh.run("serve", **SETTINGS, HOST=host)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert ended.err.startswith("HOST")
    assert host in ended.err


def test_settings_are_read_from_the_file_that_is_named_and_the_environment_goes_first(
    sh: Shell, tmp_path: Path, url: str
) -> None:
    file = tmp_path / "paygraph.env"
    file.write_text(f"JWT_SECRET={JWT_SECRET}\nDATABASE_URL={url}\n")
    named = ("--env-file", str(file))
    assert sh.run("token", "--user", "ada", *named).code == 0
    assert sh.run("token", "--user", "ada", *named, JWT_SECRET="short").code == 1
    assert sh.run("migrate", *named).code == 0
    migrations.check(url)


def test_serve_tells_of_a_misspelt_name_and_a_missing_webhook_secret(sh: Shell, own_url: str) -> None:
    given = {name: value for name, value in SETTINGS.items() if name != "STRIPE_WEBHOOK_SECRET"}
    port = str(free_ports())
    running = sh.start(
        "serve", **given | {"DATABASE_URL": own_url, "PORT": port, "CORS_ORIGIN": "https://shop.test"}
    )
    running.answers(f"http://127.0.0.1:{port}/livez")
    remarks = [line["remark"] for line in map(json.loads, running.output.splitlines()) if "remark" in line]
    assert [remark.partition(":")[0] for remark in remarks] == ["CORS_ORIGIN", "STRIPE_WEBHOOK_SECRET"]
