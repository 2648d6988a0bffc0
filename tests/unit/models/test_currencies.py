"""Stripe's "Supported currencies" page, written down a second time by hand, against models/currencies.py."""

from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.currencies.currencies import (
    CURRENCIES,
    InvalidAmount,
    NotAMultiple,
    TooManyDecimals,
    UnsupportedCurrency,
    currency,
    in_whole_steps,
    is_chargeable,
    to_decimal_string,
    to_minor_units,
)

DOCUMENTED_ZERO_DECIMAL = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA",
    "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
]  # fmt: skip
DOCUMENTED_THREE_DECIMAL = ["BHD", "JOD", "KWD", "OMR", "TND"]
# The page's bullet list, as it is printed there: in major units.
DOCUMENTED_MINIMUMS = """
    0.50 USD, 2.00 AED, 0.50 ARS, 0.50 AUD, 0.50 BRL, 0.50 CAD, 0.50 CHF, 0.50 COP, 15.00 CZK, 2.50 DKK,
    0.50 EUR, 0.30 GBP, 4.00 HKD, 175.00 HUF, 0.50 IDR, 0.50 ILS, 0.50 INR, 50 JPY, 50 KRW, 10 MXN, 2.00 MYR,
    3.00 NOK, 0.50 NZD, 0.50 PHP, 2.00 PLN, 2.00 RON, 0.50 RUB, 3.00 SEK, 0.50 SGD, 10 THB, 0.50 ZAR
"""
MINIMUMS = [(code, major) for major, code in (line.split() for line in DOCUMENTED_MINIMUMS.split(","))]

every_currency = st.sampled_from(sorted(CURRENCIES))


@pytest.mark.parametrize(
    ("amount", "code", "minor_units", "printed"),
    [
        ("19.99", "USD", 1999, "19.99"),
        ("10", "USD", 1000, "10.00"),
        ("0.07", "EUR", 7, "0.07"),
        ("19.990", "GBP", 1999, "19.99"),
        ("1E+2", "USD", 10000, "100.00"),
        ("500", "JPY", 500, "500"),
        ("500.00", "JPY", 500, "500"),
        ("1500", "KRW", 1500, "1500"),
        ("2000", "MGA", 2000, "2000"),
        ("1.230", "KWD", 1230, "1.230"),
        ("5.12", "BHD", 5120, "5.120"),
        ("5", "ISK", 500, "5"),
        ("500", "ISK", 50000, "500"),
        ("5", "UGX", 500, "5"),
        ("10.45", "HUF", 1045, "10.45"),
        ("800.45", "TWD", 80045, "800.45"),
        ("9999999999.99", "IDR", 999_999_999_999, "9999999999.99"),
        ("0", "USD", 0, "0.00"),
        ("-0.0", "ISK", 0, "0"),
        ("-0.05", "USD", -5, "-0.05"),
        ("-3", "JPY", -3, "-3"),
        ("-5", "UGX", -500, "-5"),
        ("-1.230", "KWD", -1230, "-1.230"),
    ],
)
def test_an_amount_is_sent_and_printed_as_stripe_documents(
    amount: str, code: str, minor_units: int, printed: str
) -> None:
    assert to_minor_units(Decimal(amount), code) == minor_units
    assert to_decimal_string(minor_units, code) == printed


@pytest.mark.parametrize("code", DOCUMENTED_ZERO_DECIMAL)
def test_a_zero_decimal_currency_is_sent_as_it_is(code: str) -> None:
    assert to_minor_units(Decimal(500), code) == 500
    with pytest.raises(TooManyDecimals):
        to_minor_units(Decimal("500.5"), code)


@pytest.mark.parametrize("code", DOCUMENTED_THREE_DECIMAL)
def test_a_three_decimal_currency_ends_in_zero(code: str) -> None:
    assert to_minor_units(Decimal("5.120"), code) == 5120
    assert not is_chargeable(5124, code)
    with pytest.raises(NotAMultiple, match=r"multiple of 0\.010"):
        to_minor_units(Decimal("5.124"), code)
    with pytest.raises(TooManyDecimals):
        to_minor_units(Decimal("5.1201"), code)


@pytest.mark.parametrize("code", ["ISK", "UGX"])
def test_isk_and_ugx_are_sent_times_100_and_whole(code: str) -> None:
    assert to_minor_units(Decimal(5), code) == 500
    assert is_chargeable(500, code)
    assert not is_chargeable(550, code)
    with pytest.raises(NotAMultiple, match=r"multiple of 1 ISK$|multiple of 1 UGX$"):
        to_minor_units(Decimal("5.50"), code)
    with pytest.raises(TooManyDecimals):
        to_minor_units(Decimal("5.505"), code)


@pytest.mark.parametrize(
    ("amount", "code", "whole"),
    [(50_050, "ISK", 50_000), (99, "UGX", 0), (1_235, "KWD", 1_230), (1_999, "USD", 1_999), (7, "JPY", 7)],
)
def test_of_an_odd_amount_the_whole_steps_can_be_moved(amount: int, code: str, whole: int) -> None:
    assert in_whole_steps(amount, code) == whole


