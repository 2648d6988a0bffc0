"""Keys of the shop's own systems."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.types.errors import ErrorCode, RateLimited, RefusalHandler, UserError, as_sentence
from runtime.ids import read_id
from services.identity import principal as identity
from services.identity import refusals
from services.identity.principal import Permission
from services.identity.service_keys import KeyView


@strawberry.enum(description="What a service key may do. No scope ever gives a customer's client secret.")
class Scope(Enum):
    ORDERS_READ = strawberry.enum_value(
        identity.Scope.ORDERS_READ.value, description="Read every order, with its payments and their history."
    )
    ORDERS_WRITE = strawberry.enum_value(
        identity.Scope.ORDERS_WRITE.value,
        description="Import, change, read and cancel orders, and create checkout tokens.",
    )
    REFUNDS_WRITE = strawberry.enum_value(
        identity.Scope.REFUNDS_WRITE.value, description="Give money back, and decide what needs a person."
    )
    PRODUCTS_WRITE = strawberry.enum_value(
        identity.Scope.PRODUCTS_WRITE.value, description="Change the catalogue."
    )
    EVENTS_READ = strawberry.enum_value(
        identity.Scope.EVENTS_READ.value, description="Read the shop's events."
    )
    WEBHOOKS_WRITE = strawberry.enum_value(
        identity.Scope.WEBHOOKS_WRITE.value, description="Change the endpoints that are sent events."
    )
    KEYS_WRITE = strawberry.enum_value(
        identity.Scope.KEYS_WRITE.value,
        description="Create and revoke keys: of the scopes, and for the time, that this key has itself.",
    )


@strawberry.type(description="A key of one of the shop's own systems, without the key itself.")
class ServiceKey:
    id: strawberry.ID = strawberry.field(description="The key's id, for `revokeServiceKey` and in logs.")
    name: str = strawberry.field(description="What the shop calls it.")
    scopes: list[Scope] = strawberry.field(description="What it may do.")
    created_at: datetime = strawberry.field(description="When it was created.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, within ten minutes; null if it never was."
    )
    expires_at: datetime | None = strawberry.field(description="When it ends by itself; null for never.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it was not.")


@strawberry.type(description="A new service key, and the only time that its secret is shown.")
class NewServiceKey:
    key: ServiceKey = strawberry.field(description="The key.")
    secret: str = strawberry.field(
        description="The bearer token: `pgk_…` with a checksum. It is shown once; only its SHA-256 is kept."
    )


@strawberry.input(description="What the key is for.")
class CreateServiceKeyInput:
    name: str = strawberry.field(description="What the shop calls it: 1 to 100 printable characters.")
    scopes: list[Scope] = strawberry.field(description="What it may do; at least one.")
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When it ends by itself; never when left out."
    )


@strawberry.type(description="These values make no key, or there is no such key. Nothing was changed.")
class InvalidServiceKey(UserError):
    pass


CreateServiceKeyResult = Annotated[
    NewServiceKey | InvalidServiceKey | RateLimited,
    strawberry.union("CreateServiceKeyResult", description="The new key, or why there is none."),
]
RevokeServiceKeyResult = Annotated[
    ServiceKey | InvalidServiceKey,
    strawberry.union("RevokeServiceKeyResult", description="The revoked key, or why none was."),
]


@strawberry.type
class ServiceKeyQuery:
    @strawberry.field(
        description=(
            "The shop's service keys, newest first, those that ended within a year too. For merchants and keys with "
            "KEYS_WRITE."
        )
    )
    async def service_keys(self, info: Info) -> list[ServiceKey]:
        info.context.require(Permission.WRITE_KEYS)
        found = await info.context.use_cases.service_keys.list()
        info.context.spending.list_entries(len(found))
        return [key_from(view) for view in found]


@strawberry.type
class ServiceKeyMutation:
    @strawberry.mutation(
        description="Creates a key for one of the shop's own systems. For merchants and keys with KEYS_WRITE."
    )
    async def create_service_key(
        self,
        info: Info,
        input: Annotated[CreateServiceKeyInput, strawberry.argument(description="What the key is for.")],  # noqa: A002
    ) -> CreateServiceKeyResult | None:
        principal = info.context.require(Permission.WRITE_KEYS)
        info.context.limits.check_credential(principal.id)
        scopes = [identity.Scope[scope.name] for scope in input.scopes]
        view, secret = await info.context.use_cases.service_keys.create(
            principal, input.name, scopes, input.expires_at or None
        )
        return NewServiceKey(key=key_from(view), secret=secret)

    @strawberry.mutation(
        description=(
            "Revokes a key: within seconds no server takes it. Revoking twice is the same as once. For merchants and "
            "keys with KEYS_WRITE."
        )
    )
    async def revoke_service_key(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key's id.")],  # noqa: A002
    ) -> RevokeServiceKeyResult | None:
        principal = info.context.require(Permission.WRITE_KEYS)
        key_id = read_id(id)
        if key_id is None:
            raise refusals.InvalidServiceKey("there is no such key")
        return key_from(await info.context.use_cases.service_keys.revoke(principal, key_id))


def key_from(view: KeyView) -> ServiceKey:
    return ServiceKey(
        id=strawberry.ID(str(view.id)),
        name=view.name,
        scopes=[Scope[scope.name] for scope in view.scopes],
        created_at=view.created_at,
        last_used_at=view.last_used_at,
        expires_at=view.expires_at,
        revoked_at=view.revoked_at,
    )


def invalid_service_key(refusal: refusals.InvalidServiceKey) -> InvalidServiceKey:
    return InvalidServiceKey(
        message=as_sentence(refusal.reason), code=ErrorCode.INVALID_SERVICE_KEY, retryable=refusal.retryable
    )


HANDLERS = (RefusalHandler(refusals.InvalidServiceKey, InvalidServiceKey, invalid_service_key),)
