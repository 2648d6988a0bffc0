"""What happened to orders: pulled by the shop's own systems, or pushed to webhook endpoints; and how that went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.dataloader import DataLoader

from graph.context import Info
from graph.serving.spending import bad_input
from graph.types.order_parts import OrderLoader, shop_orders
from graph.types.orders import Order, OrderStatus, order_from
from graph.types.pages import (
    CURSOR,
    EDGES,
    NODES,
    PAGE_INFO,
    After,
    First,
    PageInfo,
    page_info,
    place_read_by,
)
from models.shop_events.tables import EventType as Type
from models.webhooks.tables import DeliveryStatus as Status
from runtime.ids import read_id
from services.identity.principal import Permission
from services.notifications.event_feed import EventView, read_feed_cursor
from services.notifications.webhook_endpoints import DeliveryView


@strawberry.enum(
    description="What happened. A webhook's `type` is the same word as `order.paid`. More may be added."
)
class EventType(Enum):
    ORDER_PAID = strawberry.enum_value(
        Type.ORDER_PAID.value,
        description="An order became PAID. Deliver each order once: the same event may come again.",
    )
    ORDER_CANCELED = strawberry.enum_value(Type.ORDER_CANCELED.value, description="An order became CANCELED.")
    ORDER_REVIEW = strawberry.enum_value(
        Type.ORDER_REVIEW.value, description="An order went into REVIEW. Deliver nothing until it is decided."
    )
    ORDER_REFUNDED = strawberry.enum_value(
        Type.ORDER_REFUNDED.value,
        description="Money of an order went back: it is REFUNDED or PARTIALLY_REFUNDED. Each refund has its event.",
    )
    ORDER_UPDATED = strawberry.enum_value(
        Type.ORDER_UPDATED.value,
        description="An order has other lines, another expiry or the like, or money that it had no use for went back.",
    )
    REFUND_FAILED = strawberry.enum_value(
        Type.REFUND_FAILED.value,
        description="A refund failed or was canceled: the customer does not have the money.",
    )
    DISPUTE_OPENED = strawberry.enum_value(
        Type.DISPUTE_OPENED.value, description="A customer's bank asks for money back. Deliver nothing more."
    )
    DISPUTE_CLOSED = strawberry.enum_value(
        Type.DISPUTE_CLOSED.value, description="A dispute was decided, for the shop or for the customer."
    )
    ATTENTION_NEEDED = strawberry.enum_value(
        Type.ATTENTION_NEEDED.value,
        description="A case was opened that only a person can decide: see `attention`.",
    )


@dataclass(frozen=True, slots=True)
class EventLoaders:
    orders: OrderLoader
    deliveries: DataLoader[UUID, Sequence[DeliveryView]]


@strawberry.enum(description="How the delivery of an event to an endpoint stands.")
class DeliveryStatus(Enum):
    DUE = strawberry.enum_value(
        Status.DUE.value, description="It is tried, or tried again at `dueAt`, for up to three days."
    )
    DELIVERED = strawberry.enum_value(
        Status.DELIVERED.value, description="The endpoint answered with a status from 200 to 299."
    )
    GIVEN_UP = strawberry.enum_value(
        Status.GIVEN_UP.value,
        description="It was tried for three days, or its endpoint was disabled. See `replayEvents`.",
    )


@strawberry.type(description="One event to one endpoint.")
class WebhookDelivery:
    id: strawberry.ID = strawberry.field(description="The delivery's id.")
    event: "Event" = strawberry.field(description="The event.")
    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint's id, for `webhookEndpoint`.")
    endpoint_url: str = strawberry.field(description="Where the endpoint is.")
    status: DeliveryStatus = strawberry.field(description="How it stands.")
    attempts: int = strawberry.field(description="How often it was tried.")
    last_http_status: int | None = strawberry.field(
        description="What the endpoint answered last; null when it did not answer."
    )
    last_error: str | None = strawberry.field(
        description="Why the last try failed, in words; null if it did not."
    )
    due_at: datetime | None = strawberry.field(description="When it is tried next; null once it is over.")
    delivered_at: datetime | None = strawberry.field(description="When the endpoint took it.")


@strawberry.type(
    description="Something that happened to an order. It says which, not how: ask for the order as it is now."
)
class Event:
    id: strawberry.ID = strawberry.field(
        description="The event's id, a webhook's `webhook-id`: the same however often it comes."
    )
    type: EventType = strawberry.field(description="What happened.")
    created_at: datetime = strawberry.field(description="When it happened.")
    order_id: strawberry.ID | None = strawberry.field(
        description="The order's id; null for a case that is about no order."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        description="The refund, dispute or case that it is about; null when it is about the order itself."
    )
    order_status: OrderStatus | None = strawberry.field(description="The order's status when it happened.")
    order_version: int | None = strawberry.field(description="The order's version when it happened.")
    order_revision: int | None = strawberry.field(
        description=(
            "The order's revision when the event was published: an answer whose `Order.revision` is the same or larger "
            "knows of the event, and of every event of the order before it. Null without an order, and for events of "
            "long ago."
        )
    )
    view: strawberry.Private[EventView]
    loaders: strawberry.Private[EventLoaders]

    @strawberry.field(
        description="The order as it is now. For merchants, and keys with ORDERS_READ or ORDERS_WRITE."
    )
    async def order(self, info: Info) -> Order | None:
        info.context.require(Permission.READ_ORDERS)
        known = self.view.order_id
        placed = await self.loaders.orders.load(known) if known else None
        return order_from(placed) if placed else None

    @strawberry.field(
        description=(
            "How it went to each webhook endpoint that asked for it, the oldest first. For merchants, and keys with "
            "WEBHOOKS_WRITE; null for others."
        )
    )
    async def deliveries(self, info: Info) -> list[WebhookDelivery] | None:
        if not info.context.require_principal().may(Permission.WRITE_WEBHOOKS):
            return None
        views = await self.loaders.deliveries.load(self.view.id)
        return [delivery_from(view, self.loaders) for view in views]


def event_loaders(info: Info) -> EventLoaders:
    """What the events of this field's answer name, read once for all of them."""
    load = info.context.use_cases.webhook_endpoints.deliveries_of
    return EventLoaders(shop_orders(info), DataLoader(load_fn=load))


