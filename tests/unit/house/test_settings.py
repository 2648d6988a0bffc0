"""What `serve` refuses, by name; what settings never show; and `.env.example`, which describes each one."""

import re
from pathlib import Path

import pytest

from runtime.environment import load_env_file
from sandbox.demo.demo import demo_environment
from settings import Settings, UnsafeSettings, needed, remarks, secret_names
from tests.setting_values import JWKS, JWT_SECRET, LIVE, SAFE, refusal_of, settings_of

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def test_safe_settings_are_taken(tmp_path: Path) -> None:
    for others in (
        {},
        LIVE,
        JWKS,
        {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef"},
        {**JWKS, "JWT_SECRET": JWT_SECRET},
        {"JWT_SECRET": f"{JWT_SECRET[::-1]},{JWT_SECRET}"},
        {"JWT_COOKIE": "__Host-session"},
        {"LOG_LEVEL": "info"},
        {"LOG_FORMAT": "Console"},
        {"METRICS_TOKEN": "nS0pJ6Vd3xqZ8KfB"},
        {"DATABASE_URL": "postgresql://shop@db.internal/shop?sslmode=require"},
        {"DATABASE_URL": "postgresql://shop@db.internal/shop?sslrootcert=system"},
        {"DATABASE_URL": "postgresql://shop@db.internal/shop", "DATABASE_WITHOUT_TLS": "true"},
        {"DATABASE_URL": "postgresql://shop@localhost/shop"},
        {"DATABASE_URL": "postgresql://shop@[::1]:5433/shop"},
        {"DATABASE_URL": "postgresql:///shop?host=/run/postgresql"},
        {"DATABASE_URL": "postgresql:///shop"},
        {"STRIPE_API_BASE": "http://127.0.0.1:9"},
        {"STRIPE_API_BASE": "http://localhost:9"},
        {"STRIPE_API_BASE": "http://[::1]:9"},
        {"STRIPE_API_BASE": "https://stripe.test.internal"},
        {"STRIPE_STATEMENT_SUFFIX": "OCT MARATHON"},
        {"STRIPE_STATEMENT_SUFFIX": "9-22-19 10K"},
        {"STRIPE_STATEMENT_SUFFIX": "X" * 18},
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
        {"DATABASE_URL": "postgresql://shop:hunter2@db.internal:5432/shop"},
        {"DATABASE_URL": "postgres://shop:hunter2@10.0.0.7:5432/shop?sslmode=prefer"},
        {"DATABASE_URL": "postgresql://shop:hunter2@db.internal:5432/shop?sslmode=disable"},
        {"DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1/shop?host=db.internal"},
        {"DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1/shop?nonsense=of-somebody"},
        {"DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1/shop?hostaddr=10.0.0.7"},
        {"DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1/shop?service=of-somebody"},
        {"DATABASE_POOL_SIZE": "0"},
        {"DATABASE_POOL_SIZE": "many-of-them"},
        {"STRIPE_SECRET_KEY": "replace-me"},
        {"STRIPE_SECRET_KEY": "pk_test_0123456789abcdef"},
        {"STRIPE_SECRET_KEY": "sk_test_"},
        {"STRIPE_SECRET_KEY": "sk_live_", "STRIPE_PUBLISHABLE_KEY": LIVE["STRIPE_PUBLISHABLE_KEY"]},
        {"STRIPE_SECRET_KEY": "sk_test_0123456789 abcdef"},
        {"STRIPE_PUBLISHABLE_KEY": "pk_test_"},
        {"STRIPE_PUBLISHABLE_KEY": "sk_test_0123456789abcdef"},
        {"STRIPE_PUBLISHABLE_KEY": LIVE["STRIPE_PUBLISHABLE_KEY"]},
        {
            "STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789abcdef",
            "STRIPE_SECRET_KEY": LIVE["STRIPE_SECRET_KEY"],
        },
        {"STRIPE_WEBHOOK_SECRET": "replace-me-with-a-secret"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,whsec_"},
        {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,replace-me-with-a-secret"},
        {"STRIPE_API_BASE": "http://stripe.test.internal"},
        {"STRIPE_API_BASE": "ftp://127.0.0.1:12111"},
        {"STRIPE_STATEMENT_SUFFIX": "X" * 19},
        *(
            {"STRIPE_STATEMENT_SUFFIX": suffix}
            for suffix in ("123", "a*b", "<b", "it's", 'a"b', "a\\b", "caf\u00e9")
        ),
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
        {"JWT_SECRET": f"{JWT_SECRET},short"},
        {"JWT_MAX_LIFETIME": "-1"},
        {"JWT_MAX_LIFETIME": "99999999999999999999"},
        {"JWT_MAX_LIFETIME": "9" * 5000},
        {"JWT_COOKIE": "the session"},
        {"JWT_COOKIE": "session=1"},
        {"PORT": "65536"},
        {"WORKERS": "0"},
        {"WORKERS": "65"},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "https://shop.example,*"},
        {"INTROSPECTION": "perhaps"},
        {"METRICS_TOKEN": "guessable"},
        {"METRICS_TOKEN": "aaaaaaaaaaaaaaaa"},
        {"METRICS_TOKEN": "abcdefghijklmnopqrst"},
        {"METRICS_TOKEN": "change-me-change-me"},
        {"METRICS_TOKEN": "gr\u00fcn-nS0pJ6Vd3xqZ8KfB"},
        {"METRICS_TOKEN": "nS0pJ6Vd 3xqZ8KfB"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector.internal:4318"},
        *(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
            for endpoint in (
                "http://[::1:4318",
                "http://otel.internal:port",
                "http://otel.internal:99999",
                "http://user:hunter2@otel.internal",
                "http://otel.internal:4318/v1/traces",
                "http://otel.internal:4318/?a=b",
                "http://otel internal:4318",
            )
        ),
        *(
            {"STRIPE_CALLS_PER_SECOND": number}
            for number in ("inf", "nan", "-1", "0", "0.000001", "1e400", "1e9")
        ),
        {"STRIPE_CALLS_PER_SECOND": "5", "WORKERS": "64"},
        {"STRIPE_API_BASE": "http://[::1"},
        {"STRIPE_API_BASE": "http://127.0.0.1:9?a=b"},
        {"CORS_ORIGINS": "https://straße.example"},
        {"CORS_ORIGINS": "http://[::1"},
        {"CORS_ORIGINS": '["https://shop.example"]'},
        {"JWT_AUDIENCE": '["web","ios"]'},
        {"JWT_AUDIENCE": "'web','ios'"},
        {"JWT_JWKS_URL": "https://[::1/jwks"},
        {"DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1:99999/shop"},
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


def test_a_secret_and_public_keys_are_taken_together_while_one_moves(tmp_path: Path) -> None:
    both = settings_of(tmp_path, **{**SAFE, **JWKS, "JWT_SECRET": JWT_SECRET}).safe()
    assert both.token_rules().algorithms == ("HS256", "RS256", "ES256")


def test_an_issuers_tokens_for_other_applications_are_not_taken(tmp_path: Path) -> None:
    anyones = {**SAFE, **JWKS, "JWT_AUDIENCE": ""}
    for others in ({}, {"JWT_ISSUER": "https://issuer.test/"}, {"JWT_AUDIENCE": ","}):
        assert refusal_of(tmp_path, **{**anyones, **others}).startswith("JWT_AUDIENCE: is not set")
    settings_of(tmp_path, **{**anyones, "JWT_AUDIENCE": "shop"}).safe()


def test_audiences_and_issuers_are_lists(tmp_path: Path) -> None:
    rules = settings_of(
        tmp_path,
        **{**SAFE, **JWKS, "JWT_AUDIENCE": "web, ios", "JWT_ISSUER": "https://a.test,https://b.test"},
    ).token_rules()
    assert rules.audiences == ("web", "ios")
    assert rules.issuers == ("https://a.test", "https://b.test")


def test_the_first_secret_and_audience_sign_a_token(tmp_path: Path) -> None:
    given = {**SAFE, "JWT_SECRET": f"{JWT_SECRET[::-1]}, {JWT_SECRET}", "JWT_AUDIENCE": "web,ios"}
    settings = settings_of(tmp_path, **given)
    bearer = settings.token_maker()("ada", None)
    only_new = settings_of(tmp_path, **{**given, "JWT_SECRET": JWT_SECRET[::-1]})
    for reader in (settings, only_new):
        assert reader.token_verifier(None).verify_at_once(bearer) is not None


def test_public_keys_go_with_their_algorithms(tmp_path: Path) -> None:
    rules = settings_of(tmp_path, **{**SAFE, **JWKS}).token_rules()
    assert (rules.algorithms, rules.secrets) == (("RS256", "ES256"), ())
    assert "HS256 needs JWT_SECRET" in refusal_of(tmp_path, **{**JWKS, "JWT_ALGORITHMS": "HS256"})


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("whsec_old_secret", ("whsec_old_secret",)),
        ("whsec_old_secret,whsec_new_secret", ("whsec_old_secret", "whsec_new_secret")),
        (" whsec_old_secret , whsec_new_secret ,", ("whsec_old_secret", "whsec_new_secret")),
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


def test_the_example_copied_as_it_is_sets_nothing_but_defaults(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    load_env_file(EXAMPLE, environment)
    assert environment.keys() == example().keys()
    assert Settings.read(environment) == settings_of(tmp_path)
    assert "replace" not in EXAMPLE.read_text()


def test_the_example_says_what_each_setting_means() -> None:
    for paragraph in EXAMPLE.read_text().split("\n\n"):
        if re.search("^[A-Z_]+=", paragraph, re.MULTILINE):
            assert paragraph.startswith("# ")


@pytest.mark.parametrize(
    "secret", ["DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "JWT_SECRET"]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", " \n\n"])
def test_a_secret_may_stand_in_a_file_and_its_last_newline_does_not_count(
    tmp_path: Path, secret: str, ending: str
) -> None:
    given = {**SAFE, "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef"}
    held = tmp_path / secret
    held.write_text(given[secret] + ending)
    wanted = Settings.read(given).safe()
    others = {name: value for name, value in given.items() if name != secret}
    assert Settings.read({**others, f"{secret}_FILE": str(held)}) == wanted
    assert Settings.read({**others, "CREDENTIALS_DIRECTORY": str(tmp_path)}) == wanted
    assert Settings.read({**given, secret: given[secret] + ending}) == wanted


def test_each_secret_may_stand_in_a_file() -> None:
    assert {"DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "JWT_SECRET", "METRICS_TOKEN"} <= {
        *secret_names()
    }
    assert "PORT" not in secret_names()


def test_a_secret_file_that_cannot_be_read_is_refused_by_its_settings_name(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match=r"^JWT_SECRET: .*/none can't be read: No such file"):
        Settings.read({**SAFE, "JWT_SECRET": "", "JWT_SECRET_FILE": str(tmp_path / "none")})
    for nothing in (b"", b"\n", b"\xef\xbb\xbf"):
        (tmp_path / "empty").write_bytes(nothing)
        with pytest.raises(UnsafeSettings, match=r"^METRICS_TOKEN: .*/empty is empty"):
            Settings.read({**SAFE, "METRICS_TOKEN_FILE": str(tmp_path / "empty")})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UnsafeSettings, match=r"^JWT_SECRET: .*is not UTF-8"):
        Settings.read({"JWT_SECRET_FILE": str(tmp_path / "bytes")})


@pytest.mark.parametrize("text", ["", "\n", " \r\n"])
def test_a_secret_file_without_a_secret_is_refused_by_its_settings_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "JWT_SECRET").write_text(text)
    for given in (
        {"JWT_SECRET_FILE": str(tmp_path / "JWT_SECRET")},
        {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    ):
        with pytest.raises(UnsafeSettings, match=r"^JWT_SECRET: .*/JWT_SECRET is empty"):
            Settings.read(given)


def test_credentials_that_cant_be_looked_at_are_refused_by_a_settings_name(tmp_path: Path) -> None:
    """Root may enter any folder, so a name that is too long stands for one that this user may not enter."""
    with pytest.raises(UnsafeSettings, match=r"^DATABASE_URL: .* can't be read: File name too long"):
        Settings.read({"CREDENTIALS_DIRECTORY": str(tmp_path / ("x" * 300))})
    assert Settings.read({**SAFE, "CREDENTIALS_DIRECTORY": str(tmp_path / "none")}) == Settings.read(SAFE)


def test_a_secret_that_is_set_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(JWT_SECRET)
    with pytest.raises(UnsafeSettings, match="JWT_SECRET: is set twice") as refused:
        Settings.read({**SAFE, "JWT_SECRET_FILE": str(tmp_path / "secret")})
    assert JWT_SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("JWT_SECRETS", "JWT_SECRET"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("STRIPE_WEBHOOKS_SECRET", "STRIPE_WEBHOOK_SECRET"),
        ("JWT_SECRET_FIEL", "JWT_SECRET_FILE"),
        ("database_url", "DATABASE_URL"),
        ("HOSTNAME", None),
        ("PGHOST", None),
        ("PATH", None),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None),
        ("JWT_SECRET_FILE", None),
        ("JWT_ISSUER_FILE", "JWT_ISSUER"),
        ("cors_origins_file", "CORS_ORIGINS"),
    ],
)
def test_a_name_that_is_almost_a_settings_is_told(tmp_path: Path, name: str, meant: str | None) -> None:
    settings = settings_of(tmp_path, STRIPE_WEBHOOK_SECRET="whsec_0123456789abcdef")
    told = [f"{name}: is no setting; {meant} is. Is it misspelt?"] if meant else []
    assert remarks(settings, {name: "x", "LOG_LEVEL": "INFO"}) == told


def test_a_missing_webhook_secret_is_told(tmp_path: Path) -> None:
    assert [line.partition(":")[0] for line in remarks(settings_of(tmp_path), {})] == [
        "STRIPE_WEBHOOK_SECRET"
    ]


def test_a_desk_that_no_document_lets_through_is_told(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, STRIPE_WEBHOOK_SECRET="whsec_0123456789abcdef", DESK="true", TRUSTED_DOCUMENTS_ONLY="true"
    )
    assert [line.partition(":")[0] for line in remarks(settings, {})] == ["DESK"]


def test_the_demo_takes_no_database_address_or_secret_that_lies_about() -> None:
    lying = dict.fromkeys([*example(), *(f"{name}_FILE" for name in secret_names())], "someone's")
    for name in ("STRIPE_SECRET_KEY", "STRIPE_SECRET_KEY_FILE"):
        del lying[name]
    assert demo_environment(lying).keys() == {"PORT", "DATA_DIR", "LOG_LEVEL", "CORS_ORIGINS"}
    with_test_key = demo_environment({**lying, "STRIPE_SECRET_KEY": "sk_test_0123456789"})
    assert "STRIPE_PUBLISHABLE_KEY" in with_test_key
    assert not with_test_key.keys() & {"DATABASE_URL", "JWT_SECRET", "JWT_JWKS_URL", "HOST"}
