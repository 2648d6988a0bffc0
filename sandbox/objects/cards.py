"""What a payment made with a test number does. The numbers and tokens stand in `numbers.py`."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox.http.errors import StripeError, card_error

Check = Literal["pass", "fail", "unavailable"]
ThreeDSecure = Literal["none", "optional", "required", "off_session_too", "error"]


@dataclass(frozen=True, slots=True)
class Decline:
    """How an issuer, or Radar, says no; codes as in https://docs.stripe.com/declines/codes.

    `advice_code` and `network_decline_code` are what the network adds: https://docs.stripe.com/declines/network-codes
    """

    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    blocked: bool = False  # by Radar: the network was never asked

    def error(self, **more: object) -> StripeError:
        advice = {"do_not_try_again": "03", "try_again_later": "02"}.get(self.advice_code or "")
        return card_error(
            self.message,
            code=self.code,
            param=self.param,
            decline_code=self.decline_code,
            advice_code=self.advice_code,
            network_decline_code=self.network_decline_code,
            network_advice_code=advice if self.network_decline_code else None,
            **more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMethod:
    """What happens to a payment made with one test number.

    `three_d_secure`: none (not enrolled, or not supported), optional (when asked for), required (on-session, and
    off-session unless the card was set up), off_session_too (always), error (required, and the lookup fails).
    `ready_off_session`: as if it had been set up before. `attachable`: can be attached though it declines.
    `later`: the payment stays `processing`, for ever or until it fails with `fails`.
    """

    __test__ = False  # the name is Stripe's; it is no test case

    brand: str = "visa"
    networks: tuple[str, ...] = ()
    kind: Literal["card", "us_bank_account", "sepa_debit"] = "card"
    funding: str = "credit"
    country: str = "US"
    three_d_secure: ThreeDSecure = "none"
    ready_off_session: bool = False
    decline: Decline | None = None
    attachable: bool = False
    risk_level: str = "normal"
    cvc_check: Check = "pass"
    postal_check: Check = "pass"
    line1_check: Check = "pass"
    later: bool = False
    fails: Decline | None = None
    disputes: tuple[str, ...] = field(default=())
    inquiry: bool = False
    refund: Literal["succeeded", "pending", "failing"] = "succeeded"


def _declined(
    decline_code: str, message: str = "Your card was declined.", *, advice: str, network: str | None
) -> Decline:
    return Decline("card_declined", message, decline_code, None, advice, network)


LATER, NEVER = "try_again_later", "do_not_try_again"
GENERIC = _declined("generic_decline", advice=LATER, network="01")
INSUFFICIENT_FUNDS = _declined(
    "insufficient_funds", "Your card has insufficient funds.", advice=LATER, network="51"
)
LOST = _declined("lost_card", advice=NEVER, network="41")
STOLEN = _declined("stolen_card", advice=NEVER, network="43")
VELOCITY = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    advice=LATER,
    network="61",
)
FRAUDULENT = Decline(
    "card_declined", "Your card was declined.", "fraudulent", None, "do_not_try_again", None, blocked=True
)
EXPIRED = Decline("expired_card", "Your card has expired.", "expired_card", "exp_month", NEVER, "54")
INCORRECT_CVC = Decline(
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    "incorrect_cvc",
    "cvc",
    "confirm_card_data",
    "N7",
)
INCORRECT_NUMBER = Decline(
    "incorrect_number", "Your card number is incorrect.", param="number", advice_code="confirm_card_data"
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "processing_error",
    None,
    LATER,
    "96",
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
    "test_mode_live_card",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)


def bank_failure(code: str, message: str) -> Decline:
    """How a bank debit fails, days later: https://docs.stripe.com/error-codes."""
    return Decline(code, message)


ACCOUNT_CLOSED = bank_failure("account_closed", "The customer's bank account has been closed.")
NO_ACCOUNT = bank_failure("no_account", "The bank account could not be located.")
NO_FUNDS = bank_failure(
    "insufficient_funds", "The customer's account has insufficient funds to cover this payment."
)
NOT_AUTHORIZED = bank_failure(
    "debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."
)
INVALID_CURRENCY = bank_failure(
    "invalid_currency", "The bank was unable to process this payment because of its currency."
)
