"""Which amounts Stripe takes, in minor units: https://docs.stripe.com/currencies."""

from collections.abc import Mapping

from sandbox.http.errors import invalid

_ZERO_DECIMAL = frozenset((
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
))  # fmt: skip
_THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_WHOLE_HUNDREDS = frozenset(("isk", "ugx"))
_TWO_DECIMAL = frozenset((
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bmd",
    "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny", "cop", "crc", "cve", "czk", "dkk",
    "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "htg",
    "huf", "idr", "ils", "inr", "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl",
    "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok",
    "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub", "sar", "sbd", "scr", "sek",
    "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try", "ttd", "twd", "tzs", "uah", "ugx",
    "uyu", "uzs", "wst", "xcd", "xcg", "yer", "zar", "zmw",
))  # fmt: skip
CURRENCIES = _ZERO_DECIMAL | _THREE_DECIMAL | _TWO_DECIMAL
# The documented minimums. Currencies without one are converted to the account's by Stripe; here 1 is enough.
_MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_MOST = 99_999_999
_MOST_OF = {"idr": 999_999_999_999}


def check_currency(currency: str, *, param: str = "currency") -> str:
    """The lower-case code, or Stripe's 400."""
    lower = currency.lower()
    if lower not in CURRENCIES:
        listed = ", ".join(sorted(CURRENCIES))
        raise invalid(
            f"Invalid currency: {lower}. Stripe currently supports these currencies: {listed}", param=param
        )
    return lower


def check_amount(amount: int, currency: str, *, param: str = "amount") -> int:
    """An amount (minor units) that may be charged, or Stripe's 400: too small, too large, or not a whole step."""
    least, most = _MINIMUM.get(currency, 1), _MOST_OF.get(currency, _MOST)
    if amount < least:
        message = f"Amount must be at least {_with_symbol_and_code(least, currency)}"
        raise invalid(message, param=param, code="amount_too_small")
    if amount > most:
        message = f"Amount must be no more than {_with_symbol_and_code(most, currency)}"
        raise invalid(message, param=param, code="amount_too_large")
    return check_step(amount, currency, param=param)


def check_step(amount: int, currency: str, *, param: str = "amount") -> int:
    """A part of a charge (minor units) that may be captured or refunded, or Stripe's 400: not a whole step."""
    step = 10 if currency in _THREE_DECIMAL else 100 if currency in _WHOLE_HUNDREDS else 1
    if amount % step:
        message = f"Invalid amount: {amount}. In {currency} an amount must be a multiple of {step}."
        raise invalid(message, param=param, code="parameter_invalid_integer")
    return amount


def in_major_units(amount: int, currency: str) -> str:
    """1999 usd → `19.99`, for messages only."""
    decimals = 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2
    if not decimals:
        return str(amount)
    return f"{amount // 10**decimals}.{amount % 10**decimals:0{decimals}d}"


_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def with_symbol(amount: int, currency: str) -> str:
    """1999 usd → `$19.99`; 1999 chf → `19.99 chf`; for messages only."""
    shown = in_major_units(amount, currency)
    return f"{_SYMBOLS[currency]}{shown}" if currency in _SYMBOLS else f"{shown} {currency}"


def _with_symbol_and_code(amount: int, currency: str) -> str:
    """50 eur → `€0.50 eur`; 50 chf → `0.50 chf`."""
    return f"{_SYMBOLS.get(currency, '')}{in_major_units(amount, currency)} {currency}"


def check_converted(amount: int, currency: str, minimums: Mapping[str, int]) -> int:
    """The amount (minor units) if it is enough in the account's own currency; 400 if conversion makes it too small."""
    least = minimums.get(currency, 0)
    if amount < least:
        cents = amount * 50 // least
        message = (
            "Amount must convert to at least 50 cents. "
            f"{with_symbol(amount, currency)} converts to approximately {with_symbol(cents, 'usd')}."
        )
        raise invalid(message, param="amount", code="amount_too_small")
    return amount
