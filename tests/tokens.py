"""Bearer tokens put together by hand, the good and the hostile, so that PyJWT is not its own judge."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.identity.tokens import InvalidToken, TokenRules, TokenVerifier

SECRET = "a-secret-for-loopback-tests-only-0123456789"
OTHER_SECRET = "another-one-for-loopback-tests-only-9876543210"
NOW = 1_800_000_000
HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "user-1", "iat": NOW, "exp": NOW + 3600}
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header: bytes, payload: bytes, *, secret: str = SECRET, hash_name: str = "HS256") -> str:
    signed = f"{b64(header)}.{b64(payload)}"
    return f"{signed}.{b64(hmac.new(secret.encode(), signed.encode(), _HASHES[hash_name]).digest())}"


def token(claims: Mapping[str, Any] = CLAIMS, *, secret: str = SECRET, **header: object) -> str:
    """A well-signed token: these claims, and these header fields besides alg and typ."""
    return sign(json.dumps({**HEADER, **header}).encode(), json.dumps(claims).encode(), secret=secret)


def with_claims(**changed: object) -> dict[str, Any]:
    return {**CLAIMS, **changed}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def raw_claim(name: str, json_text: str) -> str:
    """Claims with a number that Python's own json.dumps would not write."""
    rest = json.dumps(without(name))[:-1]
    return sign(json.dumps(HEADER).encode(), f'{rest}, "{name}": {json_text}}}'.encode())


def jwk(private_key: Any, **fields: object) -> dict[str, Any]:
    """The public half of a key as an issuer publishes it."""
    kinds: dict[type, Any] = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    to_jwk = next(kind.to_jwk for key_type, kind in kinds.items() if isinstance(private_key, key_type))
    return {**json.loads(to_jwk(private_key.public_key())), **fields}


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def verifier(clock: Clock | None = None, **rules: Any) -> TokenVerifier:
    return TokenVerifier(TokenRules(secrets=(SECRET,), **rules), now=clock or Clock())


def refused_as(bearer: str, **rules: Any) -> str:
    """The reason of the refusal, which repeats neither the token nor the secret."""
    with pytest.raises(InvalidToken) as refused:
        verifier(**rules).verify_at_once(bearer)
    assert bearer == "" or bearer not in str(refused.value)
    assert SECRET not in str(refused.value)
    return refused.value.reason
