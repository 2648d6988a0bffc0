"""What money came in, went back and was disputed in a time."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import Info
from graph.serving.spending import bad_input
from graph.types.moments import in_utc
from graph.types.money import CurrencyCode, Money, money
from services.identity.principal import Permission
from services.payments.money_moved import InvalidTime


@strawberry.type(description="What money of one currency moved in a time.")
class MoneyMoved:
    currency: CurrencyCode = strawberry.field(description="The currency of the three amounts.")
    received: Money = strawberry.field(
        description="What arrived, whichever order it was for and whatever became of it since."
    )
    refunded: Money = strawberry.field(
        description="What was given back: refunds that were begun in this time and did not fail."
    )
    disputed: Money = strawberry.field(
        description="What customers' banks asked for: disputes that were opened in this time, however they ended."
    )


@strawberry.type
class MoneyMovedQuery:
    @strawberry.field(
        description=(
            "What money came in, went back and was disputed from `from` on and before `to`, at most 31 days apart: one "
            "entry a currency in which anything moved, by its code. Stripe's fees and payouts are not in it. For "
            "merchants, and service keys with ORDERS_READ."
        )
    )
    async def money_moved(
        self,
        info: Info,
        since: Annotated[
            datetime, strawberry.argument(name="from", description="The first moment that counts.")
        ],
        until: Annotated[
            datetime, strawberry.argument(name="to", description="The first moment that no longer counts.")
        ],
    ) -> list[MoneyMoved]:
        info.context.require(Permission.SEE_SHOP_FIELDS)
        try:
            rows = await info.context.use_cases.money_moved.between(in_utc(since), in_utc(until))
        except InvalidTime as error:
            raise bad_input(str(error)) from None
        return [
            MoneyMoved(
                currency=CurrencyCode(row.currency),
                received=money(row.received, row.currency),
                refunded=money(row.refunded, row.currency),
                disputed=money(row.disputed, row.currency),
            )
            for row in rows
        ]
