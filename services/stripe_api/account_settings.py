"""What the settings of a Stripe account look like, and which of them can't work together or are unsafe."""

import re
from collections.abc import Iterator, Sequence

from runtime.addresses import is_private
from runtime.origins import InvalidOrigin, read_origin

DEFAULT_API_BASE = "https://api.stripe.com"
SLOWEST_CALLS = 0.2  # a second, of one worker: customers wait for up to 5 seconds
_SECRET_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{8,}")
_PUBLISHABLE_KEY = re.compile(r"pk_(test|live)_[A-Za-z0-9_]{8,}")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}")
# https://docs.stripe.com/get-started/account/statement-descriptors: Latin letters, none of <>\'"*, one letter at least;
# and 22 characters with the account's prefix, which has two at least, and `* ` between them.
_STATEMENT_SUFFIX = re.compile(r"(?=.*[A-Za-z])[ -~]{1,18}")
_NOT_IN_STATEMENTS = frozenset("<>\\'\"*")


def is_live_key(secret_key: str) -> bool:
    return secret_key.startswith(("sk_live_", "rk_live_"))


def usual_base(text: str) -> str:
    """An address without a slash at its end. Stripe's own is told from a stand-in's however it is written."""
    try:
        is_stripes = read_origin(text) == DEFAULT_API_BASE
    except InvalidOrigin:
        is_stripes = False
    return DEFAULT_API_BASE if is_stripes else text.rstrip("/")


def problems_of_stripe(
    *,
    secret_key: str,
    publishable_key: str,
    webhook_secrets: Sequence[str],
    api_base: str,
    statement_suffix: str | None,
    calls_per_second: float | None,
) -> Iterator[str]:
    """A sentence for each setting that can't work; those that are empty are not judged."""
    yield from _wrong_keys(secret_key, publishable_key)
    if not is_private(api_base) or "?" in api_base or "#" in api_base:
        yield "STRIPE_API_BASE: is an address with https, or with http on this machine, and no ? or # in it"
    if is_live_key(secret_key) and api_base != DEFAULT_API_BASE:
        yield "STRIPE_API_BASE: a live key goes to api.stripe.com only"
    if statement_suffix and not is_statement_suffix(statement_suffix):
        yield (
            "STRIPE_STATEMENT_SUFFIX: Stripe takes 1 to 18 Latin characters, of them one letter at least, and none of "
            "< > \\ ' \" *"
        )
    if calls_per_second is not None and calls_per_second < SLOWEST_CALLS:
        yield (
            "STRIPE_CALLS_PER_SECOND: leaves each of WORKERS less than one call in five seconds, the longest time that "
            "customers wait for theirs"
        )
    if not all(map(_WEBHOOK_SECRET.fullmatch, webhook_secrets)):
        yield "STRIPE_WEBHOOK_SECRET: each secret is whsec_ and what follows it in Stripe's dashboard"


def _wrong_keys(secret: str, publishable: str) -> Iterator[str]:
    if secret and not _SECRET_KEY.fullmatch(secret):
        yield "STRIPE_SECRET_KEY: is no whole secret or restricted key of Stripe (sk_test_…, rk_live_…)"
    if publishable and not _PUBLISHABLE_KEY.fullmatch(publishable):
        yield "STRIPE_PUBLISHABLE_KEY: is no whole publishable key of Stripe (pk_test_…, pk_live_…)"
    elif secret and publishable and is_live_key(secret) != publishable.startswith("pk_live_"):
        yield "STRIPE_PUBLISHABLE_KEY: is of the other mode than STRIPE_SECRET_KEY (test and live)"


def is_statement_suffix(text: str) -> bool:
    return bool(_STATEMENT_SUFFIX.fullmatch(text)) and not _NOT_IN_STATEMENTS & set(text)
