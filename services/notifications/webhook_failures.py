"""What becomes of a delivery that was not taken: tried again, given up after three days, its endpoint disabled."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from yarl import URL

from models.attention.tables import AttentionKind, AttentionSubject
from models.webhooks.deliveries import (
    GIVE_UP,
    LOCK_ENDPOINT,
    POSTPONE,
    DueDelivery,
    FailingEndpoint,
)
from models.webhooks.endpoints import (
    DISABLE,
)
from runtime.database.database import Database, Transaction
from services.notifications.metrics import DeliveryResult
from services.notifications.webhook_sender import Answer
from services.payments.attention import Case, open_case

TRIED_FOR = timedelta(days=3)
DEAD_AFTER = timedelta(days=1)  # without anything taken, when a delivery is given up
# Seconds between tries; the last one for all that follow. Each is drawn from 80 to 120 % of it, so that the tries of
# one outage don't come back together.
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800, 36_000, 43_200)

log = structlog.get_logger(__name__)


class WebhookFailures:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, endpoint_id: UUID, delivery: DueDelivery, answer: Answer) -> DeliveryResult:
        """`delivery` is a row of `TAKE_DUE`."""
        values = {
            "of_endpoint": endpoint_id,
            "delivery_id": delivery.delivery_id,
            "attempt": delivery.attempts,
            "first_due": delivery.began_at,
            "http_status": answer.http_status,
            "error": answer.error,
        }
        pause = pause_after(delivery.attempts)
        if not answer.is_gone and timedelta(seconds=delivery.age) + pause < TRIED_FOR:
            await self._database.rows(POSTPONE, {**values, "pause": pause})
            return DeliveryResult.FAILED

        async def give_up(transaction: Transaction) -> None:
            await _give_up(transaction, values, answer)

        await self._database.transaction(give_up)
        return DeliveryResult.GIVEN_UP


def pause_after(attempts: int) -> timedelta:
    """Before the next try, once so many were made."""
    seconds = PAUSES[min(attempts, len(PAUSES)) - 1]
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  no secret  # nosec B311


async def _give_up(transaction: Transaction, values: dict[str, Any], answer: Answer) -> None:
    """The endpoint is disabled too if it is gone, or took nothing for long; either opens a case."""
    endpoint_id = values["of_endpoint"]
    endpoint = await transaction.row(LOCK_ENDPOINT, {"of_endpoint": endpoint_id, "dead_after": DEAD_AFTER})
    if endpoint is None or await transaction.row(GIVE_UP, values) is None:  # it was sent again meanwhile
        return
    error = answer.error or ""
    if not answer.is_gone and not endpoint.is_dead:
        log.warning("webhook given up", endpoint=str(endpoint_id), delivery=str(values["delivery_id"]))
        await open_case(transaction, given_up(endpoint_id, endpoint.url, error))
        return
    because = f"It took no event any more: {error}."
    if await transaction.row(DISABLE, {"of_endpoint": endpoint_id, "because": because}):
        await open_case(transaction, disabled(endpoint_id, endpoint, error))


def disabled(endpoint_id: UUID, endpoint: FailingEndpoint, error: str) -> Case:
    since = f" since {endpoint.failing_since.isoformat(timespec='minutes')}" if endpoint.failing_since else ""
    return _case(
        str(endpoint_id),
        f"The webhook endpoint {named(endpoint_id, endpoint.url)} took no event{since} ({error}) and is disabled: it "
        "gets none any more. Repair it, enable it with `setWebhookEndpointEnabled`, and have what it missed sent again "
        "with `replayEvents`.",
    )


def given_up(endpoint_id: UUID, url: str, error: str) -> Case:
    return _case(
        f"{endpoint_id} given up",
        f"The webhook endpoint {named(endpoint_id, url)} did not take an event for three days, though it took others "
        f"({error}). See its `deliveries` with the status GIVEN_UP. Repair it, have them sent again with "
        "`replayEvents`, and close this case.",
    )


def named(endpoint_id: UUID, url: str) -> str:
    """For people and logs: what stands behind the host may be a secret."""
    return f"{endpoint_id} at {URL(url).host}"


def _case(subject_id: str, message: str) -> Case:
    return Case(
        kind=AttentionKind.WEBHOOK_DISABLED,
        subject=AttentionSubject.NONE,
        subject_id=subject_id,
        message=message,
    )
