"""The lines of an order: what each is, which way it counts, and what they come to.

Amounts are minor units of the order's currency and never negative: the kind of a line says which way it counts.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from models.base import LARGEST_AMOUNT
from models.currencies.currencies import in_whole_steps, to_decimal_string, whole_steps
from models.orders.rows import LineJson
from models.orders.tables import LARGEST_QUANTITY, TAKES_AWAY, OrderLineKind
from runtime.encoding import to_json
from services.orders.refusals import InvalidOrder, OrderTotalMismatch
from services.orders.texts import is_name, is_text

MOST_LINES = 500
MOST_PRODUCTS = 4_096  # whose ids are remembered
LONGEST_NAME = 250
LONGEST_REFERENCE = 255
LARGEST_TOTAL = LARGEST_SUBTOTAL = 2**53 - 1  # the largest integer every JSON client reads exactly
KINDS = {kind.value: kind for kind in OrderLineKind}


class OrderLine(NamedTuple):
    """`product_id` is the catalogue's product that it is, if it is one; `reference` the shop's own id of the line.

    A tuple, since hundreds are made at once, and in a third of the time.
    """

    name: str
    unit_amount: int
    quantity: int
    kind: OrderLineKind = OrderLineKind.PRODUCT
    reference: str | None = None
    product_id: UUID | None = None

    @property
    def subtotal(self) -> int:
        """Unit amount × quantity, negative for what takes away."""
        amount = self.unit_amount * self.quantity
        return -amount if self.kind in TAKES_AWAY else amount


def total_of(lines: Sequence[OrderLine]) -> int:
    return sum(line.subtotal for line in lines)


def check_lines(lines: Sequence[OrderLine]) -> None:
    """Raise `InvalidOrder` for lines that make no order."""
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidOrder(f"an order has between 1 and {MOST_LINES} lines")
    for number, line in enumerate(lines, start=1):
        wrong = _what_is_wrong(line)
        if wrong is not None:
            raise InvalidOrder(f"line {number}: {wrong}")
    total = total_of(lines)
    if total < 0:
        raise InvalidOrder("discounts and credits take away more than there is")
    if total > LARGEST_TOTAL:
        raise InvalidOrder("the total is larger than any charge can be")


def check_steps(lines: Sequence[OrderLine], currency: str) -> None:
    """Raise `InvalidOrder` for a total that no charge can be, whatever the bounds: the shop hears of it, not its
    customer.
    """
    total = total_of(lines)
    if total != in_whole_steps(total, currency):
        raise InvalidOrder(f"the total is {to_decimal_string(total, currency)}, and {whole_steps(currency)}")


def check_total(lines: Sequence[OrderLine], currency: str, shown: int) -> None:
    """Raise `OrderTotalMismatch` when the lines don't come to what the customer was shown."""
    total = total_of(lines)
    if total != shown:
        raise OrderTotalMismatch(total, currency)


def _what_is_wrong(line: OrderLine) -> str | None:
    if not is_name(line.name, LONGEST_NAME):
        return f"a name has between 1 and {LONGEST_NAME} printable characters"
    if line.reference is not None and not is_text(line.reference, LONGEST_REFERENCE):
        return f"a reference has between 1 and {LONGEST_REFERENCE} printable characters"
    if not 1 <= line.quantity <= LARGEST_QUANTITY:
        return f"a quantity is between 1 and {LARGEST_QUANTITY}"
    if not 0 <= line.unit_amount <= LARGEST_AMOUNT:
        return f"an amount is between 0 and {LARGEST_AMOUNT} minor units; `kind` says which way it counts"
    if abs(line.subtotal) > LARGEST_SUBTOTAL:
        return f"an amount times its quantity is at most {LARGEST_SUBTOTAL} minor units"
    return None


def lines_as_json(lines: Sequence[OrderLine]) -> str:
    """For the statement that writes them: an array of objects, in the lines' order."""
    rows = [
        {
            "position": position,
            "kind": line.kind,
            "product_id": line.product_id,
            "reference": line.reference,
            "name": line.name,
            "unit_amount": line.unit_amount,
            "quantity": line.quantity,
        }
        for position, line in enumerate(lines)
    ]
    return to_json(rows).decode()


@lru_cache(MOST_PRODUCTS)
def _product_id(text: str) -> UUID:
    """To parse one takes longer than all the rest of its line, and a shop sells the same again and again."""
    return UUID(text)


def line_from(values: LineJson) -> OrderLine:
    """From the JSON object that the statements make of a line."""
    return OrderLine(
        kind=KINDS[values["kind"]],
        product_id=_product_id(values["product_id"]) if values["product_id"] else None,
        reference=values["reference"],
        name=values["name"],
        unit_amount=values["unit_amount"],
        quantity=values["quantity"],
    )
