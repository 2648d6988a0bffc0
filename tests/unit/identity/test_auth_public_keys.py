"""Tokens signed with an issuer's private key: each algorithm takes its own kind of key, and nothing else."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from services.identity.tokens import (
    InvalidToken,
    KeysUnavailable,
    TokenRules,
    TokenVerifier,
    verification_key,
)
from tests.tokens import CLAIMS, SECRET, Clock, b64, jwk, sign, token

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
OTHER_ED = ed25519.Ed25519PrivateKey.generate()
ED = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "ES384": EC_384, "EdDSA": ED}
ALL_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


class PublishedKeys:
    """A key source that has these keys, and notes what it was asked for."""

    def __init__(self, *jwks: dict[str, Any]) -> None:
        self.keys = [key for key in map(verification_key, jwks) if key is not None]
        self.asked: list[tuple[str | None, str]] = []

    async def find(self, kid: str | None, algorithm: str) -> list[Any]:
        self.asked.append((kid, algorithm))
        fitting = (key for key in self.keys if algorithm in key.algorithms)
        return [key.public_key for key in fitting if kid is None or key.kid == kid]


class NoKeys:
    async def find(self, kid: str | None, algorithm: str) -> list[Any]:
        raise KeysUnavailable


def verifier(keys: Any, *algorithms: str) -> TokenVerifier:
    rules = TokenRules(jwks_url="https://issuer.test/jwks", algorithms=algorithms or ALL_ALGORITHMS)
    return TokenVerifier(rules, keys, now=Clock())


async def refused_as(keys: Any, bearer: str, *algorithms: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        await verifier(keys, *algorithms).verify(bearer)
    return refused.value.reason


@pytest.mark.parametrize("algorithm", ALL_ALGORITHMS)
async def test_each_algorithm_is_verified_with_its_key(algorithm: str) -> None:
    keys = PublishedKeys(*(jwk(key, kid=name) for name, key in PRIVATE.items()))
    bearer = jwt.encode(CLAIMS, PRIVATE[algorithm], algorithm, headers={"kid": algorithm})
    user = await verifier(keys).verify(bearer)
    assert user.id == "user-1"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_signature_of_another_key_is_refused(algorithm: str) -> None:
    anothers: dict[str, Any] = {"RS256": OTHER_RSA, "ES256": OTHER_EC, "EdDSA": OTHER_ED}
    bearer = jwt.encode(CLAIMS, anothers[algorithm], algorithm, headers={"kid": "1"})
    assert await refused_as(PublishedKeys(jwk(PRIVATE[algorithm], kid="1")), bearer) == "bad-signature"


async def test_a_public_key_is_never_taken_for_a_secret() -> None:
    """HS256 signed with the published key's own text (RFC 8725, 2.1)."""
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    keys = PublishedKeys(jwk(RSA, kid="1"))
    for secret in (pem.decode(), json.dumps(jwk(RSA))):
        bearer = sign(b'{"alg":"HS256","kid":"1"}', json.dumps(CLAIMS).encode(), secret=secret)
        assert await refused_as(keys, bearer, "RS256") == "algorithm-not-allowed"
    assert keys.asked == []


async def test_an_algorithm_not_allowed_is_refused_before_any_key_is_looked_up() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"), jwk(EC, kid="2"))
    bearer = jwt.encode(CLAIMS, EC, "ES256", headers={"kid": "2"})
    assert await refused_as(keys, bearer, "RS256") == "algorithm-not-allowed"
    assert await refused_as(keys, f"{b64(b'{}')}.e30.", "RS256") == "algorithm-not-allowed"
    assert keys.asked == []


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": True}, {"typ": "logout+jwt"}, {"typ": 1}])
async def test_a_strange_header_is_refused_before_any_key_is_looked_up(header: dict[str, Any]) -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"))
    text = json.dumps({"alg": "RS256", "kid": "1", **header})
    assert await refused_as(keys, sign(text.encode(), b"{}")) in ("critical-header", "unsupported-type")
    assert keys.asked == []


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
async def test_a_key_in_or_named_by_the_header_is_never_used(name: str) -> None:
    value: Any = {"jwk": jwk(OTHER_RSA), "x5c": ["MIIB"]}.get(name, "https://attacker.test/jwks")
    bearer = jwt.encode(CLAIMS, OTHER_RSA, "RS256", headers={"kid": "1", name: value})
    assert await refused_as(PublishedKeys(jwk(RSA, kid="1")), bearer) == "bad-signature"


