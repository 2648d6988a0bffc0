"""P8: a secret that reaches a log line is redacted, wherever it stands and whoever wrote the line."""

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import structlog

from runtime.logs import BLOT, without_secrets
from tests.lines import written_as

SECRETS = {
    "secret key": "sk_test_51Habcdef0123456789",
    "live key": "sk_live_51Habcdef0123456789",
    "restricted key": "rk_live_51Habcdef0123456789",
    "webhook secret": "whsec_abcdef0123456789",
    "client secret": "pi_3MtwBwLkdIwHu7ix_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "set-up secret": "seti_1Mm8s8LkdIwHu7ix_secret_NXDICkPfJQn",
    "checkout secret": "cs_test_a1b2_secret_c3d4",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.Zm9yZ2VkLXNpZ25hdHVyZQ",
    "bearer": "Bearer opaque-token-0123456789",
    "lower-case bearer": "authorization: bearer opaque-token-0123456789",
    "basic": "Basic c2tfdGVzdF8wMTIzNDU2Nzg5Og==",
    "database password": "postgresql://shop:hunter2@db.internal/shop",
}
TELLING = {
    **SECRETS,
    "bearer": "opaque-token",
    "lower-case bearer": "opaque-token",
    "basic": "c2tfdGVzdF8w",
    "database password": "hunter2",
}
each_secret = pytest.mark.parametrize("name", SECRETS)


@pytest.fixture(params=["json", "console"])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def assert_redacted(line: str, name: str) -> None:
    assert BLOT in line
    assert TELLING[name] not in line


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ-",
        "eyJa.",
        "eyJ-a.b",
        "x-eyJ",
        "://a:",
        "://a",
        "bearer ",
        "basic\n",
        "a_secret",
        "_secret_",
        "sk_test_",
        "a",
        "-",
    ],
)
def test_a_long_text_is_read_once(piece: str) -> None:
    """Two million letters: whoever read them again from each piece on would read for hours."""
    text = piece * (2_000_000 // len(piece))
    assert len(without_secrets(text)) <= len(text) + len(BLOT)


@pytest.mark.parametrize("before", ["", "x-", "sk_test_51Habcdef-", "a.", "(", "=", "eyJ.", "eyJ-"])
def test_a_token_is_blotted_behind_whatever_stands_before_it(before: str) -> None:
    told = without_secrets(f"refused {before}{SECRETS['token']}, sorry")
    assert SECRETS["token"][:20] not in told
    assert told.startswith("refused ")
    assert told.endswith(", sorry")


def test_names_with_dots_are_no_tokens() -> None:
    for text in ("heyJoe.a.b", "eyJoe.a", "a.eyJ.b", "services.identity.tokens"):
        assert without_secrets(text) == text


@each_secret
def test_a_secret_in_a_message_is_redacted(style: str, name: str) -> None:
    with written_as(style) as lines:
        structlog.get_logger("ours").info(f"calling with {SECRETS[name]}")
    assert_redacted(lines.getvalue(), name)


@each_secret
@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: secret,
        lambda secret: [secret],
        lambda secret: {"headers": {"Authorization": secret}},
        lambda secret: {secret: 1},
        lambda secret: ValueError(secret),
        lambda secret: secret.encode(),
        lambda secret: ({"deep": [(secret,)]},),
    ],
    ids=["text", "list", "mapping", "key", "exception", "bytes", "deep"],
)
def test_a_secret_in_a_field_is_redacted(style: str, name: str, wrap: Callable[[str], Any]) -> None:
    with written_as(style) as lines:
        structlog.get_logger("ours").warning("refused", what=wrap(SECRETS[name]))
    assert_redacted(lines.getvalue(), name)


@each_secret
def test_a_secret_in_a_traceback_is_redacted(style: str, name: str) -> None:
    with written_as(style) as lines:
        try:
            raise RuntimeError(f"no answer to {SECRETS[name]}")
        except RuntimeError:
            structlog.get_logger("ours").exception("failed")
    assert_redacted(lines.getvalue(), name)
    assert "Traceback" in lines.getvalue()


@each_secret
def test_a_secret_from_a_foreign_logger_is_redacted(style: str, name: str) -> None:
    foreign = logging.getLogger("aiohttp.client")
    with written_as(style) as lines:
        foreign.info("sent %s", SECRETS[name])
        try:
            raise ConnectionError(SECRETS[name])
        except ConnectionError:
            foreign.exception("lost")
    assert_redacted(lines.getvalue(), name)
    assert lines.getvalue().count(BLOT) >= 2


def test_a_secret_bound_to_a_request_is_redacted(style: str) -> None:
    with written_as(style) as lines, structlog.contextvars.bound_contextvars(pays=SECRETS["client secret"]):
        structlog.get_logger("ours").info("answered")
    assert_redacted(lines.getvalue(), "client secret")


def test_what_is_no_secret_stays_readable(style: str) -> None:
    order_id = UUID("5f0c954e-6d3c-4b53-9f2c-0b1f2f9c7c11")
    with written_as(style) as lines:
        structlog.get_logger("ours").info("order paid", order_id=order_id, amount=5_248, intent="pi_3MtwBwLk")
    assert BLOT not in lines.getvalue()
    for shown in ("order paid", str(order_id), "5248", "pi_3MtwBwLk"):
        assert shown in lines.getvalue()


@pytest.mark.parametrize(
    "text", ["the bearer of this", "basic auth", "pk_test_sandbox000000000000", "evt_1", ""]
)
def test_a_text_without_a_secret_is_not_changed(text: str) -> None:
    assert without_secrets(text) == text


def test_a_json_line_stays_json_when_a_secret_was_in_it() -> None:
    with written_as("json") as lines:
        structlog.get_logger("ours").info('sent "Bearer opaque-token-0123456789"', count=3)
    read = json.loads(lines.getvalue())
    assert (read["message"], read["count"], read["level"]) == (f'sent "{BLOT}"', 3, "info")
    assert {"timestamp", "logger"} <= read.keys()


def test_a_level_that_is_switched_off_writes_nothing(style: str) -> None:
    with written_as(style, level="WARNING") as lines:
        structlog.get_logger("ours").info("chatter")
        logging.getLogger("foreign").info("chatter")
    assert lines.getvalue() == ""


def test_no_value_of_a_line_is_long(style: str) -> None:
    with written_as(style) as lines:
        structlog.get_logger("ours").info("named", name="x" * 90_000)
        try:
            raise ValueError("y" * 90_000)
        except ValueError:
            structlog.get_logger("ours").exception("failed")
    assert len(lines.getvalue()) < 20_000
