"""What `serve` refuses, by name; what settings never show; and `.env.example`, which tells of each one."""

import base64
import random
import re
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from settings import Settings, UnsafeSettings, needed

EXAMPLE = Path(__file__).parents[2] / ".env.example"
JWT_SECRET = base64.b64encode(random.Random(7).randbytes(48)).decode()  # noqa: S311  signs nothing
SAFE = {
    "DATABASE_URL": "postgresql://shop:hunter2@db.internal:5432/shop",
    "STRIPE_SECRET_KEY": "sk_test_0123456789abcdef",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789abcdef",
    "JWT_SECRET": JWT_SECRET,
}
LIVE = {"STRIPE_SECRET_KEY": "rk_live_0123456789abcdef", "STRIPE_PUBLISHABLE_KEY": "pk_live_0123456789abcdef"}
JWKS = {
    "JWT_SECRET": "",
    "JWT_JWKS_URL": "https://issuer.test/.well-known/jwks.json",
    "JWT_AUDIENCE": "shop",
}


def settings_of(folder: Path, **values: str) -> Settings:
    """Read from a file, since this process's own environment is nobody's to change."""
    file = folder / "settings"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return Settings.read(_env_file=file)


def refusal_of(folder: Path, **values: str) -> str:
    with pytest.raises(UnsafeSettings) as refused:
        settings_of(folder, **{**SAFE, **values}).safe()
    for value in values.values():
        assert len(value) < 12 or value not in str(refused.value)
    return str(refused.value)


def test_safe_settings_are_taken(tmp_path: Path) -> None:
    for others in (
        {},
        LIVE,
        JWKS,
        {"STRIPE_WEBHOOK_SECRET": "whsec_a"},
        {"STRIPE_API_BASE": "http://127.0.0.1:9"},
        {"STRIPE_API_BASE": "http://localhost:9"},
        {"STRIPE_API_BASE": "http://[::1]:9"},
        {"STRIPE_API_BASE": "https://stripe.test.internal"},
    ):
        settings_of(tmp_path, **{**SAFE, **others}).safe()


@pytest.mark.parametrize("name", SAFE)
def test_a_missing_setting_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert f"{name}: is not set" in refusal_of(tmp_path, **{name: ""})


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        settings_of(tmp_path).safe()
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()[:-1]] == list(SAFE)


@pytest.mark.parametrize(
    "unsafe",
    [
        {"EXPLORER": "true"},
        {"DATABASE_URL": "mysql://shop:hunter2@db.internal/shop"},
        {"DATABASE_URL": "db.internal/shop-of-somebody"},
        {"DATABASE_URL": "postgresql://shop:hunter2@db.internal:port/shop"},
        {"DATABASE_POOL_SIZE": "0"},
        {"DATABASE_POOL_SIZE": "many-of-them"},
        {"STRIPE_SECRET_KEY": "replace-me"},
        {"STRIPE_SECRET_KEY": "pk_test_0123456789abcdef"},
        {"STRIPE_PUBLISHABLE_KEY": "sk_test_0123456789abcdef"},
        {"STRIPE_PUBLISHABLE_KEY": LIVE["STRIPE_PUBLISHABLE_KEY"]},
        {
            "STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789abcdef",
            "STRIPE_SECRET_KEY": LIVE["STRIPE_SECRET_KEY"],
        },
        {"STRIPE_WEBHOOK_SECRET": "replace-me-with-a-secret"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,replace-me-with-a-secret"},
        {"STRIPE_API_BASE": "http://stripe.test.internal"},
        {"STRIPE_API_BASE": "ftp://127.0.0.1:12111"},
        {"STRIPE_API_BASE": "http://127.0.0.1:12111@stripe.test.internal"},
        {"STRIPE_API_BASE": "http://127.0.0.1:12111.stripe.test.internal"},
        {"STRIPE_API_BASE": "https://"},
        {"STRIPE_API_BASE": "https://stripe test"},
        {"STRIPE_API_BASE": "https://stripe.test.internal", **LIVE},
        {"STRIPE_API_BASE": "http://127.0.0.1:12111", **LIVE},
        {"JWT_SECRET": "short"},
        {"JWT_SECRET": "change-me-change-this-before-going-live-1"},
        {"JWT_JWKS_URL": "http://issuer.test/.well-known/jwks.json", "JWT_SECRET": ""},
        {"JWT_JWKS_URL": "https://user:password@issuer.test/jwks", "JWT_SECRET": ""},
        {"JWT_ALGORITHMS": "none"},
        {"JWT_ALGORITHMS": "HS256,RS256"},
        {"JWT_MAX_LIFETIME": "-1"},
        {"PORT": "65536"},
        {"WORKERS": "0"},
        {"WORKERS": "65"},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "https://shop.example,*"},
        {"INTROSPECTION": "perhaps"},
        {"METRICS_TOKEN": "guessable"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector.internal:4318"},
        {"LOG_LEVEL": "LOUD"},
        {"LOG_FORMAT": "xml"},
    ],
    ids=str,
)
def test_an_unsafe_setting_is_refused_by_name(tmp_path: Path, unsafe: dict[str, str]) -> None:
    first = next(iter(unsafe))
    assert any(
        line.startswith((f"{first}: ", f"{first} ")) for line in refusal_of(tmp_path, **unsafe).splitlines()
    )


def test_two_ways_to_tell_who_is_calling_are_one_too_many(tmp_path: Path) -> None:
    assert "JWT_SECRET" in refusal_of(tmp_path, **{**JWKS, "JWT_SECRET": JWT_SECRET})


def test_an_issuers_tokens_for_other_applications_are_not_taken(tmp_path: Path) -> None:
    anyones = {**SAFE, **JWKS, "JWT_AUDIENCE": ""}
    refusal = refusal_of(tmp_path, **anyones)
    assert refusal.startswith("JWT_AUDIENCE: is not set, nor is JWT_ISSUER")
    for one_of_them in ({"JWT_AUDIENCE": "shop"}, {"JWT_ISSUER": "https://issuer.test/"}):
        settings_of(tmp_path, **{**anyones, **one_of_them}).safe()


def test_public_keys_go_with_their_algorithms(tmp_path: Path) -> None:
    rules = settings_of(tmp_path, **{**SAFE, **JWKS}).token_rules()
    assert (rules.algorithms, rules.secret) == (("RS256", "ES256"), None)
    assert "JWT_JWKS_URL" in refusal_of(tmp_path, **{**JWKS, "JWT_ALGORITHMS": "HS256"})


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("whsec_old", ("whsec_old",)),
        ("whsec_old,whsec_new", ("whsec_old", "whsec_new")),
        (" whsec_old , whsec_new ,", ("whsec_old", "whsec_new")),
        (",", ()),
        ("", ()),
    ],
)
def test_webhook_secrets_rotate_with_a_comma(tmp_path: Path, value: str, secrets: tuple[str, ...]) -> None:
    settings = settings_of(tmp_path, **SAFE, STRIPE_WEBHOOK_SECRET=value)
    assert settings.safe().webhook_secrets == secrets


