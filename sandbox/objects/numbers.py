"""Stripe's test numbers and tokens: https://docs.stripe.com/testing."""

from sandbox.objects import cards
from sandbox.objects.cards import INCORRECT_NUMBER, NOT_A_TEST_CARD, TestMethod

_BRANDS = {
    "4242424242424242": TestMethod(),
    "4000056655665556": TestMethod(funding="debit"),
    "4012888888881881": TestMethod(),
    "5555555555554444": TestMethod(brand="mastercard"),
    "2223003122003222": TestMethod(brand="mastercard"),
    "5200828282828210": TestMethod(brand="mastercard", funding="debit"),
    "5105105105105100": TestMethod(brand="mastercard", funding="prepaid"),
    "378282246310005": TestMethod(brand="amex"),
    "371449635398431": TestMethod(brand="amex"),
    "6011111111111117": TestMethod(brand="discover"),
    "6011000990139424": TestMethod(brand="discover"),
    "6011981111111113": TestMethod(brand="discover", funding="debit"),
    "3056930009020004": TestMethod(brand="diners"),
    "36227206271667": TestMethod(brand="diners"),
    "6555900000604105": TestMethod(brand="discover"),  # BCcard and DinaCard
    "3566002020360505": TestMethod(brand="jcb"),
    "6200000000000005": TestMethod(brand="unionpay"),
    "6200000000000047": TestMethod(brand="unionpay", funding="debit"),
    "6205500000000000004": TestMethod(brand="unionpay"),
    "4000002500001001": TestMethod(country="FR", networks=("cartes_bancaires", "visa")),
    "5555552500001001": TestMethod(
        brand="mastercard", country="FR", networks=("cartes_bancaires", "mastercard")
    ),
    "4000050360000001": TestMethod(country="AU", networks=("eftpos_au", "visa"), funding="debit"),
    "5555050360000080": TestMethod(
        brand="mastercard", country="AU", networks=("eftpos_au", "mastercard"), funding="debit"
    ),
}
_BY_COUNTRY = {
    "AR": "4000000320000021", "BR": "4000000760000002", "CA": "4000001240000000", "CL": "4000001520000001",
    "CO": "4000001700000003", "CR": "4000001880000005", "EC": "4000002180000000", "MX": "4000004840008001",
    "PA": "4000005910000000", "PY": "4000006000000066", "PE": "4000006040000068", "UY": "4000008580000003",
    "AE": "4000007840000001", "AT": "4000000400000008", "BE": "4000000560000004", "BG": "4000001000000000",
    "BY": "4000001120000005", "HR": "4000001910000009", "CY": "4000001960000008", "CZ": "4000002030000002",
    "DK": "4000002080000001", "EE": "4000002330000009", "FI": "4000002460000001", "FR": "4000002500000003",
    "DE": "4000002760000016", "GI": "4000002920000005", "GR": "4000003000000030", "HU": "4000003480000005",
    "IE": "4000003720000005", "IT": "4000003800000008", "LV": "4000004280000005", "LI": "4000004380000004",
    "LT": "4000004400000000", "LU": "4000004420000006", "MT": "4000004700000007", "NL": "4000005280000002",
    "NO": "4000005780000007", "PL": "4000006160000005", "PT": "4000006200000007", "RO": "4000006420000001",
    "SA": "4000006820000007", "SI": "4000007050000006", "SK": "4000007030000001", "ES": "4000007240000007",
    "SE": "4000007520000008", "CH": "4000007560000009", "GB": "4000008260000000", "AU": "4000000360000006",
    "CN": "4000001560000002", "HK": "4000003440000004", "IN": "4000003560000008", "JP": "4000003920000003",
    "MY": "4000004580000002", "NZ": "4000005540000008", "SG": "4000007020000003", "TW": "4000001580000008",
    "TH": "4000007640000003",
}  # fmt: skip
_COUNTRIES = {number: TestMethod(country=country) for country, number in _BY_COUNTRY.items()} | {
    "5200007840000022": TestMethod(country="AE", brand="mastercard"),
    "4000058260000005": TestMethod(country="GB", funding="debit"),
    "5555558265554449": TestMethod(country="GB", brand="mastercard"),
    "3530111333300000": TestMethod(country="JP", brand="jcb"),
    "4000057640000008": TestMethod(country="TH", funding="credit"),
}
_DECLINES = {
    "4000000000000002": TestMethod(decline=cards.GENERIC),
    "4000000000009995": TestMethod(decline=cards.INSUFFICIENT_FUNDS),
    "4000000000009987": TestMethod(decline=cards.LOST),
    "4000000000009979": TestMethod(decline=cards.STOLEN),
    "4000000000000069": TestMethod(decline=cards.EXPIRED),
    "4000000000000127": TestMethod(decline=cards.INCORRECT_CVC, cvc_check="fail"),
    "4000000000000119": TestMethod(decline=cards.PROCESSING_ERROR),
    "4000000000006975": TestMethod(decline=cards.VELOCITY),
    "4000000000000341": TestMethod(decline=cards.GENERIC, attachable=True),
}
_FRAUD = {
    "4100000000000019": TestMethod(decline=cards.FRAUDULENT, risk_level="highest", attachable=True),
    "4000000000004954": TestMethod(decline=cards.FRAUDULENT, risk_level="highest", attachable=True),
    "4000000000009235": TestMethod(risk_level="elevated"),
    "4000000000000101": TestMethod(cvc_check="fail"),
    "4000000000000036": TestMethod(postal_check="fail"),
    "4000058400307872": TestMethod(cvc_check="fail", risk_level="elevated"),
    "4000058400306072": TestMethod(postal_check="fail", risk_level="elevated"),
    "4000000000000028": TestMethod(line1_check="fail"),
    "4000000000000010": TestMethod(line1_check="fail", postal_check="fail"),
    "4000000000000044": TestMethod(line1_check="unavailable", postal_check="unavailable"),
}
_DISPUTES_AND_REFUNDS = {
    "4000000000000259": TestMethod(disputes=("fraudulent",)),
    "4000000000002685": TestMethod(disputes=("product_not_received",)),
    "4000000000001976": TestMethod(disputes=("fraudulent",), inquiry=True),
    "4000000000005423": TestMethod(),  # an early fraud warning, which is not made here
    "4000000404000079": TestMethod(disputes=("fraudulent", "product_not_received")),
    "4000000404000038": TestMethod(disputes=("fraudulent",)),
    "4000008400000779": TestMethod(disputes=("noncompliant",)),
    "4000000000007726": TestMethod(refund="pending"),
    "4000000000005126": TestMethod(refund="failing"),
    "4000000000000077": TestMethod(),
    "4000003720000278": TestMethod(country="IE"),
}
_THREE_D_SECURE = {
    "4000002500003155": TestMethod(three_d_secure="required", country="FR"),
    "4000002760003184": TestMethod(three_d_secure="off_session_too", country="DE"),
    "4000003800000446": TestMethod(three_d_secure="required", ready_off_session=True, country="IT"),
    "4000008260003178": TestMethod(
        three_d_secure="required", decline=cards.INSUFFICIENT_FUNDS, attachable=True, country="GB"
    ),
    "4000000000003220": TestMethod(three_d_secure="required"),
    "4000000000003063": TestMethod(three_d_secure="required"),
    "4000008400001629": TestMethod(three_d_secure="required", decline=cards.GENERIC, attachable=True),
    "4000008400001280": TestMethod(three_d_secure="error", decline=cards.GENERIC, attachable=True),
    "4000000000003055": TestMethod(three_d_secure="optional"),
    "4000000000003097": TestMethod(three_d_secure="none"),
    "4000582600000094": TestMethod(three_d_secure="required"),
    "4000582600000045": TestMethod(three_d_secure="required"),
    "4000582600000102": TestMethod(three_d_secure="required"),
    "4000582600000110": TestMethod(three_d_secure="required"),
    "4000000000001208": TestMethod(),  # a captcha in the browser, which is not shown here
    "4000000000003725": TestMethod(),
}
_OWN = {"4000000000007700": TestMethod(later=True)}  # the sandbox's own: a card that stays `processing`
# Every card number.
CARDS = _BRANDS | _COUNTRIES | _DECLINES | _FRAUD | _DISPUTES_AND_REFUNDS | _THREE_D_SECURE | _OWN


