"""Every attack on a bearer token is refused with `InvalidToken`, by name, and never with another exception."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.tokens import InvalidToken
from tests.tokens import (
    CLAIMS,
    HEADER,
    NOW,
    OTHER_SECRET,
    b64,
    raw_claim,
    refused_as,
    sign,
    token,
    verifier,
    with_claims,
    without,
)

YEARS_8000 = 8000 * 365 * 86400


def unsigned(header: str) -> str:
    return f"{b64(header.encode())}.{b64(json.dumps(CLAIMS).encode())}."


ATTACKS_ON_THE_HEADER = {
    "alg_none_without_signature": (unsigned('{"alg":"none","typ":"JWT"}'), "algorithm-not-allowed"),
    "alg_none_in_odd_case": (token(alg="nOnE"), "algorithm-not-allowed"),
    "alg_rs256_signed_with_the_secret": (token(alg="RS256"), "algorithm-not-allowed"),
    "alg_hs512_when_only_hs256_is_allowed": (
        sign(b'{"alg":"HS512"}', json.dumps(CLAIMS).encode(), hash_name="HS512"),
        "algorithm-not-allowed",
    ),
    "alg_missing": (sign(b'{"typ":"JWT"}', json.dumps(CLAIMS).encode()), "algorithm-not-allowed"),
    "alg_a_list": (token(alg=["HS256"]), "algorithm-not-allowed"),
    "alg_an_object": (token(alg={"HS256": 1}), "algorithm-not-allowed"),
    "crit_unknown": (token(crit=["exp"], exp=1), "critical-header"),
    "crit_b64": (token(crit=["b64"], b64=True), "critical-header"),
    "crit_empty": (token(crit=[]), "critical-header"),
    "b64_false": (token(b64=False), "malformed"),
    "typ_of_another_kind": (token(typ="secevent+jwt"), "unsupported-type"),
    "typ_refresh_token": (token(typ="rt+jwt"), "unsupported-type"),
    "typ_no_text": (token(typ=7), "unsupported-type"),
    "typ_null": (token(typ=None), "unsupported-type"),
    "kid_no_text": (token(kid=["1"]), "malformed"),
    "header_a_list": (sign(b"[]", json.dumps(CLAIMS).encode()), "malformed"),
    "header_200_kilobytes_of_brackets": (sign(b"[" * 200_000, b"{}"), "too-large"),
    "header_nested_deeply": (sign(b"[" * 3_000, b"{}"), "malformed"),
    "header_not_utf8": (sign(b'{"alg":"HS256\xff"}', b"{}"), "malformed"),
    "header_a_5000_digit_number": (sign(b'{"alg":"HS256","n":' + b"9" * 5000 + b"}", b"{}"), "malformed"),
}  # fmt: skip

ATTACKS_ON_THE_CLAIMS = {
    "no_exp": (token(without("exp")), "missing-expiry"),
    "exp_null": (token(with_claims(exp=None)), "malformed-date"),
    "exp_text": (token(with_claims(exp=str(NOW + 3600))), "malformed-date"),
    "exp_true": (token(with_claims(exp=True)), "malformed-date"),
    "exp_nan": (raw_claim("exp", "NaN"), "malformed-date"),
    "exp_infinity": (raw_claim("exp", "Infinity"), "malformed-date"),
    "exp_1e999": (raw_claim("exp", "1e999"), "malformed-date"),
    "exp_400_digits": (raw_claim("exp", "9" * 400), "malformed-date"),
    "exp_5000_digits": (raw_claim("exp", "9" * 5000), "malformed"),
    "exp_past": (token(with_claims(exp=NOW - 31)), "expired"),
    "lifetime_of_8000_years": (token(with_claims(exp=NOW + YEARS_8000)), "lifetime-too-long"),
    "lifetime_of_8000_years_without_iat": (
        token({"sub": "user-1", "exp": NOW + YEARS_8000}),
        "lifetime-too-long",
    ),
    "lifetime_of_8000_years_nearly_over": (
        token(with_claims(iat=NOW - YEARS_8000)),
        "lifetime-too-long",
    ),
    "nbf_future": (token(with_claims(nbf=NOW + 31)), "not-yet-valid"),
    "nbf_text": (token(with_claims(nbf="soon")), "malformed-date"),
    "iat_future": (token(with_claims(iat=NOW + 31)), "issued-in-the-future"),
    "iat_list": (token(with_claims(iat=[NOW])), "malformed-date"),
    "no_sub": (token(without("sub")), "missing-subject"),
    "sub_null": (token(with_claims(sub=None)), "missing-subject"),
    "sub_empty": (token(with_claims(sub="")), "malformed-subject"),
    "sub_blank": (token(with_claims(sub="   ")), "malformed-subject"),
    "sub_nul": (token(with_claims(sub="user\x00-1")), "malformed-subject"),
    "sub_newline": (token(with_claims(sub="user\n1")), "malformed-subject"),
    "sub_lone_surrogate": (token(with_claims(sub="user\ud800")), "malformed-subject"),
    "sub_turned_around": (token(with_claims(sub="user\u202e1")), "malformed-subject"),
    "sub_256_characters": (token(with_claims(sub="x" * 256)), "malformed-subject"),
    "sub_of_a_service_key": (token(with_claims(sub=f"key:{uuid4()}")), "reserved-subject"),
    "sub_of_a_checkout_token": (token(with_claims(sub=f"checkout:{uuid4()}")), "reserved-subject"),
    "sub_of_the_operator": (token(with_claims(sub="operator:command-line")), "reserved-subject"),
    "sub_almost_of_a_key": (token(with_claims(sub=" KEY:1")), "reserved-subject"),
    "sub_true": (token(with_claims(sub=True)), "malformed-subject"),
    "sub_float": (token(with_claims(sub=1.5)), "malformed-subject"),
    "sub_list": (token(with_claims(sub=["user-1"])), "malformed-subject"),
    "sub_300_digits": (raw_claim("sub", "9" * 300), "malformed-subject"),
    "claims_a_list": (sign(json.dumps(HEADER).encode(), b"[1]"), "malformed"),
    "claims_no_json": (sign(json.dumps(HEADER).encode(), b"exp"), "malformed"),
    "claims_not_utf8": (sign(json.dumps(HEADER).encode(), b'{"sub":"\xff"}'), "malformed"),
    "claims_nested_deeply": (sign(json.dumps(HEADER).encode(), b"[" * 5_000), "malformed"),
}  # fmt: skip

ATTACKS_ON_THE_SHAPE = {
    "nothing": ("", "malformed"),
    "a_word": ("hello", "malformed"),
    "two_parts": (token().rsplit(".", 1)[0], "malformed"),
    "five_parts_as_an_encrypted_one": (f"{token()}.a.b", "malformed"),
    "an_empty_signature": (token().rsplit(".", 1)[0] + ".", "bad-signature"),
    "anothers_signature": (token(secret=OTHER_SECRET), "bad-signature"),
    "a_signature_of_other_claims": (
        token().rsplit(".", 1)[0] + "." + token(with_claims(sub="user-2")).rsplit(".", 1)[1],
        "bad-signature",
    ),
    "one_megabyte": (token(with_claims(pad="x" * 1_000_000)), "too-large"),
    "one_megabyte_of_nothing": ("a" * 1_000_000, "too-large"),
    "just_over_8_kilobytes": ("a" * (8 * 1024 + 1), "too-large"),
    "a_scheme_before_it": (f"Bearer {token()}", "malformed"),
    "white_space_before_it": (f" {token()}", "malformed"),
    "white_space_after_it": (f"{token()}\n", "malformed"),
    "letters_beyond_ascii": (token() + "é", "malformed"),
    "a_lone_surrogate": (token() + "\ud800", "malformed"),
    "a_nul": (token() + "\x00", "malformed"),
}


@pytest.mark.parametrize(
    ("bearer", "reason"),
    [
        pytest.param(*attack, id=name)
        for name, attack in {**ATTACKS_ON_THE_HEADER, **ATTACKS_ON_THE_CLAIMS, **ATTACKS_ON_THE_SHAPE}.items()
    ],
)
async def test_an_attack_is_refused_by_name(bearer: str, reason: str) -> None:
    assert refused_as(bearer) == reason
    with pytest.raises(InvalidToken):
        await verifier().verify(bearer)


def only_refuses(bearer: str) -> None:
    try:
        verifier().verify_at_once(bearer)
    except InvalidToken as refused:
        assert refused.reason.replace("-", "").isalnum()  # noqa: PT017 - anything else must escape


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def objects_of(names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names.split()), json_values)


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(bearer: str) -> None:
    only_refuses(bearer)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_no_signed_bytes_raise_anything_else(header: bytes, payload: bytes) -> None:
    only_refuses(sign(header, payload))
    only_refuses(sign(json.dumps(HEADER).encode(), payload))


@given(objects_of("sub exp iat nbf aud iss email role jti"))
def test_no_signed_claims_raise_anything_else(claims: dict[str, Any]) -> None:
    only_refuses(token(claims))
    only_refuses(token({**CLAIMS, **claims}))


@given(objects_of("alg typ kid crit b64 jku jwk zip cty"))
def test_no_signed_header_raises_anything_else(header: dict[str, Any]) -> None:
    only_refuses(token(CLAIMS, **header))


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    bearer = token()
    place = data.draw(st.integers(0, len(bearer) - 1))
    changed = data.draw(
        st.characters(min_codepoint=1, max_codepoint=0x3FF).filter(lambda c: c != bearer[place])
    )
    refused_as(bearer[:place] + changed + bearer[place + 1 :])
