"""Settings that are not what they look like, and tokens that are made by them: refused by name, or taken as meant."""

import re
from pathlib import Path

import pytest

from settings import Settings, UnsafeSettings, database_of, secret_names
from tests.setting_values import JWKS, JWT_SECRET, LIVE, SAFE, refusal_of, settings_of


@pytest.mark.parametrize(
    "value",
    [
        '"whsec_0123456789abcdef"',
        "\u201cwhsec_0123456789abcdef\u201d",
        "whsec_0123456789\u200babcdef",
        "whsec_0123456789\x00abcdef",
        "\ufeffwhsec_0123456789abcdef",
        "whsec_0123456789\udcffabcdef",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("name", [*sorted(secret_names()), "CORS_ORIGINS", "STRIPE_API_BASE", "JWT_AUDIENCE"])
def test_a_value_that_is_not_what_one_sees_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(
        UnsafeSettings, match=rf"^{name}: (has quotes|has a character|is not UTF-8)"
    ) as refused:
        Settings.read({name: value})
    assert "whsec" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["${SHOP_METRICS_TOKEN}", "$SHOP_METRICS_TOKEN", "{{metrics.token.of.shop}}", "%METRICS_TOKEN_OF_SHOP%"],
)
def test_a_variable_that_nothing_replaced_is_no_secret(tmp_path: Path, value: str) -> None:
    assert refusal_of(tmp_path, METRICS_TOKEN=value).startswith(
        "METRICS_TOKEN: is a pattern or a placeholder"
    )
    assert "JWT_SECRET: " in refusal_of(tmp_path, JWT_SECRET=f"${{{'A_LONG_NAME_' * 4}}}")


@pytest.mark.parametrize(
    ("proxies", "are_some"),
    [
        ("0.0.0.0/1,128.0.0.0/1", False),
        ("::/1", False),
        ("2000::/3", False),
        ("8.0.0.0/8", False),
        ("::ffff:0:0/96", False),
        ("::/64", False),
        ("::ffff:128.0.0.0/97", False),
        ("10.0", False),
        ("10.0.0.7/24", False),
        ("10.0.0.0/8", True),
        ("172.16.0.0/12", True),
        ("fd00::/8", True),
        ("104.16.0.0/13, 2405:8100::/32", True),
        ("::1, 127.0.0.1", True),
        ("::ffff:10.0.0.7", True),
    ],
)
def test_a_large_part_of_the_internet_is_no_proxy(tmp_path: Path, proxies: str, are_some: bool) -> None:
    settings = settings_of(tmp_path, **SAFE, TRUSTED_PROXIES=proxies)
    assert [line.partition(":")[0] for line in settings.problems()] == (
        [] if are_some else ["TRUSTED_PROXIES"]
    )


@pytest.mark.parametrize(
    "base", ["https://api.stripe.com/", "HTTPS://API.stripe.com", "https://api.stripe.com:443"]
)
def test_stripes_own_address_is_known_however_it_is_written(tmp_path: Path, base: str) -> None:
    settings = settings_of(tmp_path, **{**SAFE, **LIVE, "STRIPE_API_BASE": base}).safe()
    assert (settings.stripe_api_base, settings.calls_per_second) == ("https://api.stripe.com", 25.0)
    assert (
        settings_of(tmp_path, STRIPE_API_BASE="http://127.0.0.1:9/").stripe_api_base == "http://127.0.0.1:9"
    )


def test_a_cookie_goes_with_patterns_of_the_shops_own_hosts(tmp_path: Path) -> None:
    cookie = {"JWT_COOKIE": "session", "CORS_ORIGINS": "https://shop.example"}
    for pattern in ("https://*.vercel.app", "https://*.co.uk", "https://*.shop.example,https://*.github.io"):
        with pytest.raises(
            UnsafeSettings, match=r"^CORS_ORIGIN_PATTERNS: 'https://\*\.\w+(\.\w+)?' may let in"
        ):
            settings_of(tmp_path, **SAFE, CORS_ORIGIN_PATTERNS=pattern, **cookie).safe()
        settings_of(tmp_path, **SAFE, CORS_ORIGIN_PATTERNS=pattern).safe()
    settings_of(tmp_path, **SAFE, CORS_ORIGIN_PATTERNS="https://*.preview.shop.example", **cookie).safe()


@pytest.mark.parametrize(
    "others",
    [
        {"JWT_ALGORITHMS": "HS384"},
        {"JWT_ALGORITHMS": "HS512,HS256"},
        {
            "JWT_AUDIENCE": "web,ios",
            "JWT_AUDIENCE_CLAIM": "client_id",
            "JWT_ISSUER": "https://a.test,https://b.test",
        },
        {"JWT_USER_ID_CLAIM": "user.id", "JWT_ROLE_CLAIM": "realm_access.roles"},
        {"JWT_ROLE_CLAIM": "scope"},
        {"JWT_JWKS_URL": JWKS["JWT_JWKS_URL"], "JWT_AUDIENCE": "shop", "JWT_ALGORITHMS": "ES256,HS512"},
    ],
    ids=str,
)
def test_the_token_that_is_made_is_one_that_a_server_takes(tmp_path: Path, others: dict[str, str]) -> None:
    settings = settings_of(tmp_path, **{**SAFE, "JWT_SECRET": JWT_SECRET * 2 + "+", **others}).safe()
    user = settings.token_verifier(settings.public_keys()).verify_at_once(
        settings.token_maker()("ada", "merchant")
    )
    assert user is not None
    assert (user.id, user.is_merchant) == ("ada", True)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"JWT_SECRET": ""}, "JWT_SECRET: is not set"),
        (JWKS, "JWT_SECRET: is not set; the issuer"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET: the secret has 5 bytes"),
        ({"JWT_ALGORITHMS": "RS256"}, "JWT_ALGORITHMS: RS256 needs JWT_JWKS_URL"),
        ({"JWT_AUDIENCE": "shop", "JWT_AUDIENCE_CLAIM": "sub"}, "no server would take this token: wrong audience"),
        ({"JWT_ROLE_CLAIM": "email"}, "JWT_USER_ID_CLAIM, JWT_ROLE_CLAIM"),
        ({"JWT_USER_ID_CLAIM": "exp"}, "JWT_USER_ID_CLAIM, JWT_ROLE_CLAIM"),
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_no_server_takes_is_not_made(tmp_path: Path, others: dict[str, str], told: str) -> None:
    with pytest.raises(UnsafeSettings, match=f"^{re.escape(told)}"):
        settings_of(tmp_path, **{**SAFE, **others}).token_maker()("ada", "merchant")


def test_a_trial_token_is_valid_no_longer_than_a_token_may_be(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **SAFE, JWT_MAX_LIFETIME="3600")
    assert settings.token_verifier(None).verify_at_once(settings.token_maker()("ada", None)) is not None


def test_a_command_that_needs_the_database_alone_refuses_one_that_is_not_safe(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match=r"^DATABASE_URL: leads to another machine without TLS"):
        database_of(settings_of(tmp_path, DATABASE_URL="postgresql://shop:hunter2@db.internal/shop"))
    url = "postgresql://shop:hunter2@localhost/shop"
    assert database_of(settings_of(tmp_path, DATABASE_URL=url)) == url
