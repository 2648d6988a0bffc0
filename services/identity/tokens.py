"""Who is calling: bearer tokens (RFC 6750) that are JSON Web Tokens (RFC 7519), judged as RFC 8725 advises.

The only module that imports `jwt`. PyJWT checks the signature (RFC 7515), token_claims.py the claims.
`HS…` is checked with the secrets and nothing else, `RS…`, `PS…`, `ES…` and `EdDSA` with the issuer's published
keys (services/identity/public_keys.py) and nothing else (RFC 8725, 2.1 and 3.1). The header's `jku`, `x5u`, `jwk` and
`x5c` are never read (3.10).
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import jwt

from services.identity.principal import Principal
from services.identity.token_claims import (
    InvalidToken,
    check_dates,
    check_issuer_and_audience,
    is_name,
    user_of,
)
from services.identity.token_rules import TokenRules, UnsafeSecret, UnsafeTokenRules, check_secret

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

_ALGORITHMS_OF_KEY = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC P-256": ("ES256",),
    "EC P-384": ("ES384",),
    "EC P-521": ("ES512",),
    "OKP Ed25519": ("EdDSA",),
}
_RSA_BITS = range(2048, 8192 + 1)  # less is weak (RFC 7518, 3.3), more only costs time

KEYS_UNAVAILABLE = "keys-unavailable"  # an `InvalidToken`'s reason

__all__ = [
    "KEYS_UNAVAILABLE",
    "InvalidToken",
    "KeySource",
    "KeysUnavailable",
    "TokenRules",
    "TokenVerifier",
    "UnsafeSecret",
    "UnsafeTokenRules",
    "VerificationKey",
    "check_secret",
    "issue_token",
    "token_under",
    "verification_key",
]

# A token once verified is believed for this long, so that a withdrawn key is not honoured until `exp`.
_BELIEVED_SECONDS = 300
_BELIEVED_TOKENS = 2048
_MOST_KEYS_TRIED = 5  # for one token: a signature's check takes up to 0.1 ms


class KeysUnavailable(Exception):
    """The issuer's keys have not been read yet, or too long ago."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key of the issuer, and what it may verify."""

    kid: str | None
    algorithms: tuple[str, ...]
    public_key: "AllowedPublicKeys"


class KeySource(Protocol):
    """Where the issuer's public keys come from."""

    async def find(self, kid: str | None, algorithm: str) -> "Sequence[AllowedPublicKeys]":
        """The keys of this id (of any id for None) that fit the algorithm, or `KeysUnavailable`."""


class TokenVerifier:
    """Tells the user from a bearer token, or raises `InvalidToken`; nothing else is ever raised.

    Verified tokens are remembered: on CPython 3.11 an HS256 token takes 40 µs at first and 0.2 µs again, an
    RS256 one 66 µs at first and 0.2 µs again.
    """

    def __init__(
        self, rules: TokenRules, keys: KeySource | None = None, now: Callable[[], float] = time.time
    ) -> None:
        if (keys is None) != (rules.jwks_url is None):
            raise UnsafeTokenRules("a key source goes with JWT_JWKS_URL, and only with it")
        self._rules = rules
        self._keys = keys
        self._now = now
        self._jws = jwt.PyJWS(algorithms=rules.algorithms)
        self._verified: dict[str, tuple[Principal, float]] = {}

    async def verify(self, token: str) -> Principal:
        user = self.verify_at_once(token)
        if user is not None:
            return user
        algorithm, kid = self._read_header(token)
        return self._accept(token, algorithm, await self._public_keys(kid, algorithm))

    def verify_at_once(self, token: str) -> Principal | None:
        """The user, without an await; None if the issuer's key must be looked up: then await `verify`."""
        user, until = self._verified.get(token, (None, 0.0))
        if user is not None and self._now() < until:
            return user
        algorithm, _ = self._read_header(token)
        if algorithm not in self._rules.secret_algorithms:
            return None
        return self._accept(token, algorithm, self._rules.secrets)

    def _read_header(self, token: str) -> tuple[str, str | None]:
        """The algorithm and key id, once the header asks for nothing we don't do (RFC 7515, 4.1)."""
        if len(token) > self._rules.max_token_bytes:
            raise InvalidToken("too-large")
        header = _json_object(_decoded_segment(token))
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if algorithm not in self._rules.algorithms:
            raise InvalidToken("algorithm-not-allowed")
        if "crit" in header:
            raise InvalidToken("critical-header")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in ("jwt", "at+jwt"):
            raise InvalidToken("unsupported-type")
        if not isinstance(kid, str | None):
            raise InvalidToken("malformed")
        return str(algorithm), kid

    async def _public_keys(self, kid: str | None, algorithm: str) -> "Sequence[AllowedPublicKeys]":
        """Each key that may have signed it: issuers rotate without a kid, or publish one kid twice."""
        assert self._keys is not None  # nosec B101  # noqa: S101 - the constructor saw to it
        try:
            found = await self._keys.find(kid, algorithm)
        except KeysUnavailable:
            raise InvalidToken(KEYS_UNAVAILABLE) from None
        if not 1 <= len(found) <= _MOST_KEYS_TRIED:
            raise InvalidToken("ambiguous-key" if found else "unknown-key")
        return found

    def _accept(self, token: str, algorithm: str, keys: "Sequence[AllowedPublicKeys | str]") -> Principal:
        now = self._now()
        claims = _json_object(self._signed_payload(token, algorithm, keys))
        expiry = check_dates(claims, self._rules, now)
        check_issuer_and_audience(claims, self._rules)
        user = replace(user_of(claims, self._rules), expires_at=expiry)
        self._remember(token, user, min(expiry, now + _BELIEVED_SECONDS))
        return user

    def _signed_payload(self, token: str, algorithm: str, keys: "Sequence[AllowedPublicKeys | str]") -> bytes:
        for key in keys:
            try:
                read = self._jws.decode_complete(token, key, algorithms=self._rules.only(algorithm))
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError:
                raise InvalidToken("malformed") from None
            payload: bytes = read["payload"]
            return payload
        raise InvalidToken("bad-signature")

    def _remember(self, token: str, user: Principal, until: float) -> None:
        self._verified.pop(token, None)
        if len(self._verified) >= _BELIEVED_TOKENS:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = (user, until)


