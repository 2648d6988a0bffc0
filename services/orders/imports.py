"""Orders that the shop's own system placed: taken as they are, with the total that the customer was shown.

Prices, taxes and discounts are the shop's: nothing is computed anew, since who rounds otherwise charges otherwise.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from models.currencies.currencies import CURRENCIES
from models.orders.placing import IMPORT_ORDER, IMPORTED_ORDER
from models.orders.statements import (
    ADD_LINES,
    EVERY_PART,
    ORDER,
    OrderParts,
    order_by_reference,
)
from runtime.database.database import Database, Transaction
from runtime.encoding import to_json
from services.identity.principal import Permission, Principal, is_reserved
from services.orders.lines import (
    LONGEST_REFERENCE,
    OrderLine,
    check_lines,
    check_steps,
    check_total,
    lines_as_json,
)
from services.orders.refusals import IdempotencyKeyReused, InvalidOrder
from services.orders.texts import is_name, is_text
from services.orders.views import PlacedOrder, order_from

MOST_METADATA = 40  # of Stripe's 50; the rest is ours
LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE = 40, 500  # https://docs.stripe.com/api/metadata
RESERVED_METADATA = frozenset({"order_id", "payment_id", "installation_id", "reference"})  # we write these
LONGEST_USER_ID = 255
EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
LONGEST_EMAIL = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedOrder:
    """What the shop's system says of its order. `total` is minor units of `currency`."""

    reference: str
    user_id: str | None
    receipt_email: str | None
    currency: str
    lines: Sequence[OrderLine]
    total: int
    expires_at: datetime | None
    metadata: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Tells two imports of one reference apart; alike for what is alike."""
        content = {
            "user": self.user_id,
            "email": self.receipt_email,
            "currency": self.currency,
            "lines": lines_as_json(self.lines),
            "total": self.total,
            "expires": self.expires_at.astimezone(UTC).isoformat() if self.expires_at else None,
            "metadata": dict(sorted(self.metadata.items())),
        }
        return hashlib.sha256(to_json(content)).hexdigest()


class OrderImports:
    def __init__(self, database: Database, *, lifetime: timedelta | None = None) -> None:
        """`lifetime` is how long an order that names no time may stay unpaid; None is for ever."""
        self._database = database
        self._lifetime = lifetime

    async def take(self, order: ImportedOrder) -> PlacedOrder:
        """The order, placed now or by the same import before.

        Raises `InvalidOrder`, `OrderTotalMismatch`, or `IdempotencyKeyReused` for a reference whose order is another.
        """
        check_import(order)

        async def write(transaction: Transaction) -> PlacedOrder:
            order_id, usual_id = await _earlier(transaction, order)
            if order_id is None:
                order_id = await _add(transaction, order, usual_id, self._lifetime)
            wanted = {"order_id": order_id, "user_id": "", "may_any": True}
            return order_from(await transaction.one(ORDER, wanted))

        return await self._database.transaction(write)

    async def by_reference(
        self, principal: Principal, reference: str, parts: OrderParts = EVERY_PART
    ) -> PlacedOrder | None:
        """The user's order with this number of the shop's; a merchant finds any user's, a checkout token its own."""
        if not is_text(reference, LONGEST_REFERENCE):
            return None
        wanted = {
            "reference": reference,
            "user_id": principal.user_id,
            "may_any": principal.may(Permission.READ_ORDERS, principal.order_id),
            "only": principal.order_id,
        }
        row = await self._database.row(order_by_reference(parts), wanted)
        return order_from(row) if row else None


async def _earlier(transaction: Transaction, order: ImportedOrder) -> tuple[UUID | None, UUID]:
    """The order of this reference, if it is here, and the id that an order of this reference gets.

    It is the same each time: an order that a failover or an older backup lost is found by its money once the shop has
    sent it again.
    """
    row = await transaction.one(IMPORTED_ORDER, {"reference": order.reference})
    if row.id is not None and row.import_digest != order.digest:
        raise IdempotencyKeyReused(row.id)
    return row.id, uuid5(row.installation_id, order.reference)


async def _add(
    transaction: Transaction, order: ImportedOrder, usual_id: UUID, lifetime: timedelta | None
) -> UUID:
    # Not for an order that is there: the same import comes again, however late.
    check_expiry(order.expires_at)
    values = {
        "id": usual_id,
        "user_id": order.user_id,
        "currency": order.currency,
        "reference": order.reference,
        "receipt_email": order.receipt_email,
        "expires_at": order.expires_at,
        "lifetime": lifetime,
        "shop_metadata": to_json(dict(order.metadata)).decode(),
        "import_digest": order.digest,
    }
    row = await transaction.row(IMPORT_ORDER, values)
    if row is None:  # the same reference was imported meanwhile, and is committed now
        order_id, _ = await _earlier(transaction, order)
        if order_id is not None:
            return order_id
        # Somebody gave the order that has the id another reference since.
        row = await transaction.one(IMPORT_ORDER, {**values, "id": uuid4()})
    await transaction.rows(ADD_LINES, {"order_id": row.id, "lines": lines_as_json(order.lines)})
    added: UUID = row.id
    return added


def check_import(order: ImportedOrder) -> None:
    """Raise a refusal for what makes no order, before anything is looked up."""
    if not is_text(order.reference, LONGEST_REFERENCE):
        raise InvalidOrder(f"`reference` has between 1 and {LONGEST_REFERENCE} printable characters")
    if order.user_id is not None and not is_text(order.user_id, LONGEST_USER_ID):
        raise InvalidOrder(f"`userId` has between 1 and {LONGEST_USER_ID} printable characters")
    if order.user_id is not None and is_reserved(order.user_id):
        raise InvalidOrder(
            "`userId` begins like the id of a service key or a checkout token, which no user has"
        )
    if order.receipt_email is not None and not is_email(order.receipt_email):
        raise InvalidOrder("`receiptEmail` is no e-mail address")
    if order.currency not in CURRENCIES:
        raise InvalidOrder(f"{order.currency} is not a currency that can be charged")
    check_zone(order.expires_at)
    check_metadata(order.metadata)
    check_lines(order.lines)
    check_total(order.lines, order.currency, order.total)
    check_steps(order.lines, order.currency)


def check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MOST_METADATA:
        raise InvalidOrder(f"there are at most {MOST_METADATA} entries of metadata")
    for key, value in metadata.items():
        if not is_text(key, LONGEST_METADATA_KEY) or "[" in key or "]" in key:
            raise InvalidOrder(
                f"a key of metadata has between 1 and {LONGEST_METADATA_KEY} printable characters, without brackets"
            )
        if key in RESERVED_METADATA:
            raise InvalidOrder(f"`{key}` is a key of metadata that is written by this server")
        if not is_name(value, LONGEST_METADATA_VALUE):
            raise InvalidOrder(
                f"a value of metadata has between 1 and {LONGEST_METADATA_VALUE} printable characters"
            )


def check_zone(moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidOrder("`expiresAt` needs a time zone: 2030-01-31T12:00:00Z")


def check_expiry(moment: datetime | None) -> None:
    if moment is not None and moment <= datetime.now(UTC):
        raise InvalidOrder("`expiresAt` lies in the past")


def is_email(text: str) -> bool:
    """As far as anyone can tell without writing to it."""
    return len(text) <= LONGEST_EMAIL and text.isprintable() and EMAIL.fullmatch(text) is not None
