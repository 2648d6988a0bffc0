"""The shop's webhook endpoints: created, given another secret, switched on and off, sent again what was sent before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from models.attention.tables import AttentionKind
from models.shop_events.statements import LAST_BEFORE, LAST_POSITION
from models.shop_events.tables import EventType
from models.webhooks.deliveries import DELIVERIES_OF_EVENTS, DeliveryRow, deliveries
from models.webhooks.endpoints import (
    ADD_ENDPOINT,
    BEGIN_REPLAY,
    COUNT_ENABLED,
    DISABLE,
    ENABLE,
    ENDPOINT,
    ENDPOINTS,
    ROTATE_SECRET,
    TAKE_ENDPOINTS,
    EndpointRow,
)
from models.webhooks.tables import DeliveryStatus
from runtime.database.database import Database, Transaction
from runtime.pages import Cursor, Page, check_size, page_of
from services.identity.principal import Principal
from services.identity.refusals import Refusal
from services.notifications.event_feed import EventView, event_from
from services.notifications.publishing import publish_events
from services.notifications.webhook_addresses import AddressRules, ForbiddenAddress, read_url
from services.notifications.webhook_message import new_secret, secret_as_told
from services.payments.attention import close_case

MOST_ENABLED = 20
TO_PUBLISH = 5.0  # seconds that a replay has for what is not published yet; the rest of it comes as new
BOTH_SECRETS = timedelta(hours=24)
SWITCHED_OFF = "It was switched off with setWebhookEndpointEnabled."

log = structlog.get_logger(__name__)


@dataclass
class InvalidWebhookEndpoint(Refusal):
    """`reason` is a part of a sentence, fit for clients."""

    reason: str


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as it may be shown: without its secrets."""

    id: UUID
    url: str
    types: tuple[EventType, ...]
    failing_since: datetime | None
    disabled_because: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """`due_at` is None once it is over."""

    id: UUID
    endpoint_id: UUID
    endpoint_url: str
    event: EventView
    status: DeliveryStatus
    attempts: int
    last_http_status: int | None
    last_error: str | None
    due_at: datetime | None
    delivered_at: datetime | None
    began_at: datetime

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.began_at, self.id)


