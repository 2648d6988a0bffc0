"""Money as clients read it."""

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from models.currencies.currencies import CURRENCIES, to_decimal_string

LARGEST_SAFE_INTEGER = 2**53 - 1

MinorUnits = NewType("MinorUnits", int)
CurrencyCode = NewType("CurrencyCode", str)


def _whole_number(value: object) -> MinorUnits:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("MinorUnits is a whole number")
    if abs(value) > LARGEST_SAFE_INTEGER:
        raise ValueError("MinorUnits lies within ±9007199254740991")
    return MinorUnits(value)


def _currency_code(value: object) -> CurrencyCode:
    if not isinstance(value, str) or not value.isascii() or value.upper() not in CURRENCIES:
        raise ValueError("CurrencyCode is the three-letter code of a currency that Stripe charges in")
    return CurrencyCode(value.upper())


MINOR_UNITS = strawberry.scalar(
    name="MinorUnits",
    description=(
        "An amount of money as a whole number of minor units, as Stripe charges them: `1999` is 19.99 USD, "
        "`500` is 500 JPY, `1230` is 1.230 KWD. ISK and UGX count hundredths although they have none: `50000` is "
        "500 ISK. Between -9007199254740991 and 9007199254740991, so that every JSON client reads it exactly. "
        "Map it to `number` in TypeScript, `Long` in Kotlin, `Int` in Swift."
    ),
    serialize=_whole_number,
    parse_value=_whole_number,
)
CURRENCY_CODE = strawberry.scalar(
    name="CurrencyCode",
    description=(
        "The ISO 4217 code of a currency that Stripe charges in, in capitals: `USD`, `EUR`, `JPY`. "
        "Input is read in either case. Map it to `string`."
    ),
    specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
    serialize=str,
    parse_value=_currency_code,
)
SCALARS: dict[object, ScalarDefinition] = {MinorUnits: MINOR_UNITS, CurrencyCode: CURRENCY_CODE}


@strawberry.type(description="An amount of money in one currency.")
class Money:
    minor_units: MinorUnits = strawberry.field(
        description="The amount in minor units: compare and add up this one."
    )
    currency: CurrencyCode = strawberry.field(description="The currency of the amount.")

    @strawberry.field(
        description="The amount as a decimal number with the currency's own digits, to show: `19.99`, `500`."
    )
    def amount(self) -> str:
        return to_decimal_string(self.minor_units, self.currency)


def money(minor_units: int, currency: str) -> Money:
    return Money(minor_units=MinorUnits(minor_units), currency=CurrencyCode(currency))
