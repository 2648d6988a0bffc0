"""What Stripe charges in each currency, as rows: so one statement can judge a total and record a payment."""

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel

from models.base import minor_units
from models.currencies.currencies import CURRENCIES


class ChargeLimit(SQLModel, table=True):
    """The smallest and the largest charge in a currency, minor units. `migrate` fills it from `CURRENCIES`."""

    __tablename__ = "charge_limits"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="charge_limits_currency_is_iso"),
        CheckConstraint("0 < minimum AND minimum <= maximum", name="charge_limits_in_order"),
        CheckConstraint("step IN (1, 10, 100)", name="charge_limits_step_known"),
    )

    currency: str = Field(primary_key=True)
    minimum: int = minor_units()
    maximum: int = minor_units()
    step: int = minor_units()


_fill = insert(ChargeLimit)
FILL_CHARGE_LIMITS = _fill.on_conflict_do_update(
    index_elements=["currency"],
    set_={"minimum": _fill.excluded.minimum, "maximum": _fill.excluded.maximum, "step": _fill.excluded.step},
)


def charge_limit_rows() -> list[dict[str, str | int]]:
    return [
        {"currency": c.code, "minimum": c.minimum, "maximum": c.maximum, "step": c.step}
        for c in CURRENCIES.values()
    ]
