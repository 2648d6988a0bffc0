"""Object ids, request ids and client secrets. They must not repeat over restarts, so no seed makes them."""

import secrets
from urllib.parse import quote

ACCOUNT_ID = "acct_sandbox0000000000"


def new_id(prefix: str) -> str:
    """`pi` → `pi_` and 24 random characters."""
    return f"{prefix}_{secrets.token_hex(12)}"


def new_client_secret(intent_id: str) -> str:
    """`pi_…_secret_…`: its bearer may read and confirm this one intent."""
    return f"{intent_id}_secret_{secrets.token_hex(16)}"


def authentication_url(base_url: str, intent_id: str, client_secret: str) -> str:
    """The sandbox's own 3-D Secure page for one intent."""
    return f"{base_url}/_sandbox/authenticate/{intent_id}?client_secret={quote(client_secret)}"
