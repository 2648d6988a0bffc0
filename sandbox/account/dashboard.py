"""What the account's owner has set in Stripe's dashboard, and what banks have decided about single payments."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
CaptureMethod = Literal["automatic", "automatic_async", "manual"]


@dataclass(slots=True, kw_only=True)
class RefundPlan:
    """How refunds of one payment go: how they begin, what becomes of them `after` seconds, or why they are refused.

    `refuse` is the code of a 400: `balance_insufficient`, `charge_not_refundable` or another of Stripe's.
    """

    status: RefundStatus = "succeeded"
    then: RefundStatus | None = None
    after: float = 60.0
    failure_reason: str = "lost_or_stolen_card"
    refuse: str | None = None

    def __post_init__(self) -> None:
        for status in (self.status, self.then):
            if status is not None and status not in get_args(RefundStatus):
                raise ValueError(f"unknown status {status!r}; one of {', '.join(get_args(RefundStatus))}")


@dataclass(slots=True, kw_only=True)
class Dashboard:
    """Settings of the account.

    `capture_method` is that of intents which name none. `minimums` (minor units by currency) are what an amount must
    reach beyond the documented minimum, since Stripe converts it to the currency of the account.
    `balance_insufficient`: there is no money to make refunds from. `refunds` are plans by intent.
    """

    capture_method: CaptureMethod = "automatic_async"
    minimums: dict[str, int] = field(default_factory=dict)
    balance_insufficient: bool = False
    refunds: dict[str, RefundPlan] = field(default_factory=dict)

    def set(self, **settings: Any) -> None:
        """Change settings by name; ValueError for a name or a capture method that there is not."""
        for name, value in settings.items():
            if name not in ("capture_method", "minimums", "balance_insufficient"):
                raise ValueError(
                    f"unknown setting {name!r}; capture_method, minimums or balance_insufficient"
                )
            if name == "capture_method" and value not in get_args(CaptureMethod):
                raise ValueError(f"unknown capture method {value!r}; {', '.join(get_args(CaptureMethod))}")
            setattr(self, name, value)
