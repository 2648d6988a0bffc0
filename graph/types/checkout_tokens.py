"""Bearer tokens for one order."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.context import Info
from graph.serving.spending import bad_input
from graph.types.errors import OrderNotFound, RateLimited
from graph.types.order_parts import check_answer_of_order, parts_of
from graph.types.orders import Order, order_from
from graph.types.payments import OrderNotPayable
from runtime.ids import read_id
from services.identity.principal import Permission
from services.orders import refusals
from services.orders.checkout_tokens import MOST_MINUTES


@strawberry.type(
    description=(
        "A bearer token for one order: it reads, pays, cancels and follows that order, and nothing else. For guests, "
        "payment links, and shops without an identity provider. It ends at its time, with the order's expiry, and an "
        "hour after the order was paid or canceled."
    )
)
class CheckoutToken:
    token: str = strawberry.field(
        description="The bearer token: `pgc_…` with a checksum. It is shown once; only its SHA-256 is kept."
    )
    expires_at: datetime = strawberry.field(description="When it ends at the latest.")
    order: Order = strawberry.field(description="The order that it opens.")


CreateCheckoutTokenResult = Annotated[
    CheckoutToken | OrderNotFound | OrderNotPayable | RateLimited,
    strawberry.union("CreateCheckoutTokenResult", description="The token, or why there is none."),
]


@strawberry.type
class CheckoutTokenMutation:
    @strawberry.mutation(
        description=(
            "Creates a bearer token for one order, for the customer's browser. For merchants and keys with "
            "ORDERS_WRITE. An order may have several. One that has expired, or ended more than an hour ago, "
            "is `OrderNotPayable`: a token would open nothing."
        )
    )
    async def create_checkout_token(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order that it opens.")],
        minutes: Annotated[
            int, strawberry.argument(description="How long it lasts: 1 to 43200 minutes (30 days).")
        ] = 60,
    ) -> CreateCheckoutTokenResult | None:
        principal = info.context.require(Permission.WRITE_ORDERS)
        info.context.limits.check_credential(principal.id)
        if not 1 <= minutes <= MOST_MINUTES:
            raise bad_input(f"`minutes` must be between 1 and {MOST_MINUTES}.")
        wanted = read_id(order_id)
        if wanted is None:
            raise refusals.OrderNotFound
        placed = await info.context.use_cases.orders.find(principal, wanted, parts_of(info))
        if placed is None:
            raise refusals.OrderNotFound
        check_answer_of_order(info, placed)
        made = await info.context.use_cases.checkout_tokens.create(principal, wanted, minutes)
        return CheckoutToken(token=made.token, expires_at=made.expires_at, order=order_from(placed))