def test_every_bound_is_a_whole_step() -> None:
    for money in CURRENCIES.values():
        assert in_whole_steps(money.maximum, money) == money.maximum
        assert in_whole_steps(money.minimum, money) == money.minimum


def test_a_fraction_that_must_not_exist_is_still_printed() -> None:
    assert to_decimal_string(50050, "ISK") == "500.50"


def test_every_other_currency_has_two_decimals() -> None:
    others = set(CURRENCIES) - {*DOCUMENTED_ZERO_DECIMAL, *DOCUMENTED_THREE_DECIMAL, "ISK", "UGX"}
    assert {(CURRENCIES[code].exponent, CURRENCIES[code].step) for code in others} == {(2, 1)}
    assert {"USD", "EUR", "HUF", "TWD", "COP", "IDR", "CRC", "LAK", "MMK"} < others


def test_all_of_stripes_more_than_135_currencies_are_known() -> None:
    assert len(CURRENCIES) >= 135
    assert all(code == entry.code == code.upper() and len(code) == 3 for code, entry in CURRENCIES.items())
    assert {*DOCUMENTED_ZERO_DECIMAL, *DOCUMENTED_THREE_DECIMAL, "SLE", "XCG", "BYN", "ZMW"} < set(CURRENCIES)
    assert not {"HRK", "BGN", "VEF", "BTC", "XXX"} & set(CURRENCIES)


@pytest.mark.parametrize(("code", "major"), MINIMUMS)
def test_the_documented_minimum_is_chargeable_and_one_less_is_not(code: str, major: str) -> None:
    minimum = to_minor_units(Decimal(major), code)
    assert is_chargeable(minimum, code)
    assert not is_chargeable(minimum - 1, code)


@pytest.mark.parametrize(
    ("code", "smallest"), [("CNY", 1), ("TWD", 1), ("VND", 1), ("KWD", 10), ("ISK", 100), ("UGX", 100)]
)
def test_without_a_documented_minimum_the_smallest_step_is_left_to_stripe(code: str, smallest: int) -> None:
    assert code not in dict(MINIMUMS)
    assert is_chargeable(smallest, code)
    assert not is_chargeable(0, code)
    assert not is_chargeable(-smallest, code)


@pytest.mark.parametrize(
    ("code", "digits"), [("USD", 8), ("JPY", 8), ("HUF", 8), ("INR", 9), ("COP", 10), ("IDR", 12)]
)
def test_the_maximum_has_as_many_digits_as_documented(code: str, digits: int) -> None:
    assert is_chargeable(10**digits - 1, code)
    assert not is_chargeable(10**digits, code)


def test_the_maximum_of_a_stepped_currency_is_its_last_multiple() -> None:
    assert is_chargeable(99_999_990, "KWD")
    assert not is_chargeable(99_999_999, "KWD")
    assert is_chargeable(99_999_900, "ISK")


@pytest.mark.parametrize("code", ["usd", "USD", "Usd"])
def test_a_code_is_found_in_any_case(code: str) -> None:
    assert currency(code) is CURRENCIES["USD"]


@pytest.mark.parametrize("code", ["", "US", "USDX", " USD", "XXX", "BTC", "u\u017fd", "USD\x00", "ß"])
def test_an_unknown_code_is_refused(code: str) -> None:
    with pytest.raises(UnsupportedCurrency) as refused:
        currency(code)
    assert refused.value.code == code


def test_a_refusal_does_not_repeat_a_long_code() -> None:
    assert len(str(UnsupportedCurrency("X" * 100_000))) < 100


@pytest.mark.parametrize(
    "amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+20", "1E+999999", "9007199254740991"]
)
def test_what_is_no_chargeable_number_is_refused(amount: str) -> None:
    with pytest.raises(InvalidAmount):
        to_minor_units(Decimal(amount), "USD")


@pytest.mark.parametrize(
    "amount", ["0.001", "1E-999999", "1." + "0" * 60 + "1", "0.10000000000000000000000001"]
)
def test_nothing_is_ever_rounded(amount: str) -> None:
    with pytest.raises(TooManyDecimals):
        to_minor_units(Decimal(amount), "USD")


@pytest.mark.parametrize("amount", [19.99, "19.99", 19])
def test_only_a_decimal_is_an_amount(amount: object) -> None:
    with pytest.raises(TypeError):
        to_minor_units(cast("Any", amount), "USD")


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        cast("Any", CURRENCIES)["USD"] = CURRENCIES["JPY"]


@given(every_currency, st.integers(-(2**53) // 1000, 2**53 // 1000))
def test_an_amount_survives_being_printed_and_read(code: str, steps: int) -> None:
    minor_units = steps * CURRENCIES[code].step
    assert to_minor_units(Decimal(to_decimal_string(minor_units, code)), code) == minor_units


@given(every_currency, st.decimals(allow_nan=True, allow_infinity=True))
def test_a_conversion_is_exact_or_refused(code: str, amount: Decimal) -> None:
    try:
        minor_units = to_minor_units(amount, code)
    except InvalidAmount:
        return
    assert Decimal(minor_units) == amount * 10 ** CURRENCIES[code].exponent
    assert Decimal(to_decimal_string(minor_units, code)) == amount