def _decoded_segment(token: str) -> bytes:
    """The header's bytes, read leniently: PyJWT reads them again, strictly, with the signature."""
    if not token.isascii():
        raise InvalidToken("malformed")
    try:
        return base64.urlsafe_b64decode(token.partition(".")[0] + "==")
    except ValueError:
        raise InvalidToken("malformed") from None


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidToken("malformed") from None
    if not isinstance(value, dict):
        raise InvalidToken("malformed")
    return value


def verification_key(jwk: object) -> VerificationKey | None:
    """A public signing key out of a JSON Web Key (RFC 7517), or None for one that must not be used."""
    if not isinstance(jwk, dict) or "d" in jwk:  # a published private key is anyone's
        return None
    kty, crv, alg, kid = (jwk.get(name) for name in ("kty", "crv", "alg", "kid"))
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    fitting = _ALGORITHMS_OF_KEY.get(f"{kty} {crv}" if kty != "RSA" else "RSA", ())
    algorithms = tuple(name for name in fitting if alg is None or alg == name)
    if not algorithms:
        return None
    try:
        public_key = jwt.PyJWK(jwk, algorithms[0]).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if kty == "RSA" and public_key.key_size not in _RSA_BITS:
        return None
    return VerificationKey(kid if isinstance(kid, str) else None, algorithms, public_key)


def issue_token(
    *,
    secret: str,
    user_id: str,
    lifetime: timedelta,
    role: str | None = None,
    email: str | None = None,
    audience: str | None = None,
    issuer: str | None = None,
    now: Callable[[], float] = time.time,
) -> str:
    """An HS256 token that a `TokenVerifier` of the same secret, audience and issuer accepts."""
    rules = TokenRules(
        secrets=(secret,),
        audiences=(audience,) if audience else (),
        issuers=(issuer,) if issuer else (),
    )
    return token_under(rules, user_id=user_id, lifetime=lifetime, role=role, email=email, now=now)


def token_under(
    rules: TokenRules,
    *,
    user_id: str,
    lifetime: timedelta,
    role: str | None = None,
    email: str | None = None,
    now: Callable[[], float] = time.time,
) -> str:
    """A token that a server with these rules accepts: their first secret signs it, with the first algorithm that takes
    one, for their first audience and issuer, and each claim has the name that is read.

    Raises `UnsafeTokenRules` where there is no such token.
    """
    if not rules.secret_algorithms:
        raise UnsafeTokenRules("JWT_SECRET: is not set; the issuer of JWT_JWKS_URL makes its own tokens")
    if not is_name(user_id):
        raise UnsafeTokenRules("a user id is 1 to 255 printable characters")
    issued = int(now())
    optional = {
        rules.role_claim: role,
        rules.email_claim: email,
        rules.audience_claim: next(iter(rules.audiences), None),
        "iss": next(iter(rules.issuers), None),
        rules.user_id_claim: user_id,
    }
    claims: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
    claims |= {"iat": issued, "exp": issued + int(lifetime.total_seconds())}
    token = jwt.encode(claims, rules.secrets[0], algorithm=rules.secret_algorithms[0])
    _check_accepted(token, rules, user_id, role, now)
    return token


def _check_accepted(
    token: str, rules: TokenRules, user_id: str, role: str | None, now: Callable[[], float]
) -> None:
    """Two settings may name the same claim, or one that means something else: a server would say no, or see another."""
    own = replace(rules, jwks_url=None, algorithms=rules.secret_algorithms)
    try:
        user = TokenVerifier(own, now=now).verify_at_once(token)
    except InvalidToken as error:
        raise UnsafeTokenRules(f"no server would take this token: {error.reason.replace('-', ' ')}") from None
    if user is None or user.id != user_id or (role is not None and role not in user.roles):
        raise UnsafeTokenRules(
            "JWT_USER_ID_CLAIM, JWT_ROLE_CLAIM, JWT_EMAIL_CLAIM, JWT_AUDIENCE_CLAIM: a server would read another user "
            "or role from this token; give each a claim of its own"
        )