def test_an_empty_value_is_unset(tmp_path: Path) -> None:
    assert settings_of(tmp_path, **dict.fromkeys(example(), "")) == settings_of(tmp_path)


def test_lists_are_separated_by_commas(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, CORS_ORIGINS="https://a.example, https://b.example,", JWT_ALGORITHMS="HS256"
    )
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.jwt_algorithms == ("HS256",)


@pytest.mark.parametrize("proxies", ["*", "10.0.0.7,*", "0.0.0.0/0", "::/0", "proxy.internal", "10.0.0.999"])
def test_a_proxy_is_named_by_address_and_everybody_is_none(tmp_path: Path, proxies: str) -> None:
    assert "TRUSTED_PROXIES: each is an address" in refusal_of(tmp_path, TRUSTED_PROXIES=proxies)


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ("", ("10.0.0.7", "ws")),
        ("10.0.0.8", ("10.0.0.7", "ws")),
        ("10.0.0.7", ("203.0.113.9", "wss")),
        ("10.9.0.1, 10.0.0.0/24", ("203.0.113.9", "wss")),
    ],
)
async def test_forwarded_headers_are_believed_of_the_named_proxies_alone(
    tmp_path: Path, proxies: str, seen: tuple[str, str]
) -> None:
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    settings = settings_of(tmp_path, **SAFE, TRUSTED_PROXIES=proxies).safe()
    config = uvicorn.Config(app, interface="asgi3", **settings.server_options)
    config.load()
    headers = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.9"), (b"x-forwarded-proto", b"wss")]
    scope: Any = {"type": "websocket", "scheme": "ws", "client": ("10.0.0.7", 1), "headers": headers}
    await config.loaded_app(scope, None, None)

    assert found == [seen]


def test_a_live_key_is_noticed_in_both_kinds(tmp_path: Path) -> None:
    assert not settings_of(tmp_path, **SAFE).is_live
    for key in ("sk_live_0123456789", "rk_live_0123456789"):
        assert settings_of(tmp_path, STRIPE_SECRET_KEY=key).is_live


def test_secrets_are_shown_neither_by_repr_nor_by_str(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **SAFE, STRIPE_WEBHOOK_SECRET="whsec_0123456789abcdef")
    for shown in (repr(settings), str(settings), repr(settings.model_dump()), repr(settings.token_rules())):
        for secret in ("hunter2", SAFE["STRIPE_SECRET_KEY"], JWT_SECRET, "whsec_0123456789abcdef"):
            assert secret not in shown


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings_of(tmp_path, **SAFE).port = 1  # type: ignore[misc]


def test_a_command_that_needs_a_setting_names_it(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="DATABASE_URL: is not set"):
        needed(settings_of(tmp_path).database_url, "DATABASE_URL")


def example() -> dict[str, str]:
    """What `.env.example` sets."""
    lines = EXAMPLE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_has_every_setting_and_no_other() -> None:
    assert {name.lower() for name in example()} == Settings.model_fields.keys()


def test_the_example_has_the_defaults(tmp_path: Path) -> None:
    defaults: dict[str, Any] = settings_of(tmp_path).model_dump()
    given = Settings.read(_env_file=EXAMPLE).model_dump()
    replaced = {name.lower() for name, value in example().items() if value == "replace-me"}
    assert {name: value for name, value in given.items() if name not in replaced} == {
        name: value for name, value in defaults.items() if name not in replaced
    }


def test_what_must_be_replaced_in_the_example_is_refused_by_name(tmp_path: Path) -> None:
    replaced = {name: value for name, value in example().items() if value == "replace-me"}
    assert replaced.keys() == {*SAFE, "STRIPE_WEBHOOK_SECRET"} - {"DATABASE_URL"}
    for name, value in replaced.items():
        assert f"{name}: " in refusal_of(tmp_path, **{name: value})


def test_the_example_says_what_each_setting_means() -> None:
    for paragraph in EXAMPLE.read_text().split("\n\n"):
        if re.search("^[A-Z_]+=", paragraph, re.MULTILINE):
            assert paragraph.startswith("# ")
