"""Restricted keys: which permissions a key has. https://docs.stripe.com/keys#limit-access"""

from collections.abc import Collection

from sandbox.account.ids import ACCOUNT_ID
from sandbox.http.answers import Object
from sandbox.http.errors import StripeError, error_body

# Permissions are named after the resource, by Stripe as here: `rak_refund_write`.
_NOUNS = {
    "account": "account",
    "balance": "balance",
    "charges": "charge",
    "customers": "customer",
    "disputes": "dispute",
    "event_destinations": "webhook",
    "events": "event",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "refunds": "refund",
    "setup_intents": "setup_intent",
    "webhook_endpoints": "webhook",
}


def permission_of(method: str, path: str) -> str:
    """`POST`, `/v1/refunds/re_1` → `rak_refund_write`."""
    resource = path.removeprefix("/v1/").removeprefix("/v2/core/").split("/", maxsplit=1)[0]
    return f"rak_{_NOUNS.get(resource, resource)}_{'read' if method == 'GET' else 'write'}"


class Permissions:
    """What restricted keys may do. A key that was never named here may do everything."""

    def __init__(self) -> None:
        self._granted: dict[str, frozenset[str]] = {}
        self._forbidden: set[str] = set()

    def restrict(self, key: str, permissions: Collection[str]) -> None:
        """`key` may do this much and nothing else; a key that was unknown is accepted from now on.

        Permissions as Stripe names them, such as `rak_payment_intent_read`; one to write includes the one to read.
        ValueError for a key that is not a test key, or for what is no permission.
        """
        if not key.startswith(("rk_test_", "sk_test_")):
            raise ValueError("a restricted key begins with rk_test_")
        self._granted[key] = frozenset(map(_checked, permissions))

    def forbid(self, *permissions: str) -> None:
        """No key has these any more, whatever else it may do."""
        self._forbidden |= set(map(_checked, permissions))

    def allow(self, *permissions: str) -> None:
        """Undo `forbid`."""
        self._forbidden -= set(permissions)

    def knows(self, key: str) -> bool:
        return key in self._granted

    def clear(self) -> None:
        self._granted.clear()
        self._forbidden.clear()

    def check(self, key: str, method: str, path: str) -> None:
        """403 without a code, as Stripe answers a key that lacks the permission for this call."""
        needed = permission_of(method, path)
        granted = self._granted.get(key)
        lacks = granted is not None and not granted & {needed, needed.replace("_read", "_write")}
        if lacks or needed in self._forbidden:
            raise permission_denied(key, needed)

    def as_json(self) -> Object:
        return {"forbidden": sorted(self._forbidden), "restricted": len(self._granted)}


def permission_denied(key: str, permission: str) -> StripeError:
    shown = f"{key[:8]}{'*' * max(0, len(key) - 14)}{key[-6:]}"
    message = (
        f"The provided key '{shown}' does not have the required permissions for this endpoint on account "
        f"'{ACCOUNT_ID}'. Having the '{permission}' permission would allow this request to continue."
    )
    return StripeError(403, error_body("invalid_request_error", message))


def _checked(permission: str) -> str:
    noun = permission.removeprefix("rak_").removesuffix("_read").removesuffix("_write")
    if noun not in _NOUNS.values() or permission not in (f"rak_{noun}_read", f"rak_{noun}_write"):
        raise ValueError(
            f"unknown permission {permission!r}; such as rak_refund_write, rak_payment_intent_read"
        )
    return permission