async def test_a_kid_of_a_key_of_another_kind_is_unknown() -> None:
    bearer = jwt.encode(CLAIMS, EC, "ES256", headers={"kid": "1"})
    assert await refused_as(PublishedKeys(jwk(RSA, kid="1"), jwk(EC, kid="2")), bearer) == "unknown-key"


async def test_a_token_without_kid_is_verified_when_one_key_fits() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"), jwk(EC, kid="2"))
    user = await verifier(keys).verify(jwt.encode(CLAIMS, RSA, "RS256"))
    assert user.id == "user-1"


@pytest.mark.parametrize("kids", [("1", "2"), ("1", "1"), (None, None)])
@pytest.mark.parametrize("signer", [RSA, OTHER_RSA])
async def test_each_of_several_keys_that_fit_is_tried(kids: tuple[str | None, ...], signer: Any) -> None:
    keys = PublishedKeys(jwk(RSA, kid=kids[0]), jwk(OTHER_RSA, kid=kids[1]))
    headers = {"kid": kids[0]} if kids[0] == kids[1] and kids[0] else None
    user = await verifier(keys).verify(jwt.encode(CLAIMS, signer, "RS256", headers=headers))
    assert user.id == "user-1"


async def test_a_key_of_another_kid_is_not_tried_for_a_token_that_names_one() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"), jwk(OTHER_RSA, kid="2"))
    bearer = jwt.encode(CLAIMS, OTHER_RSA, "RS256", headers={"kid": "1"})
    assert await refused_as(keys, bearer) == "bad-signature"


async def test_more_keys_than_can_be_tried_are_ambiguous() -> None:
    keys = PublishedKeys(*[jwk(RSA, kid="1")] * 6)
    assert await refused_as(keys, jwt.encode(CLAIMS, RSA, "RS256")) == "ambiguous-key"


async def test_a_secret_and_public_keys_serve_side_by_side_and_never_for_each_other() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"))
    rules = TokenRules(
        secrets=(SECRET,),
        jwks_url="https://issuer.test/jwks",
        algorithms=("HS256", "RS256"),
        audiences=("shop",),
    )
    both = TokenVerifier(rules, keys, now=Clock())
    claims = {**CLAIMS, "aud": "shop"}
    assert both.verify_at_once(token(claims)) is not None
    assert keys.asked == []
    assert (await both.verify(jwt.encode(claims, RSA, "RS256", headers={"kid": "1"}))).id == "user-1"

    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem.decode(), json.dumps(jwk(RSA, kid="1"))):
        forged = sign(b'{"alg":"HS256","kid":"1"}', json.dumps(claims).encode(), secret=secret)
        with pytest.raises(InvalidToken, match="bad signature"):
            await both.verify(forged)
    for without_audience in (token(CLAIMS), jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "1"})):
        with pytest.raises(InvalidToken, match="wrong audience"):
            await both.verify(without_audience)


async def test_a_token_is_refused_while_the_keys_cannot_be_had() -> None:
    assert await refused_as(NoKeys(), jwt.encode(CLAIMS, RSA, "RS256")) == "keys-unavailable"


async def test_claims_are_judged_as_those_of_a_secret() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"))
    bearer = jwt.encode({"sub": "user-1"}, RSA, "RS256", headers={"kid": "1"})
    assert await refused_as(keys, bearer) == "missing-expiry"


