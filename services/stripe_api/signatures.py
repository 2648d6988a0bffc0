"""Whether a webhook was signed by Stripe: https://docs.stripe.com/webhooks#verify-manually"""

import re
import time
from collections.abc import Callable

import stripe

from services.reconciliation.stripe_events import UnverifiedEvent

_UNIX_TIME = re.compile(r"[0-9]{1,12}")
SIGNATURE_TOLERANCE = 300  # seconds, Stripe's own default


class StripeSignatureCheck:
    """Two secrets are valid while one is being rotated."""

    def __init__(self, secrets: tuple[str, ...], *, now: Callable[[], float] = time.time) -> None:
        self._secrets = secrets
        self._now = now

    @property
    def is_possible(self) -> bool:
        return bool(self._secrets)

    def __call__(self, payload: bytes, header: str) -> None:
        text = decoded(payload)
        self._refuse_future(header)
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(text, header, secret, tolerance=SIGNATURE_TOLERANCE)
            except stripe.SignatureVerificationError:
                continue
            return
        raise UnverifiedEvent("no secret of ours signed this")

    def _refuse_future(self, header: str) -> None:
        """The SDK accepts any time to come."""
        stamps = [item[2:] for item in header.split(",") if item.startswith("t=")]
        latest = self._now() + SIGNATURE_TOLERANCE
        if not all(_UNIX_TIME.fullmatch(stamp) and int(stamp) <= latest for stamp in stamps):
            raise UnverifiedEvent("signed in the future")


def decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise UnverifiedEvent("not UTF-8") from error
