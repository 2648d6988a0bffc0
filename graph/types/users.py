"""Who is calling."""

import strawberry

from graph.context import Info
from graph.types.node import Node
from services.identity.principal import Principal


@strawberry.type(description="The user that the bearer token speaks for.")
class User(Node):
    id: strawberry.ID = strawberry.field(description="The token's subject: the id that owns the orders.")
    email: str | None = strawberry.field(description="The token's e-mail address, if it has one.")
    is_merchant: bool = strawberry.field(
        description="Whether this user may act for the shop, such as refund."
    )


@strawberry.type
class UserQuery:
    @strawberry.field(
        description=(
            "The user that the token speaks for; null for a service key or a checkout token. Needs a token."
        )
    )
    def me(self, info: Info) -> User | None:
        principal = info.context.require_principal()
        return user_of(principal, principal.id)


def user_of(principal: Principal | None, user_id: str) -> User | None:
    """The user of this id, as far as the caller may see users: themselves."""
    if principal is None or principal.user_id != user_id:
        return None
    return User(id=strawberry.ID(principal.id), email=principal.email, is_merchant=principal.is_merchant)