async def test_a_verified_token_asks_for_no_key_again() -> None:
    keys = PublishedKeys(jwk(RSA, kid="1"))
    tokens = verifier(keys)
    bearer = jwt.encode(CLAIMS, RSA, "RS256", headers={"kid": "1"})
    assert tokens.verify_at_once(bearer) is None
    user = await tokens.verify(bearer)
    assert tokens.verify_at_once(bearer) is user
    assert keys.asked == [("1", "RS256")]


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param({**jwk(RSA), "use": "enc"}, id="for_encryption"),
        pytest.param({**jwk(RSA), "use": None}, id="use_null"),
        pytest.param({**jwk(RSA), "key_ops": ["encrypt"]}, id="operations_without_verify"),
        pytest.param({**jwk(RSA), "key_ops": "verify"}, id="operations_no_list"),
        pytest.param({**jwk(RSA), "alg": "RSA-OAEP"}, id="alg_for_encryption"),
        pytest.param({**jwk(RSA), "alg": "ES256"}, id="alg_of_another_kind"),
        pytest.param({**jwk(RSA), "alg": "HS256"}, id="alg_symmetric"),
        pytest.param({**jwk(RSA), "alg": "none"}, id="alg_none"),
        pytest.param(json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ED)), id="private_key_published"),
        pytest.param(
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA)) | {"key_ops": ["verify"]}, id="private_rsa"
        ),
        pytest.param({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}, id="symmetric"),
        pytest.param({**jwk(EC), "crv": "P-384"}, id="curve_of_another_size"),
        pytest.param({**jwk(EC), "crv": "secp256k1"}, id="curve_not_taken"),
        pytest.param({**jwk(EC), "x": jwk(EC)["y"]}, id="point_off_the_curve"),
        pytest.param({**jwk(ED), "x": "AA"}, id="edwards_point_too_short"),
        pytest.param({**jwk(ED), "crv": "X25519"}, id="key_agreement_curve"),
        pytest.param({**jwk(RSA), "n": 7}, id="modulus_no_text"),
        pytest.param({**jwk(RSA), "n": "!"}, id="modulus_no_base64"),
        pytest.param({**jwk(RSA), "e": "Ag"}, id="exponent_even"),
        pytest.param({"kty": "RSA", "e": "AQAB"}, id="modulus_missing"),
        pytest.param({**jwk(RSA), "kty": ["RSA"]}, id="kty_a_list"),
        pytest.param({**jwk(EC), "crv": {}}, id="crv_an_object"),
        pytest.param({}, id="empty"),
        pytest.param([], id="a_list"),
        pytest.param("RSA", id="text"),
    ],
)
def test_a_published_key_that_must_not_be_used_is_ignored(unusable: object) -> None:
    assert verification_key(unusable) is None


@pytest.mark.parametrize("bits", [1024, 2047, 8200])
def test_an_rsa_key_too_weak_or_too_large_is_ignored(bits: int) -> None:
    modulus = ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big").lstrip(b"\0")
    n = base64.urlsafe_b64encode(modulus).rstrip(b"=").decode()
    assert verification_key({"kty": "RSA", "n": n, "e": "AQAB"}) is None


def test_a_key_of_a_named_algorithm_verifies_that_one_alone() -> None:
    named, unnamed = verification_key(jwk(RSA, alg="PS256", kid="a")), verification_key(jwk(RSA, kid=5))
    assert named is not None
    assert unnamed is not None
    assert (named.kid, named.algorithms) == ("a", ("PS256",))
    assert unnamed.kid is None
    assert {"RS256", "PS512"} < set(unnamed.algorithms)


@given(
    st.sampled_from([jwk(RSA), jwk(EC), jwk(ED)]),
    st.sampled_from(["kty", "crv", "alg", "use", "key_ops", "kid", "n", "e", "x", "y"]),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.binary().map(b64),
)
def test_no_published_key_raises(good: dict[str, Any], name: str, value: object) -> None:
    verification_key({**good, name: value})
