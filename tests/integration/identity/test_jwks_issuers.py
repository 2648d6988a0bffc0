"""Access tokens in the shapes that Auth0, Amazon Cognito, Keycloak and Clerk document, from a real key server."""

import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.identity.principal import Principal
from services.identity.public_keys import JwksKeys
from services.identity.tokens import InvalidToken, TokenRules, TokenVerifier
from tests.issuer import Issuer, running_issuer
from tests.tokens import NOW, Clock, jwk

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ENCRYPTION_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ATTACKERS_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
TIMES = {"iat": NOW - 10, "exp": NOW + 3600}
USER_ID = str(uuid.UUID(int=7))

AUTH0: dict[str, Any] = {
    "rules": {"issuers": ("https://shop.eu.auth0.test/",), "audiences": ("https://api.shop.test",),
              "role_claim": "https://shop.test/roles"},
    "claims": {"iss": "https://shop.eu.auth0.test/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
               "aud": ["https://api.shop.test", "https://shop.eu.auth0.test/userinfo"],
               "azp": "my_client_id", "scope": "openid profile", "https://shop.test/roles": ["merchant"]},
    "header": {"typ": "at+jwt"},
    "user": Principal("auth0|5f7c8ec7c33c6c004bbafe82", None, frozenset({"merchant"})),
}  # fmt: skip
COGNITO_ISSUER = "https://cognito-idp.eu-west-1.amazonaws.test/eu-west-1_Example"
COGNITO: dict[str, Any] = {
    "rules": {"issuers": (COGNITO_ISSUER,), "audiences": ("7v9example",), "audience_claim": "client_id",
              "role_claim": "cognito:groups"},
    "claims": {"iss": COGNITO_ISSUER, "sub": USER_ID, "client_id": "7v9example", "token_use": "access",
               "scope": "aws.cognito.signin.user.admin", "username": "ann", "auth_time": NOW - 10,
               "cognito:groups": ["merchant", "staff"]},
    "header": {"typ": None},
    "user": Principal(USER_ID, None, frozenset({"merchant", "staff"})),
}  # fmt: skip
KEYCLOAK: dict[str, Any] = {
    "rules": {"issuers": ("https://id.shop.test/realms/shop",), "audiences": ("account",),
              "role_claim": "realm_access.roles"},
    "claims": {"iss": "https://id.shop.test/realms/shop", "sub": USER_ID, "aud": "account", "typ": "Bearer",
               "azp": "shop", "email": "ann@shop.test", "email_verified": True, "preferred_username": "ann",
               "realm_access": {"roles": ["offline_access", "merchant"]},
               "resource_access": {"account": {"roles": ["manage-account"]}}},
    "header": {"typ": "JWT"},
    "user": Principal(USER_ID, "ann@shop.test", frozenset({"offline_access", "merchant"})),
}  # fmt: skip
CLERK: dict[str, Any] = {
    "rules": {"issuers": ("https://clerk.shop.test",), "role_claim": "metadata.role"},
    "claims": {"iss": "https://clerk.shop.test", "sub": "user_2NxExample", "sid": "sess_2NxExample",
               "azp": "https://shop.test", "nbf": NOW - 20, "fva": [0, -1], "v": 2,
               "metadata": {"role": "merchant"}},
    "header": {"typ": "JWT", "cat": "cl_B7d4PD111AAA"},
    "user": Principal("user_2NxExample", None, frozenset({"merchant"})),
}  # fmt: skip
ISSUERS = [pytest.param(shape, id=name) for name, shape in
           {"auth0": AUTH0, "cognito": COGNITO, "keycloak": KEYCLOAK, "clerk": CLERK}.items()]  # fmt: skip


def published() -> list[dict[str, Any]]:
    return [
        jwk(RSA, kid="sign-1", use="sig", alg="RS256", x5t="dGh1bWI", x5c=["MIIC"]),
        jwk(ENCRYPTION_RSA, kid="enc-1", use="enc", alg="RSA-OAEP"),
        jwk(EC, kid="ec-1", use="sig", alg="ES256"),
        jwk(ED, kid="ed-1", use="sig", alg="EdDSA"),
    ]


