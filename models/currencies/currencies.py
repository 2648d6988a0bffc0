"""The currencies Stripe charges in, and exact conversion to the integer amounts its API takes.

Our minor units are the amount sent to Stripe, which is not ISO 4217's: ISO (and CLDR) give ISK and UGX no
decimals and MGA two, where Stripe wants ISK and UGX times 100 and MGA as it is. So the table is Stripe's own.

Sources, all Stripe documentation: "Supported currencies" (docs.stripe.com/currencies), its sections
"Supported presentment currencies", "Zero-decimal currencies", "Three-decimal currencies", "Special cases",
"Minimum charge amount by currency" and "Maximum charge amounts"; and "Create a PaymentIntent" for `amount`.
UGX stands both in the zero-decimal list and among the special cases; the special case is the rule.

Minimums: Stripe documents them for some thirty currencies. For the others it documents only "the equivalent
of the settlement currency's minimum", which depends on the account and on the day's rate, so the minimum here
is the smallest amount that can be written (one step) and Stripe has the last word (`amount_too_small`).

Maximums: the digits any payment method accepts. Cards go to twelve digits, but an intent with automatic
payment methods must fit the others too: eight digits, but for IDR, COP and INR.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from types import MappingProxyType

_PRESENTMENT = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL
    HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
    MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
    RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""
_ZERO_DECIMAL = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE_DECIMAL = "BHD JOD KWD OMR TND"
_WHOLE_UNITS_SENT_TIMES_100 = "ISK UGX"
_MINIMUM = {
    "USD": 50, "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50,
    "KRW": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200, "RON": 200, "RUB": 50,
    "SEK": 300, "SGD": 50, "THB": 1000, "ZAR": 50,
}  # fmt: skip
_MAXIMUM = {"IDR": 999_999_999_999, "COP": 9_999_999_999, "INR": 999_999_999}
_EIGHT_DIGITS = 99_999_999

# Beyond this a JavaScript client can no longer read the number (2^53 - 1).
_LARGEST_MINOR_UNITS = 9_007_199_254_740_991
# Without a trap, Decimal rounds at its context's precision and says nothing.
_EXACT = Context(prec=50, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Currency:
    """How Stripe takes amounts in one currency; all amounts in minor units."""

    code: str
    exponent: int  # a major unit is 10**exponent minor units
    step: int  # an amount must be a multiple of it
    minimum: int
    maximum: int  # a multiple of the step


class UnsupportedCurrency(ValueError):
    """Stripe does not charge in this currency."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"{code[:8]!r} is not a currency Stripe charges in; use a code such as 'USD'")


class InvalidAmount(ValueError):
    """The amount cannot be written in this currency's minor units."""


class TooManyDecimals(InvalidAmount):
    """The amount is finer than the currency's minor unit."""


class NotAMultiple(InvalidAmount):
    """The amount is not a multiple of the smallest step Stripe accepts in this currency."""

    def __init__(self, money: Currency) -> None:
        super().__init__(whole_steps(money))


def _exponent(code: str) -> int:
    if code in _ZERO_DECIMAL:
        return 0
    return 3 if code in _THREE_DECIMAL else 2


def _step(code: str) -> int:
    if code in _WHOLE_UNITS_SENT_TIMES_100:
        return 100
    return 10 if code in _THREE_DECIMAL else 1


def _last_multiple(amount: int, step: int) -> int:
    return amount - amount % step


def _entry(code: str) -> Currency:
    step = _step(code)
    return Currency(
        code=code,
        exponent=_exponent(code),
        step=step,
        minimum=_MINIMUM.get(code, step),
        maximum=_last_multiple(_MAXIMUM.get(code, _EIGHT_DIGITS), step),
    )


CURRENCIES: Mapping[str, Currency] = MappingProxyType({code: _entry(code) for code in _PRESENTMENT.split()})


def currency(code: str) -> Currency:
    """The currency of an ISO code in any case, or `UnsupportedCurrency`."""
    # str.upper() folds some letters outside ASCII into ASCII ones (U+017F into "S").
    found = CURRENCIES.get(code) or (CURRENCIES.get(code.upper()) if code.isascii() else None)
    if found is None:
        raise UnsupportedCurrency(code)
    return found


def to_minor_units(amount: Decimal, of: str | Currency) -> int:
    """Decimal("19.99") in USD is 1999; exact, or an `InvalidAmount` that says why not."""
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount of money is a Decimal, not a {type(amount).__name__}")
    money = _resolve(of)
    if not amount.is_finite() or amount.copy_abs() > _LARGEST_MINOR_UNITS:
        raise InvalidAmount("the amount is not a number that can be charged")
    minor_units = _exact_minor_units(amount, money)
    if minor_units % money.step:
        raise NotAMultiple(money)
    if abs(minor_units) > _LARGEST_MINOR_UNITS:
        raise InvalidAmount("the amount is not a number that can be charged")
    return minor_units


def _exact_minor_units(amount: Decimal, money: Currency) -> int:
    try:
        return int(amount.scaleb(money.exponent, _EXACT).to_integral_exact(context=_EXACT))
    except Inexact:
        raise TooManyDecimals(f"an amount in {money.code} has at most {money.exponent} decimals") from None


def to_decimal_string(minor_units: int, of: str | Currency) -> str:
    """1999 in USD is "19.99", 500 in JPY "500", 1230 in KWD "1.230", 50000 in ISK "500"."""
    money = _resolve(of)
    sign = "-" if minor_units < 0 else ""
    unit = 10**money.exponent
    whole, fraction = divmod(abs(minor_units), unit)
    if money.step == unit and not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{money.exponent}}"


def is_chargeable(minor_units: int, of: str | Currency) -> bool:
    """Whether Stripe documents that it charges this amount: within its limits and a multiple of the step."""
    money = _resolve(of)
    return money.minimum <= minor_units <= money.maximum and minor_units % money.step == 0


def in_whole_steps(minor_units: int, of: str | Currency) -> int:
    """The largest part of an amount that Stripe takes: 50050 in ISK is 50000, 1235 in KWD 1230."""
    return _last_multiple(minor_units, _resolve(of).step)


def whole_steps(of: str | Currency) -> str:
    """Which amounts Stripe takes besides its bounds, in words: "an amount in ISK must be a multiple of 1 ISK"."""
    money = _resolve(of)
    return (
        f"an amount in {money.code} must be a multiple of {to_decimal_string(money.step, money)} {money.code}"
    )


def _resolve(of: str | Currency) -> Currency:
    return of if isinstance(of, Currency) else currency(of)