@strawberry.type(description="An event with its place in the feed.")
class EventEdge:
    cursor: str = strawberry.field(description=CURSOR)
    node: Event = strawberry.field(description="The event.")


@strawberry.type(description="A page of events, oldest first.")
class EventConnection:
    edges: list[EventEdge] = strawberry.field(description=EDGES)
    nodes: list[Event] = strawberry.field(description=NODES)
    page_info: PageInfo = strawberry.field(description=PAGE_INFO)


Types = Annotated[
    list[EventType] | None,
    strawberry.argument(description="Only events of these types; all when left out or empty."),
]


@strawberry.type
class EventQuery:
    @strawberry.field(
        description=(
            "What happened to orders, oldest first, to be read on from `pageInfo.endCursor`: keep it when you have "
            "dealt with the page. No event is ever skipped; some come twice after a failover. Events are kept for a "
            "month unless the shop set another time. For merchants, and service keys with EVENTS_READ."
        )
    )
    async def events(
        self,
        info: Info,
        first: First = 100,
        after: After = UNSET,
        types: Types = UNSET,
        order_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only events of this order.")
        ] = UNSET,
    ) -> EventConnection:
        info.context.require(Permission.READ_EVENTS)
        place = place_read_by(read_feed_cursor, info.context, first, after)
        wanted = [Type[each.name] for each in types or ()]
        of_order = read_id(order_id) if isinstance(order_id, str) else None
        if isinstance(order_id, str) and of_order is None:
            raise bad_input("`orderId` is not the id of an order")
        feed = info.context.use_cases.event_feed
        page = await feed.page(first=first, after=place, types=wanted, order_id=of_order)
        loaders = event_loaders(info)
        edges = [EventEdge(cursor=str(view.cursor), node=event_from(view, loaders)) for view in page.items]
        return EventConnection(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=page_info(page, place),
        )


def event_from(view: EventView, loaders: EventLoaders) -> Event:
    return Event(
        id=strawberry.ID(str(view.id)),
        type=EventType[view.type.name],
        created_at=view.created_at,
        order_id=strawberry.ID(str(view.order_id)) if view.order_id else None,
        subject_id=strawberry.ID(view.subject_id) if view.subject_id else None,
        order_status=OrderStatus[view.status.name] if view.status else None,
        order_version=view.version,
        order_revision=view.revision,
        view=view,
        loaders=loaders,
    )


def delivery_from(view: DeliveryView, loaders: EventLoaders) -> WebhookDelivery:
    return WebhookDelivery(
        id=strawberry.ID(str(view.id)),
        event=event_from(view.event, loaders),
        endpoint_id=strawberry.ID(str(view.endpoint_id)),
        endpoint_url=view.endpoint_url,
        status=DeliveryStatus[view.status.name],
        attempts=view.attempts,
        last_http_status=view.last_http_status,
        last_error=view.last_error,
        due_at=view.due_at,
        delivered_at=view.delivered_at,
    )
