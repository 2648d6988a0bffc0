"""Who is calling: the secret key of a server, or the publishable key of a browser. https://docs.stripe.com/keys"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.config import LIVE_PREFIXES, SandboxConfig
from sandbox.http.answers import ApiRequest, Object
from sandbox.http.errors import unauthorized

_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://docs.stripe.com/api#authentication for details."
)
_FROM_A_PAGE = "Sandbox: a page of another site sent a secret key. A page uses the publishable key."
_LIVE = "Sandbox: a live key was sent. This is a stand-in that takes test keys only; a key sent to it should be rolled."


@dataclass(frozen=True, slots=True)
class Caller:
    """The key of a call, and whether it is the publishable one of a browser."""

    key: str
    publishable: bool


def caller_of(
    config: SandboxConfig, request: ApiRequest, tree: Object, known: Callable[[str], bool] = lambda _: False
) -> Caller:
    """Who calls, by our publishable key, a secret key of the configuration or one that is `known`; 401 for all else."""
    key = _sent_key(request) or tree.get("key")
    if not isinstance(key, str) or not key:
        raise unauthorized(_NO_KEY)
    if key.startswith(LIVE_PREFIXES):
        raise unauthorized(_LIVE)
    if _same(key, config.publishable_key):
        return Caller(key, publishable=True)
    if not _is_secret(config, key) and not known(key):
        raise unauthorized(f"Invalid API Key provided: {_masked(key)}")
    if request.from_elsewhere:
        raise unauthorized(_FROM_A_PAGE)
    return Caller(key, publishable=False)


def _is_secret(config: SandboxConfig, key: str) -> bool:
    if not config.secret_keys:
        return key.startswith(("sk_test_", "rk_test_"))
    return any(_same(key, known) for known in config.secret_keys)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _sent_key(request: ApiRequest) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _masked(key: str) -> str:
    prefix = key[:8] if key.startswith(("sk_test_", "rk_test_", "pk_test_")) else key[:3]
    return f"{prefix}{'*' * 8}{key[-4:]}" if len(key) > 16 else f"{prefix}****"