def _bank(**what: object) -> TestMethod:
    return TestMethod(kind="us_bank_account", later=True, **what)  # type: ignore[arg-type]


def _sepa(**what: object) -> TestMethod:
    return TestMethod(kind="sepa_debit", later=True, country="AT", **what)  # type: ignore[arg-type]


# By account number or IBAN. A payment stays `processing` until it is told, or fails a minute later.
BANKS = {
    "000123456789": _bank(),
    "000111111113": _bank(fails=cards.ACCOUNT_CLOSED),
    "000111111116": _bank(fails=cards.NO_ACCOUNT),
    "000222222227": _bank(fails=cards.NO_FUNDS),
    "000333333335": _bank(fails=cards.NOT_AUTHORIZED),
    "000444444440": _bank(fails=cards.INVALID_CURRENCY),
    "000555555559": _bank(disputes=("debit_not_authorized",)),
    "000000000009": _bank(),
    "AT611904300234573201": _sepa(),
    "AT321904300235473204": _sepa(),
    "AT861904300235473202": _sepa(fails=cards.NO_FUNDS),
    "AT051904300235473205": _sepa(fails=cards.NO_FUNDS),
    "us_bank_account": _bank(),  # any other account
    "sepa_debit": _sepa(),
}
NUMBERS: dict[str, TestMethod] = CARDS | BANKS

