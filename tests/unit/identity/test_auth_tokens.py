"""HS256 bearer tokens: who is let in, as whom, and for how long."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from services.identity.principal import Principal
from services.identity.tokens import InvalidToken, TokenRules, TokenVerifier, UnsafeSecret, issue_token
from tests.tokens import (
    CLAIMS,
    NOW,
    OTHER_SECRET,
    SECRET,
    Clock,
    b64,
    refused_as,
    sign,
    token,
    verifier,
    with_claims,
    without,
)


async def test_a_good_token_tells_who_is_calling() -> None:
    bearer = token(with_claims(email="ann@shop.test", role="merchant"))
    user = await verifier().verify(bearer)
    assert user == Principal(id="user-1", email="ann@shop.test", roles=frozenset({"merchant"}))
    assert user.is_merchant


async def test_a_caller_without_a_role_is_no_merchant() -> None:
    user = await verifier().verify(token())
    assert user == Principal(id="user-1", email=None, roles=frozenset())
    assert not user.is_merchant


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"])
def test_the_types_of_access_tokens_are_accepted(typ: str) -> None:
    assert verifier().verify_at_once(token(typ=typ)) is not None


def test_a_token_without_typ_is_accepted() -> None:
    assert verifier().verify_at_once(sign(b'{"alg":"HS256"}', json.dumps(CLAIMS).encode())) is not None


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_a_key_named_in_the_header_is_never_used(name: str) -> None:
    attackers_key = {"kty": "oct", "k": b64(OTHER_SECRET.encode())}
    header: dict[str, Any] = {name: attackers_key if name == "jwk" else "https://attacker.test/key"}
    assert refused_as(token(secret=OTHER_SECRET, **header)) == "bad-signature"
    assert verifier().verify_at_once(token(**header)) == verifier().verify_at_once(token())


@pytest.mark.parametrize(
    ("sub", "user_id"), [(42, "42"), (-7, "-7"), (0, "0"), ("42", "42"), ("auth0|5f", "auth0|5f")]
)
def test_a_subject_is_text_or_an_integer(sub: object, user_id: str) -> None:
    user = verifier().verify_at_once(token(with_claims(sub=sub)))
    assert user is not None
    assert user.id == user_id


@pytest.mark.parametrize(
    ("role", "roles"),
    [
        ("merchant", {"merchant"}),
        ("not merchant", {"not merchant"}),
        ("merchant support", {"merchant support"}),
        ("merchant\u2003x", set()),
        ("merchant\tx", set()),
        (["not merchant"], {"not merchant"}),
        (["merchant", "shop owner"], {"merchant", "shop owner"}),
        (["merchant", 7, None, "", "\x00"], {"merchant"}),
        ("", set()),
        (None, set()),
        (True, set()),
        ({"merchant": True}, set()),
    ],
)
def test_a_role_is_one_text_or_a_list_of_them(role: object, roles: set[str]) -> None:
    user = verifier().verify_at_once(token(with_claims(role=role)))
    assert user is not None
    assert user.roles == roles


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("scope", {"scope": "openid merchant"}, {"openid", "merchant"}),
        ("scope", {"scope": "merchant\u2003x"}, set()),
        ("scope", {"scope": "openid\tmerchant"}, set()),
        ("scp", {"scp": ["openid", "merchant"]}, {"openid", "merchant"}),
        ("access.scope", {"access": {"scope": "a b"}}, {"a", "b"}),
        ("https://shop.test/roles", {"https://shop.test/roles": "not merchant"}, {"not merchant"}),
    ],
)
def test_only_a_claim_of_scopes_is_split_and_only_at_spaces(
    claim: str, claims: dict[str, Any], roles: set[str]
) -> None:
    user = verifier(role_claim=claim).verify_at_once(token(with_claims(**claims)))
    assert user is not None
    assert user.roles == roles


@pytest.mark.parametrize("email", [7, "", "a\x00b@shop.test", ["ann@shop.test"], None, "x" * 300])
def test_an_email_that_is_none_is_left_out(email: object) -> None:
    user = verifier().verify_at_once(token(with_claims(email=email)))
    assert user is not None
    assert user.email is None


def test_claims_may_be_renamed_nested_or_urls() -> None:
    claims = without("sub") | {
        "uid": 9,
        "contact": {"mail": "ann@shop.test"},
        "https://shop.test/roles": ["merchant"],
    }
    user = verifier(
        user_id_claim="uid", email_claim="contact.mail", role_claim="https://shop.test/roles"
    ).verify_at_once(token(claims))
    assert user == Principal(id="9", email="ann@shop.test", roles=frozenset({"merchant"}))


@pytest.mark.parametrize(
    "aud", [None, "", "other", ["other"], [], {"shop": 1}, 7, ["shop2"], "shop2", [["shop"]]]
)
def test_another_audience_is_refused(aud: object) -> None:
    assert refused_as(token(with_claims(aud=aud)), audiences=("shop",)) == "wrong-audience"


def test_a_missing_audience_is_refused() -> None:
    assert refused_as(token(), audiences=("shop",)) == "wrong-audience"


@pytest.mark.parametrize("aud", ["shop", ["shop"], ["other", "shop"]])
def test_the_configured_audience_is_accepted(aud: object) -> None:
    assert verifier(audiences=("shop",)).verify_at_once(token(with_claims(aud=aud))) is not None


@pytest.mark.parametrize(
    "claims", [CLAIMS, with_claims(iss="https://issuer.test/"), with_claims(iss=["https://issuer.test"])]
)
def test_another_or_a_missing_issuer_is_refused(claims: dict[str, Any]) -> None:
    assert refused_as(token(claims), issuers=("https://issuer.test",)) == "wrong-issuer"


def test_the_configured_issuer_is_accepted() -> None:
    bearer = token(with_claims(iss="https://issuer.test"))
    assert verifier(issuers=("https://issuer.test",)).verify_at_once(bearer) is not None


@pytest.mark.parametrize(
    "claims",
    [
        with_claims(exp=NOW - 29),
        with_claims(nbf=NOW + 30),
        with_claims(iat=NOW + 30),
        with_claims(exp=NOW + 0.5, iat=NOW - 0.5),
        with_claims(exp=NOW + 31 * 86400),
    ],
)
def test_clocks_may_differ_by_the_leeway(claims: dict[str, Any]) -> None:
    assert verifier().verify_at_once(token(claims)) is not None


def test_a_token_is_believed_until_it_expires_and_no_longer() -> None:
    clock = Clock()
    tokens = verifier(clock, leeway=timedelta(0))
    bearer = token(with_claims(exp=NOW + 10))
    clock.now = NOW + 9.9
    assert tokens.verify_at_once(bearer) is tokens.verify_at_once(bearer)
    clock.now = NOW + 10
    with pytest.raises(InvalidToken, match="expired"):
        tokens.verify_at_once(bearer)


def test_a_verified_token_is_not_verified_again_within_five_minutes() -> None:
    clock = Clock()
    tokens = verifier(clock)
    user = tokens.verify_at_once(token())
    clock.now += 299
    assert tokens.verify_at_once(token()) is user
    clock.now += 2
    assert tokens.verify_at_once(token()) is not user
    assert tokens.verify_at_once(token()) == user


def test_a_refusal_is_not_remembered() -> None:
    clock = Clock()
    tokens = verifier(clock)
    early = token(with_claims(nbf=NOW + 60))
    with pytest.raises(InvalidToken):
        tokens.verify_at_once(early)
    clock.now += 60
    assert tokens.verify_at_once(early) is not None


def test_the_memory_of_verified_tokens_is_bounded() -> None:
    tokens = verifier()
    first = tokens.verify_at_once(token())
    for number in range(2047):
        tokens.verify_at_once(token(with_claims(sub=number)))
    assert tokens.verify_at_once(token()) is first
    tokens.verify_at_once(token(with_claims(sub="one more")))
    assert tokens.verify_at_once(token()) is not first


def test_an_issued_token_is_accepted_and_says_what_it_was_told() -> None:
    bearer = issue_token(
        secret=SECRET,
        user_id="user-1",
        role="merchant",
        email="ann@shop.test",
        lifetime=timedelta(hours=1),
        audience="shop",
        issuer="https://issuer.test",
        now=Clock(),
    )
    user = verifier(audiences=("shop",), issuers=("https://issuer.test",)).verify_at_once(bearer)
    assert user == Principal(id="user-1", email="ann@shop.test", roles=frozenset({"merchant"}))
    assert refused_as(bearer, audiences=("another",)) == "wrong-audience"


@pytest.mark.parametrize("aud", ["web", "ios", ["android", "ios"]])
def test_one_of_several_audiences_is_enough(aud: object) -> None:
    assert verifier(audiences=("web", "ios")).verify_at_once(token(with_claims(aud=aud))) is not None


@pytest.mark.parametrize("aud", ["web,ios", "we", ["android"], [["web"]], {"web": 1}, None])
def test_none_of_several_audiences_is_refused(aud: object) -> None:
    assert refused_as(token(with_claims(aud=aud)), audiences=("web", "ios")) == "wrong-audience"


def test_one_of_several_issuers_is_enough_and_another_is_refused() -> None:
    issuers = ("https://old.test", "https://new.test")
    for issuer in issuers:
        assert verifier(issuers=issuers).verify_at_once(token(with_claims(iss=issuer))) is not None
    for iss in ("https://old.test,https://new.test", [*issuers], None):
        assert refused_as(token(with_claims(iss=iss)), issuers=issuers) == "wrong-issuer"


def test_both_secrets_are_taken_while_one_is_rotated_and_a_third_is_not() -> None:
    both = TokenVerifier(TokenRules(secrets=(OTHER_SECRET, SECRET)), now=Clock())
    for secret in (SECRET, OTHER_SECRET):
        assert both.verify_at_once(token(secret=secret)) is not None
    with pytest.raises(InvalidToken, match="bad signature"):
        both.verify_at_once(token(secret=SECRET[::-1]))


def test_a_token_issued_by_the_real_clock_is_accepted_by_it() -> None:
    bearer = issue_token(secret=SECRET, user_id="user-1", lifetime=timedelta(days=31))
    assert TokenVerifier(TokenRules(secrets=(SECRET,))).verify_at_once(bearer) is not None


def test_no_token_is_issued_with_a_weak_secret_or_for_nobody() -> None:
    with pytest.raises(UnsafeSecret):
        issue_token(secret="secret", user_id="user-1", lifetime=timedelta(hours=1))
    with pytest.raises(ValueError, match="user id"):
        issue_token(secret=SECRET, user_id="", lifetime=timedelta(hours=1))


def test_the_default_clock_is_the_wall_clock() -> None:
    now = int(time.time())
    bearer = token({"sub": "user-1", "iat": now, "exp": now + 60})
    assert TokenVerifier(TokenRules(secrets=(SECRET,))).verify_at_once(bearer) is not None
