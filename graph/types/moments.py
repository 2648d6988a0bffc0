"""Moments as clients send and read them."""

from datetime import UTC, datetime

import strawberry

# Both ends are far from what PostgreSQL, Python and JavaScript can hold, whichever zone they are told in.
FIRST_YEAR, LAST_YEAR = 1970, 2999


def in_utc(moment: datetime) -> datetime:
    """A moment that was given without a time zone is one in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(value: object) -> datetime:
    """Raises ValueError, without what was given: it may stand in the wrong place, and be a secret."""
    try:
        # RFC 3339 has the letters T and Z in either case.
        found = datetime.fromisoformat(value.upper()) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"DateTime is a moment between {FIRST_YEAR} and {LAST_YEAR}: 2026-11-26T12:00:00Z")
    return found


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description=(
        f"A moment as in ISO 8601, with its zone: `2026-11-26T12:00:00Z`. Between {FIRST_YEAR} and {LAST_YEAR}."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=datetime.isoformat,
    parse_value=_moment,
)