_TOKENS = {
    "visa": "4242424242424242", "visa_debit": "4000056655665556", "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210", "mastercard_prepaid": "5105105105105100", "amex": "378282246310005",
    "discover": "6011111111111117", "diners": "3056930009020004", "jcb": "3566002020360505",
    "unionpay": "6200000000000005", "us": "4242424242424242", "gb_debit": "4000058260000005",
    "visa_cartesBancaires": "4000002500001001", "mastercard_cartesBancaires": "5555552500001001",
    "visa_debit_eftposAuCoBranded": "4000050360000001", "mastercard_debit_eftposAuCoBranded": "5555050360000080",
    "chargeDeclined": "4000000000000002", "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987", "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069", "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeDeclinedVelocityLimitExceeded": "4000000000006975", "chargeDeclinedFraudulent": "4100000000000019",
    "chargeCustomerFail": "4000000000000341", "radarBlock": "4100000000000019",
    "riskLevelHighest": "4000000000004954", "riskLevelElevated": "4000000000009235",
    "cvcCheckFail": "4000000000000101", "avsZipFail": "4000000000000036", "avsLine1Fail": "4000000000000028",
    "avsFail": "4000000000000010", "avsUnchecked": "4000000000000044",
    "cvcCheckFailElevatedRisk": "4000058400307872", "avsZipFailElevatedRisk": "4000058400306072",
    "createDispute": "4000000000000259", "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976", "createIssuerFraudRecord": "4000000000005423",
    "createMultipleDisputes": "4000000404000079", "createCe3EligibleDispute": "4000000404000038",
    "createComplianceDispute": "4000008400000779", "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126", "bypassPending": "4000000000000077",
    "bypassPendingInternational": "4000003720000278",
    "authenticationRequiredOnSetup": "4000002500003155", "authenticationRequired": "4000002760003184",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220", "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureRequiredProcessingError": "4000008400001280", "threeDSecureOptional": "4000000000003055",
    "threeDSecureOptionalProcessingError": "4000000000003097",
    "amex_threeDSecureNotSupported": "378282246310005", "captchaChallenge": "4000000000001208",
    "sandboxProcessing": "4000000000007700",
}  # fmt: skip
TOKENS: dict[str, str] = _TOKENS | {
    country.lower(): number for country, number in _BY_COUNTRY.items()
}  # after `pm_card_`, `pm_card_visa_`, `tok_` or `tok_visa_`
BANK_TOKENS = {
    "pm_usBankAccount": "000123456789", "pm_usBankAccount_success": "000123456789",
    "pm_usBankAccount_accountClosed": "000111111113", "pm_usBankAccount_noAccount": "000111111116",
    "pm_usBankAccount_insufficientFunds": "000222222227", "pm_usBankAccount_debitNotAuthorized": "000333333335",
    "pm_usBankAccount_invalidCurrency": "000444444440", "pm_usBankAccount_dispute": "000555555559",
    "pm_usBankAccount_processing": "000000000009", "pm_sepaDebit_success_at": "AT611904300234573201",
    "pm_sepaDebit_successDelayed_at": "AT321904300235473204", "pm_sepaDebit_failed_at": "AT861904300235473202",
    "pm_sepaDebit_failedDelayed_at": "AT051904300235473205",
}  # fmt: skip


def number_of(token: str) -> str | None:
    """`pm_card_visa`, `tok_visa`, `pm_card_visa_chargeDeclined` … → the number it stands for."""
    if token in BANK_TOKENS:
        return BANK_TOKENS[token]
    for prefix in ("pm_card_visa_", "pm_card_", "tok_visa_", "tok_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in TOKENS:
            return TOKENS[token.removeprefix(prefix)]
    return None


def looks_like_a_token(text: str) -> bool:
    """Whether this may be a test token of Stripe's that is not known here."""
    return text.startswith(("pm_card_", "tok_", "pm_usBankAccount", "pm_sepaDebit"))


def check_number(number: str) -> str:
    """A known test number without its spaces, or the decline Stripe gives in test mode."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and passes_luhn(digits)):
        raise INCORRECT_NUMBER.error()
    if digits not in CARDS:
        raise NOT_A_TEST_CARD.error()
    return digits


def passes_luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in backwards[1::2])
    return (sum(backwards[0::2]) + sum(doubled)) % 10 == 0


def known_bank(number: str, kind: str) -> str:
    """The number itself if it is a test account or IBAN, else any account of this kind."""
    bare = number.replace(" ", "").replace("-", "")
    found = BANKS.get(bare)
    return bare if found is not None and found.kind == kind else kind
