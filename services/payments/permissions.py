"""Opens a case for a permission that the API key lacks, with Stripe's sentence, and closes it once it has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models.attention.tables import AttentionKind, AttentionSubject
from runtime.database.database import Database
from services.payments.attention import Case, close_case, open_case
from services.payments.intents import PermissionMissing, sentence_of

READ_REFUNDS, READ_DISPUTES = "read refunds", "read disputes"
REPORTED = frozenset({READ_REFUNDS, READ_DISPUTES})  # by the calls themselves, in `reporting_missing`


@asynccontextmanager
async def reporting_missing(database: Database, permission: str) -> AsyncIterator[None]:
    """A call to Stripe that needs `permission` stands in the block; what it raises goes on."""
    try:
        yield
    except PermissionMissing as error:
        await open_case(database, lacking(permission, error))
        raise
    await close_case(database, AttentionKind.KEY_LACKS_PERMISSION, permission)


def lacking(permission: str, error: PermissionMissing) -> Case:
    return Case(
        kind=AttentionKind.KEY_LACKS_PERMISSION,
        subject=AttentionSubject.NONE,
        subject_id=permission,
        message=(
            f"STRIPE_SECRET_KEY may not {permission}. Stripe says: {sentence_of(error)} Give the key this "
            "permission in Stripe's dashboard; docs/deploy.md lists all that it needs."
        ),
    )
