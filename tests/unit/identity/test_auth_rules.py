"""Rules and secrets that must be refused before a server starts."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.public_keys import JwksKeys
from services.identity.tokens import TokenRules, TokenVerifier, UnsafeSecret, UnsafeTokenRules, check_secret
from tests.tokens import SECRET

JWKS_URL = "https://issuer.test/.well-known/jwks.json"


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "secret",
        "changeme",
        "your-256-bit-secret",
        "x" * 31,
        "é" * 15,
        "0" * 64,
        "abababababababababababababababababab",
        "secretsecretsecretsecretsecretsecret",
        "Secret-secret-SECRET-secret-secret-secret",
        "0123456789012345678901234567890123456789",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "change-me-change-this-before-going-live-1",
        "CHANGE_ME_0123456789_ABCDEFGHIJ_KLMNOPQ",
        "replace-me-with-32-or-more-random-bytes",
        "<your secret here, at least 32 characters>",
        "put-your-own-secret-key-in-this-place-ok",
        "my-super-secret-password-for-production-1",
        "django-insecure-7f3k2l9x8q0w5e6r1t4y2u3i9",
        "example-example-of-a-signing-text-19x7z",
        "a-string-secret-at-least-256-bits-long",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "reallyreallyreallyreallyverysafe",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        f" {SECRET}",
        f"{SECRET}\n",
        f"{SECRET}\x00",
        f"{SECRET}\udcff",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIm6xkYtL1nH7Qj0",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_and_never_repeated(secret: str) -> None:
    with pytest.raises(UnsafeSecret, match="openssl rand -base64 48") as refused:
        check_secret(secret)
    assert len(secret) < 12 or secret not in str(refused.value)
    with pytest.raises(UnsafeTokenRules):
        TokenRules(secrets=(secret,))


@pytest.mark.parametrize(
    "secret", [SECRET, "correct horse battery staple and 3 more", "пароль-для-проверки-№-7-и-ещё-слова"]
)
def test_a_secret_of_a_human_is_accepted_when_it_is_long_and_no_pattern(secret: str) -> None:
    check_secret(secret)


@given(st.binary(min_size=32, max_size=64).filter(lambda data: len(set(data)) > 24))
def test_a_random_secret_is_accepted_however_it_is_written(random_bytes: bytes) -> None:
    check_secret(random_bytes.hex())
    check_secret(base64.b64encode(random_bytes).decode())
    check_secret(base64.urlsafe_b64encode(random_bytes).decode())


@pytest.mark.parametrize(("algorithm", "shortest"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_as_long_as_its_hash(algorithm: str, shortest: int) -> None:
    secret = "Tq7-mZ2x_Lw9kVb4.Rn6cYp1sGd8hFj3uEa5oXi0vQtKlMzBWCNPyJHrDSfgAU+/"[:shortest]
    TokenRules(secrets=(secret,), algorithms=(algorithm,))
    with pytest.raises(UnsafeSecret, match=f"needs {shortest}"):
        TokenRules(secrets=(secret[:-1],), algorithms=(algorithm,))


@pytest.mark.parametrize(
    "algorithms",
    [
        (),
        ("none",),
        ("HS256", "none"),
        ("hs256",),
        ("",),
        ("HS256,HS384",),
    ],
)
def test_algorithms_that_are_unknown_are_refused(algorithms: tuple[str, ...]) -> None:
    for secret, jwks_url in ((SECRET, None), (None, JWKS_URL), (SECRET, JWKS_URL)):
        with pytest.raises(UnsafeTokenRules, match="JWT_ALGORITHMS"):
            TokenRules(secrets=(secret,) if secret else (), jwks_url=jwks_url, algorithms=algorithms)


@pytest.mark.parametrize(
    ("algorithms", "secret", "jwks_url", "needed"),
    [
        (("HS256",), None, None, "JWT_SECRET"),
        (("HS256",), None, JWKS_URL, "JWT_SECRET"),
        (("HS256",), SECRET, JWKS_URL, "JWT_JWKS_URL is set, and no algorithm uses it"),
        (("HS256", "RS256"), SECRET, None, "RS256 needs JWT_JWKS_URL"),
        (("HS256", "RS256"), None, JWKS_URL, "HS256 needs JWT_SECRET"),
        (("RS256",), None, None, "JWT_JWKS_URL"),
        (("RS256", "ES256"), SECRET, None, "JWT_JWKS_URL"),
        (("EdDSA",), SECRET, JWKS_URL, "JWT_SECRET is set, and no algorithm uses it"),
    ],
)
def test_each_kind_of_algorithm_has_its_own_key_and_no_other(
    algorithms: tuple[str, ...], secret: str | None, jwks_url: str | None, needed: str
) -> None:
    with pytest.raises(UnsafeTokenRules, match=needed):
        TokenRules(secrets=(secret,) if secret else (), jwks_url=jwks_url, algorithms=algorithms)


def test_a_verifier_of_published_keys_needs_their_source() -> None:
    with pytest.raises(UnsafeTokenRules):
        TokenVerifier(TokenRules(jwks_url=JWKS_URL, algorithms=("RS256",)))


def test_rules_do_not_show_their_secret() -> None:
    assert SECRET not in repr(TokenRules(secrets=(SECRET,)))


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.test/jwks",
        "http://10.0.0.1/jwks",
        "http://127.0.0.1.issuer.test/jwks",
        "http://localhost.issuer.test/jwks",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "https://",
        "https:///jwks",
        "https://name:word@issuer.test/jwks",
        "https://issuer.test:port/jwks",
        "https://[::1/jwks",
        "issuer.test/jwks",
        "",
    ],
)
def test_an_unsafe_address_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(UnsafeTokenRules, match="JWT_JWKS_URL"):
        JwksKeys(url)


@pytest.mark.parametrize(
    "url",
    ["https://issuer.test/jwks", "http://localhost:9/jwks", "http://[::1]:9/jwks", "http://127.9.9.9/jwks"],
)
def test_a_safe_address_is_taken(url: str) -> None:
    JwksKeys(url)
