"""What a bearer token must be, and which rules are refused before the server starts.

Each algorithm has its own kind of key: `HS…` a secret, the others the issuer's published keys (RFC 8725, 2.1 and
3.1). Both kinds may be allowed while a shop moves from one to the other: the algorithm alone decides which key is
used, so a public key is never taken for a secret. Secrets that can be guessed are refused (3.5).
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

SHORTEST_SECRET = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518, 3.2: as long as the hash, or longer
PUBLIC_KEY_ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
_SAY = "Make one with: openssl rand -base64 48"

# Long enough, and printed in a manual or tutorial: jwt.io, the FastAPI, PostgREST, Hasura and Spring guides,
# Supabase's default, RFC 7515's appendix A.1.
_PUBLISHED_SECRETS = frozenset(
    (
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-384-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "reallyreallyreallyreallyverysafe",
        "3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R",
        "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "qwertyuiopasdfghjklzxcvbnm123456",
    )
)
# What people leave standing in a copied settings file, without its punctuation.
_PLACEHOLDER = re.compile(
    "changeme|changethis|replaceme|replacethis|replacewith|placeholder|example|djangoinsecure"
    "|your(own|super|very|jwt|app)?(secret|key|256bit|384bit|512bit)|(secret|key)here|atleast(32|256)"
    "|(super|top|my|very)secret|secretkey|password"
)
_VARIABLE = re.compile(r"\$\w+|\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>|%\w+%", re.DOTALL)
_FEWEST_CHARACTERS = 8


class UnsafeTokenRules(ValueError):
    """The rules would let every caller in, or none; the sentence says what to set."""


class UnsafeSecret(UnsafeTokenRules):
    """A signing secret that can be guessed; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must be. A claim is named by its name or by a dotted path (`realm_access.roles`)."""

    secrets: tuple[str, ...] = field(default=(), repr=False)  # two while one is being rotated
    algorithms: tuple[str, ...] = ("HS256",)
    jwks_url: str | None = None
    audiences: tuple[str, ...] = ()  # one of them must be named; none is asked for when empty
    audience_claim: str = "aud"  # Amazon Cognito's access tokens have `client_id` instead
    issuers: tuple[str, ...] = ()
    user_id_claim: str = "sub"
    email_claim: str = "email"
    role_claim: str = "role"
    max_lifetime: timedelta = timedelta(days=31)
    leeway: timedelta = timedelta(seconds=30)
    max_token_bytes: int = 8 * 1024

    def __post_init__(self) -> None:
        unknown = {*self.algorithms} - SHORTEST_SECRET.keys() - PUBLIC_KEY_ALGORITHMS
        if unknown or not self.algorithms:
            known = ", ".join([*SHORTEST_SECRET, *sorted(PUBLIC_KEY_ALGORITHMS)])
            raise UnsafeTokenRules(f"JWT_ALGORITHMS must name some of {known}")
        pairs = (
            ("JWT_SECRET", bool(self.secrets), self.secret_algorithms, "HS256"),
            ("JWT_JWKS_URL", self.jwks_url is not None, self.public_key_algorithms, "RS256,ES256"),
        )
        # An algorithm without a key would refuse everybody, and a key without an algorithm would never be used.
        for name, is_given, algorithms, _ in pairs:
            if algorithms and not is_given:
                raise UnsafeTokenRules(f"JWT_ALGORITHMS: {', '.join(algorithms)} needs {name}")
        for name, is_given, algorithms, usual in pairs:
            if is_given and not algorithms:
                raise UnsafeTokenRules(
                    f"JWT_ALGORITHMS: {name} is set, and no algorithm uses it: add {usual}"
                )
        for secret in self.secrets:
            check_secret(secret, shortest=max(SHORTEST_SECRET[name] for name in self.secret_algorithms))

    def only(self, algorithm: str) -> tuple[str, ...]:
        """The one algorithm that a key is tried with, if it is among those that may sign a token; else none."""
        return tuple(name for name in self.algorithms if name == algorithm)

    @property
    def secret_algorithms(self) -> tuple[str, ...]:
        return tuple(name for name in self.algorithms if name in SHORTEST_SECRET)

    @property
    def public_key_algorithms(self) -> tuple[str, ...]:
        return tuple(name for name in self.algorithms if name in PUBLIC_KEY_ALGORITHMS)


def check_secret(secret: str, *, shortest: int = SHORTEST_SECRET["HS256"]) -> None:
    """Refuse a signing secret that is short, published, a placeholder, or no more than a pattern."""
    size = len(secret.encode(errors="replace"))
    if "-----BEGIN " in secret or secret.startswith(("ssh-", "ecdsa-")):
        raise UnsafeSecret(f"the secret is a key file; an HS256 secret is random text. {_SAY}")
    if size < shortest:
        raise UnsafeSecret(f"the secret has {size} bytes and needs {shortest} or more. {_SAY}")
    if secret != secret.strip() or not secret.isprintable():
        raise UnsafeSecret(f"the secret has white space at an end, or characters nobody can see. {_SAY}")
    if secret in _PUBLISHED_SECRETS or is_placeholder(secret):
        raise UnsafeSecret(f"the secret is a published sample or a placeholder. {_SAY}")
    if is_pattern(secret):
        raise UnsafeSecret(f"the secret is a pattern that can be guessed. {_SAY}")


def is_placeholder(secret: str) -> bool:
    """Whether it is what people leave standing in a copied settings file, or a variable that nothing replaced."""
    return bool(_VARIABLE.fullmatch(secret)) or bool(
        _PLACEHOLDER.search(re.sub(r"[^a-z0-9]", "", secret.lower()))
    )


def is_pattern(secret: str) -> bool:
    """Whether it is a few characters, or one beginning over and over, or the alphabet."""
    return len(set(secret)) < _FEWEST_CHARACTERS or _is_repeated(secret.lower()) or _is_sequence(secret)


def _is_repeated(text: str) -> bool:
    """Whether the text is its beginning over and over: "secretsecretsecret", "0123456789012345"."""
    return any(text.startswith(text[width:]) for width in range(1, len(text) // 2 + 1))


def _is_sequence(text: str) -> bool:
    """Whether most characters follow their neighbour in the alphabet."""
    steps = sum(abs(ord(after) - ord(before)) == 1 for before, after in pairwise(text))
    return 2 * steps > len(text)
