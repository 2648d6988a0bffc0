"""What may differ between two calls that were alike: ids, times, addresses, and the account's own settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.verify_stripe.api import Reply

_ID = re.compile(
    r"\b(acct|ch|cus|dp|du|evt|pi|pm|pmc|py|pyr|re|req|seti|setatt|src|txn|we|mandate|il)_[A-Za-z0-9_]{6,}"
)
_MARKED = re.compile(r"\b(sk|rk)_test_[A-Za-z0-9*]+")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_URL = re.compile(r"https?://\S+")
# Their values are never the same twice, or are the account's own.
_ANY_VALUE = frozenset((
    "api_version", "authorization_code", "available_on", "calculated_statement_descriptor", "canceled_at",
    "capture_before", "client_secret", "created", "due_by", "email_sent_at", "exp_year", "expires_at",
    "fingerprint", "idempotency_key", "network_transaction_id", "pending_webhooks", "risk_score",
))  # fmt: skip
# Decided by the dashboard's settings of the account, which the sandbox doesn't know.
_OF_THE_ACCOUNT = frozenset((
    "payment_method_configuration_details", "payment_method_types", "payment_method_options", "destination_details",
    "fee", "fee_details", "net", "exchange_rate",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two answered otherwise. None stands for a field that is not there."""

    probe: str
    path: str
    sandbox: Any
    stripe: Any


def view(reply: Reply) -> dict[str, Any]:
    """A reply without what may differ."""
    return {"status": reply.status, "Stripe-Should-Retry": reply.should_retry, "body": plain(reply.body)}


def plain(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: plain(inner, key) for key, inner in value.items() if key not in _OF_THE_ACCOUNT}
    if isinstance(value, list):
        return [plain(inner, name) for inner in value]
    if value is not None and name in _ANY_VALUE:
        return f"<{type(value).__name__}>"
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    value = _URL.sub("<url>", value)
    value = _UUID.sub("<uuid>", _MARKED.sub("<key>", value))
    return _ID.sub(lambda found: f"<{found[1]}>", value)


def differences(probe: str, sandbox: Any, stripe: Any, path: str = "") -> Iterator[Difference]:
    """Every field that differs, by its path."""
    if isinstance(sandbox, dict) and isinstance(stripe, dict):
        for name in sorted({*sandbox, *stripe}):
            here = f"{path}.{name}" if path else name
            if name in sandbox and name in stripe:
                yield from differences(probe, sandbox[name], stripe[name], here)
            else:
                yield Difference(probe, here, sandbox.get(name, MISSING), stripe.get(name, MISSING))
    elif isinstance(sandbox, list) and isinstance(stripe, list) and len(sandbox) == len(stripe):
        for index, (one, other) in enumerate(zip(sandbox, stripe, strict=True)):
            yield from differences(probe, one, other, f"{path}[{index}]")
    elif sandbox != stripe:
        yield Difference(probe, path, sandbox, stripe)


MISSING = "(no such field)"
