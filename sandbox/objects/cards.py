"""Stripe's test cards and tokens: https://docs.stripe.com/testing. What a number does is all that is known of it."""

from dataclasses import dataclass
from typing import Literal

from sandbox.http.errors import StripeError, card_error


@dataclass(frozen=True, slots=True)
class Decline:
    """How an issuer says no; `code` and `decline_code` as in https://docs.stripe.com/declines/codes."""

    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None

    def error(self, **more: object) -> StripeError:
        return card_error(
            self.message, code=self.code, param=self.param, decline_code=self.decline_code, **more
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMethod:
    """What happens to a payment made with one test number."""

    __test__ = False  # the name is Stripe's; it is no test case

    brand: str = "visa"
    kind: Literal["card", "us_bank_account", "sepa_debit"] = "card"
    funding: str = "credit"
    authenticate: bool = False
    decline: Decline | None = None
    later: bool = False
    dispute: str | None = None
    inquiry: bool = False
    refund: Literal["succeeded", "pending", "failing"] = "succeeded"


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", message, decline_code)


GENERIC = _declined("generic_decline")
EXPIRED = Decline("expired_card", "Your card has expired.", param="exp_month")
INCORRECT_CVC = Decline("incorrect_cvc", "Your card's security code is incorrect.", param="cvc")
INCORRECT_NUMBER = Decline("incorrect_number", "Your card number is incorrect.", param="number")
PROCESSING_ERROR = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "processing_error",
)
NOT_A_TEST_CARD = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)

NUMBERS: dict[str, TestMethod] = {
    "4242424242424242": TestMethod(),
    "4000056655665556": TestMethod(funding="debit"),
    "5555555555554444": TestMethod(brand="mastercard"),
    "378282246310005": TestMethod(brand="amex"),
    "4000000000000002": TestMethod(decline=GENERIC),
    "4000000000009995": TestMethod(
        decline=_declined("insufficient_funds", "Your card has insufficient funds.")
    ),
    "4000000000009987": TestMethod(decline=_declined("lost_card")),
    "4000000000009979": TestMethod(decline=_declined("stolen_card")),
    "4000000000000069": TestMethod(decline=EXPIRED),
    "4000000000000127": TestMethod(decline=INCORRECT_CVC),
    "4000000000000119": TestMethod(decline=PROCESSING_ERROR),
    "4000002500003155": TestMethod(authenticate=True),
    "4000002760003184": TestMethod(authenticate=True),
    "4000000000003220": TestMethod(authenticate=True),
    "4000008400001629": TestMethod(authenticate=True, decline=GENERIC),
    "4000000000000259": TestMethod(dispute="fraudulent"),
    "4000000000002685": TestMethod(dispute="product_not_received"),
    "4000000000001976": TestMethod(dispute="fraudulent", inquiry=True),
    "4000000000007726": TestMethod(refund="pending"),
    "4000000000005126": TestMethod(refund="failing"),
    "4000000000007700": TestMethod(later=True),  # the sandbox's own: a card that stays `processing`
    "us_bank_account": TestMethod(kind="us_bank_account", later=True),
    "sepa_debit": TestMethod(kind="sepa_debit", later=True),
}

TOKENS: dict[str, str] = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003220",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "sandboxProcessing": "4000000000007700",
}
BANK_TOKENS = {"pm_usBankAccount_success": "us_bank_account", "pm_usBankAccount": "us_bank_account"}


def number_of(token: str) -> str | None:
    """`pm_card_visa`, `tok_visa`, `pm_card_visa_chargeDeclined` … → the number it stands for."""
    if token in BANK_TOKENS:
        return BANK_TOKENS[token]
    for prefix in ("pm_card_visa_", "pm_card_", "tok_visa_", "tok_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in TOKENS:
            return TOKENS[token.removeprefix(prefix)]
    return None


def check_number(number: str) -> str:
    """A known test number without its spaces, or the decline Stripe gives in test mode."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and _passes_luhn(digits)):
        raise INCORRECT_NUMBER.error()
    if digits not in NUMBERS:
        raise NOT_A_TEST_CARD.error()
    return digits


def _passes_luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in backwards[1::2])
    return (sum(backwards[0::2]) + sum(doubled)) % 10 == 0
