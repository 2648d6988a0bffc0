"""What money came in, went back and was disputed in a time: a shop's day at a glance, not its books."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from models.refunds.money_moved import MONEY_MOVED, MovedRow
from runtime.database.database import Database

LONGEST_TIME = timedelta(days=31, hours=1)  # a month in which clocks go back


class InvalidTime(ValueError):
    """The time ends before it begins, or is too long; the message is for the client's developer."""


class MoneyMoved:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(self, since: datetime, until: datetime) -> Sequence[MovedRow]:
        """Sums in minor units, one row a currency, from `since` on and before `until`; raises `InvalidTime`."""
        if until <= since:
            raise InvalidTime("`to` is not later than `from`")
        if until - since > LONGEST_TIME:
            raise InvalidTime("`from` and `to` are at most 31 days apart")
        return await self._database.rows(MONEY_MOVED, {"since": since, "until": until})
