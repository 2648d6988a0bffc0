"""What a shop's people look for among everybody's orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.orders.searches import FLAGS, OrderFilterName
from models.orders.tables import OrderStatus
from services.orders.lines import is_text

LONGEST = 255


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
    disputed: bool | None = None

    @property
    def names(self) -> frozenset[OrderFilterName]:
        return frozenset(
            name for name in OrderFilterName if name not in FLAGS and getattr(self, name) is not None
        ) | frozenset(self._flags)

    @property
    def _flags(self) -> list[OrderFilterName]:
        if self.disputed is None:
            return []
        return [OrderFilterName.DISPUTED if self.disputed else OrderFilterName.UNDISPUTED]

    @property
    def parameters(self) -> dict[str, Any]:
        values = {str(name): getattr(self, name) for name in self.names if name not in FLAGS}
        statuses = {f"status_{number}": str(status) for number, status in enumerate(self.distinct_statuses)}
        return values | statuses

    @property
    def distinct_statuses(self) -> tuple[OrderStatus, ...]:
        return tuple(dict.fromkeys(self.statuses))

    @property
    def finds_nothing(self) -> bool:
        """A text that no order can hold, such as one with NUL, which can't even be asked for."""
        texts = (self.user_id, self.receipt_email, self.reference, self.intent_id)
        return any(text is not None and not is_text(text, LONGEST) for text in texts)