def verifier(server: Issuer, shape: dict[str, Any], clock: Clock | None = None) -> TokenVerifier:
    clock = clock or Clock()
    rules = TokenRules(jwks_url=server.url, algorithms=("RS256", "ES256", "EdDSA"), **shape["rules"])
    return TokenVerifier(rules, JwksKeys(server.url, now=clock), now=clock)


def bearer(shape: dict[str, Any], *, key: Any = RSA, alg: str = "RS256", kid: str = "sign-1") -> str:
    header = {"kid": kid, **shape["header"]}
    return jwt.encode({**TIMES, **shape["claims"]}, key, alg, headers=header)


@pytest.mark.parametrize("shape", ISSUERS)
async def test_an_access_token_of_the_issuer_tells_the_user(shape: dict[str, Any]) -> None:
    async with running_issuer(*published()) as issuer:
        user = await verifier(issuer, shape).verify(bearer(shape))
    assert user == shape["user"]
    assert user.is_merchant


@pytest.mark.parametrize("shape", ISSUERS)
async def test_another_issuers_token_with_the_same_key_is_refused(shape: dict[str, Any]) -> None:
    async with running_issuer(*published()) as issuer:
        tokens = verifier(issuer, {"rules": {**shape["rules"], "issuers": ("https://another.test",)}})
        with pytest.raises(InvalidToken, match="wrong issuer"):
            await tokens.verify(bearer(shape))


@pytest.mark.parametrize("shape", ISSUERS)
async def test_a_forged_token_is_refused(shape: dict[str, Any]) -> None:
    async with running_issuer(*published()) as issuer:
        tokens = verifier(issuer, shape)
        with pytest.raises(InvalidToken, match="bad signature"):
            await tokens.verify(bearer(shape, key=ATTACKERS_RSA))


async def test_cognitos_id_token_is_no_access_token() -> None:
    claims = {**COGNITO["claims"], "aud": "7v9example", "token_use": "id"}
    del claims["client_id"]
    async with running_issuer(*published()) as issuer:
        with pytest.raises(InvalidToken, match="wrong audience"):
            await verifier(issuer, COGNITO).verify(bearer({**COGNITO, "claims": claims}))


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(RSA, "RS256", "sign-1"), (EC, "ES256", "ec-1"), (ED, "EdDSA", "ed-1")]
)
async def test_each_kind_of_key_is_taken_from_the_key_set(key: Any, alg: str, kid: str) -> None:
    async with running_issuer(*published()) as issuer:
        tokens = verifier(issuer, CLERK)
        assert await tokens.verify(bearer(CLERK, key=key, alg=alg, kid=kid)) == CLERK["user"]


async def test_a_key_for_encryption_signs_nothing() -> None:
    async with running_issuer(*published()) as issuer:
        with pytest.raises(InvalidToken, match="unknown key"):
            await verifier(issuer, CLERK).verify(bearer(CLERK, key=ENCRYPTION_RSA, kid="enc-1"))


async def test_a_server_named_in_the_header_is_never_asked() -> None:
    async with (
        running_issuer(*published()) as issuer,
        running_issuer(jwk(ATTACKERS_RSA, kid="sign-1")) as attacker,
    ):
        shape = {**CLERK, "header": {"jku": attacker.url, "x5u": attacker.url}}
        with pytest.raises(InvalidToken, match="bad signature"):
            await verifier(issuer, CLERK).verify(bearer(shape, key=ATTACKERS_RSA))
        assert attacker.requests == 0


async def test_a_rotated_key_is_taken_and_the_old_one_refused_without_a_restart() -> None:
    clock = Clock()
    async with running_issuer(*published()) as issuer:
        tokens = verifier(issuer, CLERK, clock)
        await tokens.verify(bearer(CLERK))
        issuer.publish(jwk(ATTACKERS_RSA, kid="sign-2"))
        clock.now += 600
        assert await tokens.verify(bearer(CLERK, key=ATTACKERS_RSA, kid="sign-2")) == CLERK["user"]
        with pytest.raises(InvalidToken, match="unknown key"):
            await tokens.verify(bearer(CLERK))


async def test_a_down_issuer_refuses_the_token_and_raises_nothing_else() -> None:
    async with running_issuer() as issuer:
        issuer.status = 503
        with pytest.raises(InvalidToken, match="keys unavailable"):
            await verifier(issuer, CLERK).verify(bearer(CLERK))
