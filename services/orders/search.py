"""What a shop's people look for among everybody's orders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.orders.searches import FLAGS, OrderFilterName
from models.orders.tables import OrderStatus
from services.orders.texts import is_text

LONGEST = 255
_PREFIX = re.compile(r"[0-9a-f]{8,32}", re.ASCII | re.IGNORECASE)
_BY_OTHERS = (*FLAGS, OrderFilterName.ID_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """All that is set must hold; None and no statuses let every order through."""

    statuses: Sequence[OrderStatus] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    updated_from: datetime | None = None
    user_id: str | None = None
    receipt_email: str | None = None
    reference: str | None = None
    intent_id: str | None = None
    id_prefix: str | None = None
    disputed: bool | None = None
    processing: bool | None = None

    @property
    def names(self) -> frozenset[OrderFilterName]:
        return frozenset(
            name for name in OrderFilterName if name not in FLAGS and getattr(self, name) is not None
        ) | frozenset(self._flags)

    @property
    def _flags(self) -> list[OrderFilterName]:
        flags: list[OrderFilterName] = []
        if self.disputed is not None:
            flags.append(OrderFilterName.DISPUTED if self.disputed else OrderFilterName.UNDISPUTED)
        if self.processing is not None:
            flags.append(OrderFilterName.PROCESSING if self.processing else OrderFilterName.NOT_PROCESSING)
        return flags

    @property
    def parameters(self) -> dict[str, Any]:
        values = {str(name): getattr(self, name) for name in self.names if name not in _BY_OTHERS}
        statuses = {f"status_{number}": str(status) for number, status in enumerate(self.distinct_statuses)}
        ids = ids_from(self.id_prefix) if self.id_prefix is not None else None
        return values | statuses | ({"id_from": ids[0], "id_to": ids[1]} if ids else {})

    @property
    def distinct_statuses(self) -> tuple[OrderStatus, ...]:
        return tuple(dict.fromkeys(self.statuses))

    @property
    def finds_nothing(self) -> bool:
        """A text that no order can hold, such as one with NUL, which can't even be asked for."""
        texts = (self.user_id, self.receipt_email, self.reference, self.intent_id)
        if self.id_prefix is not None and ids_from(self.id_prefix) is None:
            return True
        return any(text is not None and not is_text(text, LONGEST) for text in texts)


def ids_from(prefix: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begins with these digits; None for what no id begins with.

    Fewer digits than pages show would be no search, but a walk through the shop.
    """
    digits = prefix.replace("-", "")
    if not _PREFIX.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
