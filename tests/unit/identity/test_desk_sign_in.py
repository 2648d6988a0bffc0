"""The desk's sign-in by OpenID Connect: its settings are whole, or refused by name."""

from pathlib import Path

import pytest

from settings import remarks
from tests.setting_values import JWKS, JWT_SECRET, SAFE, refusal_of, settings_of

SIGN_IN = {
    **SAFE,
    **JWKS,
    "JWT_AUDIENCE": "shop",
    "DESK": "true",
    "DESK_OIDC_ISSUER": "https://login.shop.example/realms/shop",
    "DESK_OIDC_CLIENT_ID": "desk",
}


def test_the_desks_sign_in_is_whole_or_refused_by_name(tmp_path: Path) -> None:
    sign_in = settings_of(tmp_path, **SIGN_IN).safe().desk_sign_in
    assert sign_in is not None
    assert (sign_in.origin, sign_in.scope) == ("https://login.shop.example", "openid")
    assert settings_of(tmp_path, **SAFE).desk_sign_in is None
    wrong = {
        "DESK_OIDC_CLIENT_ID": {"DESK_OIDC_CLIENT_ID": ""},
        "DESK_OIDC_ISSUER": {"DESK_OIDC_ISSUER": ""},
        "DESK_OIDC_SCOPE": {"DESK_OIDC_SCOPE": "email profile"},
        "DESK": {"DESK": "false"},
        "JWT_JWKS_URL": {"JWT_JWKS_URL": "", "JWT_SECRET": JWT_SECRET},
    }
    for name, change in wrong.items():
        assert refusal_of(tmp_path, **{**SIGN_IN, **change}).startswith(f"{name}: ")
    alone = {**SAFE, "DESK": "true", "DESK_OIDC_AUDIENCE": "api"}
    assert "DESK_OIDC_ISSUER: " in refusal_of(tmp_path, **alone)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.shop.example",
        "issuer.shop.test",
        "https://login.shop.example?tenant=1",
        "https://login.shop.example#x",
        "https://a.example;script-src",
        "https://*.shop.example",
        "https://me@login.shop.example",
        "https://a.example 'unsafe-inline'",
    ],
)
def test_an_issuer_that_is_no_address_of_one_is_refused(tmp_path: Path, issuer: str) -> None:
    assert refusal_of(tmp_path, **{**SIGN_IN, "DESK_OIDC_ISSUER": issuer}).startswith("DESK_OIDC_ISSUER: ")


def test_an_issuer_whose_tokens_name_another_one_is_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **{**SIGN_IN, "JWT_ISSUER": "https://other.example"})
    assert any(line.startswith("JWT_ISSUER: does not name") for line in remarks(settings, {}))
