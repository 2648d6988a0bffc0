"""Whose an intent is. A Stripe account is rarely one shop's alone: what is another's does not exist for us.

An intent with an installation's id belongs to that installation. One without an id (from before there were ids, or of
another application) is ours only if a payment of ours knows it: by the intent's id, or, while Stripe's answer to our
call is unknown, by the payment and its order together. Other UUIDs in metadata mean nothing.
"""

from collections.abc import Sequence

from models.payments.installation import KNOWN_PAYMENTS, UNKNOWN_INTENT, KnownPaymentRow
from runtime.database.database import Database
from services.payments.intents import IntentMarks

Seen = tuple[str, IntentMarks]  # an intent's id, and what its metadata says


class Ownership:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def states(self, seen: Sequence[Seen]) -> dict[str, str | None]:
        """The intents that are ours, each with its payment's state, None without a payment; one statement."""
        if not seen:
            return {}
        rows = await self._database.rows(
            KNOWN_PAYMENTS,
            {
                "intent_ids": [intent_id for intent_id, _ in seen],
                "payment_ids": [marks.payment_id for _, marks in seen if marks.payment_id],
            },
        )
        states = {row.intent_id: row.state for row in rows if row.intent_id}
        return {
            intent_id: states.get(intent_id) for intent_id, marks in seen if is_ours(intent_id, marks, rows)
        }

    async def is_ours(self, intent_id: str, marks: IntentMarks) -> bool:
        return bool(await self.states([(intent_id, marks)]))


def is_ours(intent_id: str, marks: IntentMarks, rows: Sequence[KnownPaymentRow]) -> bool:
    """`rows` are those of KNOWN_PAYMENTS."""
    if marks.installation_id is not None:
        return marks.installation_id in rows[0].own_ids
    return any(
        row.intent_id == intent_id
        or (
            row.payment_id is not None
            and (row.payment_id, row.order_id) == (marks.payment_id, marks.order_id)
            and row.state in UNKNOWN_INTENT
        )
        for row in rows
    )
