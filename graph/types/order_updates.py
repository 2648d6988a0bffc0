"""Orders as they change."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry
from graphql import GraphQLError

from graph.context import Info
from graph.types.orders import Order, order_from
from runtime.ids import read_id
from services.identity.refusals import RateLimited
from services.notifications.order_subscription import TokenExpired
from services.orders.refusals import OrderNotFound


@strawberry.type(description="What can be followed, over graphql-transport-ws.")
class Subscription:
    @strawberry.subscription(
        description=(
            "One of the user's orders, the one of a checkout token, or for merchants and service keys with ORDERS_READ "
            "or ORDERS_WRITE any order: as it is now, and again each time it changes. Send the token as "
            "`Authorization` in the payload of `connection_init`. It ends with the token; reconnect and subscribe "
            "again, and nothing is missed."
        )
    )
    async def order_updated(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order to follow.")],
    ) -> AsyncGenerator[Order, None]:
        context = info.context
        principal = context.require_principal()
        wanted = read_id(order_id)
        if wanted is None:
            raise not_found()
        orders = context.use_cases.order_subscriptions.follow(principal, wanted)
        try:
            async for order in orders:
                context.spending = context.spending.anew()  # each event may cost as much as a query
                yield order_from(order)
        except OrderNotFound:
            raise not_found() from None
        except RateLimited:
            raise GraphQLError("Too many orders are followed.", extensions={"code": "RATE_LIMITED"}) from None
        except TokenExpired:
            raise GraphQLError("The token has run out.", extensions={"code": "UNAUTHENTICATED"}) from None


def not_found() -> GraphQLError:
    return GraphQLError("There is no such order.", extensions={"code": "ORDER_NOT_FOUND"})
