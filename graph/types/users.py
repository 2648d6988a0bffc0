"""Who is calling."""

import strawberry

from graph.context import Info


@strawberry.type(description="The user that the bearer token speaks for.")
class User:
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
        user = info.context.require_principal()
        if not user.is_user:
            return None
        return User(id=strawberry.ID(user.id), email=user.email, is_merchant=user.is_merchant)
