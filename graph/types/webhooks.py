"""Endpoints of the shop's that are sent its events, and how their deliveries went."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from graph.context import Info
from graph.serving.answer_work import check_answer
from graph.types.errors import ErrorCode, RateLimited, RefusalHandler, UserError, as_sentence
from graph.types.events import (
    DeliveryStatus,
    EventType,
    WebhookDelivery,
    delivery_from,
    event_loaders,
)
from graph.types.moments import in_utc
from graph.types.pages import NODES, PAGE_INFO, After, First, PageInfo, page_info, place_after
from models.shop_events.tables import EventType as Type
from models.webhooks.tables import DeliveryStatus as Status
from runtime.ids import read_id
from services.identity.principal import Permission
from services.notifications import webhook_endpoints as endpoints
from services.notifications.webhook_endpoints import EndpointView, unknown


@strawberry.type(description="A page of deliveries, newest first.")
class WebhookDeliveryConnection:
    nodes: list[WebhookDelivery] = strawberry.field(description=NODES)
    page_info: PageInfo = strawberry.field(description=PAGE_INFO)


@strawberry.type(description="An address of the shop's that is sent events, without its secret.")
class WebhookEndpoint:
    id: strawberry.ID = strawberry.field(description="The endpoint's id.")
    url: str = strawberry.field(description="Where events are sent by POST.")
    types: list[EventType] = strawberry.field(description="Which events it is sent.")
    enabled: bool = strawberry.field(description="Whether it is sent events.")
    failing_since: datetime | None = strawberry.field(
        description="When the first delivery failed behind the last one that was taken; null while it is well."
    )
    disabled_because: str | None = strawberry.field(
        description="Why it is sent nothing any more; null while it is enabled."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    view: strawberry.Private[EndpointView]

    @strawberry.field(description="What was or is to be delivered, newest first.")
    async def deliveries(
        self,
        info: Info,
        first: First = 20,
        after: After = UNSET,
        status: Annotated[
            DeliveryStatus | None, strawberry.argument(description="Only those that stand like this.")
        ] = UNSET,
    ) -> WebhookDeliveryConnection:
        place = place_after(info.context, first, after)
        page = await info.context.use_cases.webhook_endpoints.deliveries(
            self.view.id, first=first, after=place, status=Status[status.name] if status else None
        )
        loaders = event_loaders(info)
        return WebhookDeliveryConnection(
            nodes=[delivery_from(view, loaders) for view in page.items],
            page_info=page_info(page, place),
        )


@strawberry.type(description="An endpoint with a new secret, and the only time that the secret is shown.")
class NewWebhookEndpoint:
    endpoint: WebhookEndpoint = strawberry.field(description="The endpoint.")
    secret: str = strawberry.field(
        description="What signs the events, `whsec_…`, as every library of Standard Webhooks takes it. Told once."
    )


@strawberry.type(
    description="These values make no endpoint, or there is no such endpoint. Nothing was changed; `message` says why."
)
class InvalidWebhookEndpoint(UserError):
    pass


@strawberry.input(description="Where to send which events.")
class CreateWebhookEndpointInput:
    url: str = strawberry.field(
        description=(
            "An address that begins with https:// and that the internet can reach. Up to 20 endpoints, each address "
            "once."
        )
    )
    types: list[EventType] | None = strawberry.field(default=UNSET, description="All when left out.")


CreateWebhookEndpointResult = Annotated[
    InvalidWebhookEndpoint | NewWebhookEndpoint | RateLimited,
    strawberry.union(
        "CreateWebhookEndpointResult", description="The new endpoint, or why there is none. See `UserError`."
    ),
]
RotateWebhookSecretResult = Annotated[
    InvalidWebhookEndpoint | NewWebhookEndpoint,
    strawberry.union(
        "RotateWebhookSecretResult", description="The endpoint with its new secret, or why it has none."
    ),
]
WebhookEndpointResult = Annotated[
    InvalidWebhookEndpoint | WebhookEndpoint,
    strawberry.union(
        "WebhookEndpointResult", description="The endpoint as it is now, or why nothing was changed."
    ),
]
EndpointId = Annotated[strawberry.ID, strawberry.argument(description="The endpoint's id.")]


@strawberry.type
class WebhookQuery:
    @strawberry.field(
        description=(
            "The endpoints that are sent events, newest first; a disabled one as long as its events are kept. For "
            "merchants, and service keys with WEBHOOKS_WRITE."
        )
    )
    async def webhook_endpoints(self, info: Info) -> list[WebhookEndpoint]:
        info.context.require(Permission.WRITE_WEBHOOKS)
        found = await info.context.use_cases.webhook_endpoints.list()
        info.context.spending.list_entries(len(found))
        return [endpoint_from(view) for view in found]

    @strawberry.field(
        description=(
            "The endpoint with this id; null when there is none. For merchants, and service keys with WEBHOOKS_WRITE."
        )
    )
    async def webhook_endpoint(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The endpoint's id.")],  # noqa: A002
    ) -> WebhookEndpoint | None:
        info.context.require(Permission.WRITE_WEBHOOKS)
        wanted = read_id(id)
        view = await info.context.use_cases.webhook_endpoints.find(wanted) if wanted else None
        return endpoint_from(view) if view else None


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(
        description=(
            "Has events sent to an address, signed as Standard Webhooks (https://www.standardwebhooks.com). For "
            "merchants, and service keys with WEBHOOKS_WRITE."
        )
    )
    async def create_webhook_endpoint(
        self,
        info: Info,
        input: Annotated[  # noqa: A002  the schema's word
            CreateWebhookEndpointInput, strawberry.argument(description="Where to send which events.")
        ],
    ) -> CreateWebhookEndpointResult | None:
        principal = info.context.require(Permission.WRITE_WEBHOOKS)
        info.context.limits.check_credential(principal.id)
        check_answer_of_endpoint(info)
        types = [Type[each.name] for each in input.types] if isinstance(input.types, list) else None
        view, secret = await info.context.use_cases.webhook_endpoints.create(principal, input.url, types)
        return NewWebhookEndpoint(endpoint=endpoint_from(view), secret=secret)

    @strawberry.mutation(
        description=(
            "Gives an endpoint a new secret. For 24 hours events are signed by both, then by the new one alone. For "
            "merchants, and service keys with WEBHOOKS_WRITE."
        )
    )
    async def rotate_webhook_secret(
        self, info: Info, endpoint_id: EndpointId
    ) -> RotateWebhookSecretResult | None:
        principal = info.context.require(Permission.WRITE_WEBHOOKS)
        wanted = known_id(endpoint_id)
        check_answer_of_endpoint(info)
        view, secret = await info.context.use_cases.webhook_endpoints.rotate_secret(principal, wanted)
        return NewWebhookEndpoint(endpoint=endpoint_from(view), secret=secret)

    @strawberry.mutation(
        description=(
            "Switches an endpoint off or on. What is due to one that is switched off is given up; one that is switched "
            "on gets what happens from then on: have the rest sent with `replayEvents`. For merchants, and service "
            "keys with WEBHOOKS_WRITE."
        )
    )
    async def set_webhook_endpoint_enabled(
        self,
        info: Info,
        endpoint_id: EndpointId,
        enabled: Annotated[bool, strawberry.argument(description="Whether it is sent events.")],
    ) -> WebhookEndpointResult | None:
        principal = info.context.require(Permission.WRITE_WEBHOOKS)
        wanted = known_id(endpoint_id)
        check_answer_of_endpoint(info)
        return endpoint_from(
            await info.context.use_cases.webhook_endpoints.set_enabled(principal, wanted, enabled=enabled)
        )

    @strawberry.mutation(
        description=(
            "Sends an endpoint again what happened since a moment, as far as events are kept: each with the id that it "
            "had. For merchants, and service keys with WEBHOOKS_WRITE."
        )
    )
    async def replay_events(
        self,
        info: Info,
        endpoint_id: EndpointId,
        since: Annotated[
            datetime, strawberry.argument(description="From when on. In UTC without a time zone.")
        ],
    ) -> WebhookEndpointResult | None:
        principal = info.context.require(Permission.WRITE_WEBHOOKS)
        wanted = known_id(endpoint_id)
        check_answer_of_endpoint(info)
        return endpoint_from(
            await info.context.use_cases.webhook_endpoints.replay(principal, wanted, in_utc(since))
        )


def check_answer_of_endpoint(info: Info) -> None:
    """Before a mutation does anything: an answer that is refused afterwards would hide a new secret."""
    lengths = {"WebhookEndpoint.types": len(EventType)}
    check_answer(info.context.spending, str(info.path.key), lengths)


def known_id(endpoint_id: strawberry.ID) -> UUID:
    wanted = read_id(endpoint_id)
    if wanted is None:
        raise unknown()
    return wanted


def endpoint_from(view: EndpointView) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=strawberry.ID(str(view.id)),
        url=view.url,
        types=[EventType[each.name] for each in view.types],
        enabled=view.disabled_because is None,
        failing_since=view.failing_since,
        disabled_because=view.disabled_because,
        created_at=view.created_at,
        view=view,
    )


def invalid_webhook_endpoint(refusal: endpoints.InvalidWebhookEndpoint) -> InvalidWebhookEndpoint:
    return InvalidWebhookEndpoint(
        message=as_sentence(refusal.reason),
        code=ErrorCode.INVALID_WEBHOOK_ENDPOINT,
        retryable=refusal.retryable,
    )


HANDLERS = (
    RefusalHandler(endpoints.InvalidWebhookEndpoint, InvalidWebhookEndpoint, invalid_webhook_endpoint),
)