class WebhookEndpoints:
    def __init__(self, database: Database, rules: AddressRules) -> None:
        self._database = database
        self._rules = rules

    async def create(
        self, by: Principal, url: str, types: Sequence[EventType] | None
    ) -> tuple[EndpointView, str]:
        """A new endpoint and its secret, which is told this once; raises `InvalidWebhookEndpoint`."""
        try:
            address = str(read_url(url, self._rules))
        except ForbiddenAddress as error:
            raise InvalidWebhookEndpoint(str(error)) from None
        if types is not None and not types:
            raise InvalidWebhookEndpoint("it asks for no type of event; leave `types` out for all")
        secret, endpoint_id = new_secret(), uuid4()
        values = {
            "id": endpoint_id,
            "url": address,
            "types": None if types is None else [each.value for each in EventType if each in types],
            "signing_key": secret,
            "created_by": by.id,
        }

        async def write(transaction: Transaction) -> EndpointRow | None:
            await _check_room(transaction, endpoint_id)
            return await transaction.row(ADD_ENDPOINT, values)

        row = await self._database.transaction(write)
        if row is None:
            raise InvalidWebhookEndpoint(
                "there is an endpoint with this address already: enable it, or give it a new secret"
            )
        log.info("webhook endpoint created", endpoint=str(row.id), by=by.id)
        return view_from(row), secret_as_told(secret)

    async def rotate_secret(self, by: Principal, endpoint_id: UUID) -> tuple[EndpointView, str]:
        """A new secret, told this once. For `BOTH_SECRETS` the old one signs too, whatever came in between."""
        secret = new_secret()
        values = {"of_endpoint": endpoint_id, "new_key": secret, "both_for": BOTH_SECRETS}
        row = await self._database.row(ROTATE_SECRET, values)
        if row is None:
            raise unknown()
        log.info("webhook secret rotated", endpoint=str(row.id), by=by.id)
        return view_from(row), secret_as_told(secret)

    async def set_enabled(self, by: Principal, endpoint_id: UUID, *, enabled: bool) -> EndpointView:
        """What is due to one that is switched off is given up; switched on, it gets what happens from now on."""
        if enabled:
            await self._enable(endpoint_id)
        else:
            await self._database.rows(DISABLE, {"of_endpoint": endpoint_id, "because": SWITCHED_OFF})
        found = await self.get(endpoint_id)
        switched = "webhook endpoint enabled" if enabled else "webhook endpoint disabled"
        log.info(switched, endpoint=str(endpoint_id), by=by.id)
        return found

    async def _enable(self, endpoint_id: UUID) -> None:
        async def write(transaction: Transaction) -> None:
            await _check_room(transaction, endpoint_id)
            await transaction.rows(ENABLE, {"of_endpoint": endpoint_id})
            await close_case(transaction, AttentionKind.WEBHOOK_DISABLED, str(endpoint_id))

        await self._database.transaction(write)

    async def replay(self, by: Principal, endpoint_id: UUID, since: datetime) -> EndpointView:
        """Send again what was published since then, the oldest first; it is put in line in small steps."""
        await publish_events(self._database, patience=TO_PUBLISH)
        before = await self._database.row(LAST_BEFORE, {"moment": since})
        last = await self._database.row(LAST_POSITION)
        values = {
            "of_endpoint": endpoint_id,
            "after": before.position if before else 0,
            "until": last.position if last else 0,
        }
        row = await self._database.row(BEGIN_REPLAY, values)
        if row is None:
            await self.get(endpoint_id)
            raise InvalidWebhookEndpoint("it is disabled: enable it first")
        log.info("webhook events replayed", endpoint=str(row.id), since=since.isoformat(), by=by.id)
        return view_from(row)

    async def find(self, endpoint_id: UUID) -> EndpointView | None:
        row = await self._database.row(ENDPOINT, {"of_endpoint": endpoint_id})
        return view_from(row) if row else None

    async def get(self, endpoint_id: UUID) -> EndpointView:
        view = await self.find(endpoint_id)
        if view is None:
            raise unknown()
        return view

    async def deliveries_of(self, events: Sequence[UUID]) -> Sequence[Sequence[DeliveryView]]:
        """For each of these events its deliveries, the oldest first."""
        found: dict[UUID, list[DeliveryView]] = {event: [] for event in events}
        for row in await self._database.rows(DELIVERIES_OF_EVENTS, {"events": [*found]}):
            found[row.id].append(_delivery_from(row))
        return [found[event] for event in events]

    async def list(self) -> list[EndpointView]:
        """Those that are enabled first, of both the newest; disabled ones of long ago are left out."""
        return [view_from(row) for row in await self._database.rows(ENDPOINTS)]

    async def deliveries(
        self, endpoint_id: UUID, *, first: int, after: Cursor | None, status: DeliveryStatus | None
    ) -> Page[DeliveryView]:
        """The newest first; raises `InvalidPage`."""
        parameters: dict[str, Any] = {"of_endpoint": endpoint_id, "limit": check_size(first) + 1}
        if status is not None:
            parameters["status"] = status.value
        if after is not None:
            parameters |= {"before": after.created_at, "before_id": after.id}
        statement = deliveries(of_status=status is not None, older=after is not None)
        rows = await self._database.rows(statement, parameters)
        return page_of([_delivery_from(row) for row in rows], first)


async def _check_room(transaction: Transaction, endpoint_id: UUID) -> None:
    """For one that is to be enabled; others wait until this transaction is over."""
    await transaction.rows(TAKE_ENDPOINTS)
    if (await transaction.one(COUNT_ENABLED, {"besides": endpoint_id})).enabled >= MOST_ENABLED:
        raise InvalidWebhookEndpoint(f"{MOST_ENABLED} endpoints are enabled already; disable some")


def unknown() -> InvalidWebhookEndpoint:
    return InvalidWebhookEndpoint("there is no such endpoint")


def view_from(row: EndpointRow) -> EndpointView:
    return EndpointView(
        id=row.id,
        url=row.url,
        types=tuple(EventType) if row.types is None else tuple(map(EventType, row.types)),
        failing_since=row.failing_since,
        disabled_because=row.disabled_because,
        created_at=row.created_at,
    )


def _delivery_from(row: DeliveryRow) -> DeliveryView:
    status = DeliveryStatus(row.status)
    return DeliveryView(
        id=row.delivery_id,
        endpoint_id=row.endpoint_id,
        endpoint_url=row.endpoint_url,
        event=event_from(row),
        status=status,
        attempts=row.attempts,
        last_http_status=row.last_http_status,
        last_error=row.last_error,
        due_at=row.due_at if status is DeliveryStatus.DUE else None,
        delivered_at=row.delivered_at,
        began_at=row.began_at,
    )
