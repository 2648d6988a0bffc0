"""The lines of an order, of every kind."""

from enum import Enum

import strawberry
from strawberry import UNSET

from graph.types.money import MinorUnits, Money, money
from models.orders.tables import OrderLineKind as Kind
from services.orders.lines import OrderLine as Line


@strawberry.enum(description="What a line of an order is. DISCOUNT and CREDIT take away; all others add.")
class OrderLineKind(Enum):
    PRODUCT = strawberry.enum_value(Kind.PRODUCT.value, description="Something that is sold.")
    SHIPPING = strawberry.enum_value(Kind.SHIPPING.value, description="Shipping and handling.")
    TAX = strawberry.enum_value(Kind.TAX.value, description="A tax that isn't part of the other amounts.")
    FEE = strawberry.enum_value(Kind.FEE.value, description="A fee, such as for a way to pay.")
    TIP = strawberry.enum_value(Kind.TIP.value, description="A tip.")
    DISCOUNT = strawberry.enum_value(Kind.DISCOUNT.value, description="Takes away: a voucher, a promotion.")
    CREDIT = strawberry.enum_value(
        Kind.CREDIT.value,
        description="Takes away: a gift card or store credit, paid from the shop's own ledger.",
    )
    ADJUSTMENT = strawberry.enum_value(
        Kind.ADJUSTMENT.value, description="Makes the total what was received, when a review is accepted."
    )


@strawberry.type(description="A line of an order, as it was when the order was placed or last changed.")
class OrderLine:
    line: strawberry.Private[Line]
    currency: strawberry.Private[str]

    @strawberry.field(description="What it is, and so which way it counts.")
    def kind(self) -> OrderLineKind:
        return OrderLineKind[self.line.kind.name]

    @strawberry.field(description="The shop's own id of it: a SKU, a voucher's code; null when it has none.")
    def reference(self) -> str | None:
        return self.line.reference

    @strawberry.field(description="What customers read.")
    def name(self) -> str:
        return self.line.name

    @strawberry.field(description="How many of it.")
    def quantity(self) -> int:
        return self.line.quantity

    @strawberry.field(description="What one of it comes to; never negative.")
    def unit_amount(self) -> Money:
        return money(self.line.unit_amount, self.currency)

    @strawberry.field(
        description="Unit amount × quantity, negative for what takes away: the lines' sum is the order's total."
    )
    def subtotal(self) -> Money:
        return money(self.line.subtotal, self.currency)


@strawberry.input(description="A line of an order.")
class OrderLineInput:
    name: str = strawberry.field(description="What customers read: up to 250 characters.")
    unit_amount: MinorUnits = strawberry.field(
        description="Minor units, never negative: the kind says which way it counts."
    )
    kind: OrderLineKind = strawberry.field(default=OrderLineKind.PRODUCT, description="What it is.")
    reference: str | None = strawberry.field(
        default=UNSET, description="The shop's own id of it: a SKU, a voucher's code, a gift card's id."
    )
    quantity: int = strawberry.field(default=1, description="How many of it: between 1 and 100000.")


def line_from(line: Line, currency: str) -> OrderLine:
    return OrderLine(line=line, currency=currency)


def line_of(line: OrderLineInput) -> Line:
    return Line(
        kind=Kind[line.kind.name],
        reference=line.reference or None,
        name=line.name,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
    )


@strawberry.type(description="One line of an order, as it was when the order was placed.")
class OrderItem:
    line: strawberry.Private[Line]
    currency: strawberry.Private[str]

    @strawberry.field(description="The product's id.")
    def product_id(self) -> strawberry.ID:
        return strawberry.ID(str(self.line.product_id))

    @strawberry.field(description="The product's name when the order was placed.")
    def product_name(self) -> str:
        return self.line.name

    @strawberry.field(description="How many of it.")
    def quantity(self) -> int:
        return self.line.quantity

    @strawberry.field(description="What one of it cost when the order was placed.")
    def unit_price(self) -> Money:
        return money(self.line.unit_amount, self.currency)

    @strawberry.field(description="Unit price × quantity.")
    def subtotal(self) -> Money:
        return money(self.line.unit_amount * self.line.quantity, self.currency)


def item_from(line: Line, currency: str) -> OrderItem:
    return OrderItem(line=line, currency=currency)
