"""What an endpoint is handed: the parameters of one call and who makes it."""

from dataclasses import dataclass

from sandbox.account.store import Table, Window
from sandbox.http.answers import Object
from sandbox.http.errors import invalid
from sandbox.http.parameters import Parameters
from sandbox.http.versions import ACCOUNT_DEFAULT

PAGING = frozenset(("created", "ending_before", "expand", "limit", "starting_after"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`id` is the object named in the path, `inner` a second one.

    `publishable` callers are browsers that know one client secret.
    """

    params: Parameters
    id: str = ""
    inner: str = ""
    publishable: bool = False
    version: str = ACCOUNT_DEFAULT
    base_url: str = "http://sandbox.invalid"


def window(params: Parameters) -> Window:
    """`limit`, the cursors and `created` (a second, or gt/gte/lt/lte): https://docs.stripe.com/api/pagination."""
    after, before = params.text("starting_after"), params.text("ending_before")
    if after is not None and before is not None:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")
    since, until = _created(params)
    limit = params.integer("limit", least=1, most=100)
    return Window(
        since=since,
        until=until,
        starting_after=after,
        ending_before=before,
        limit=10 if limit is None else limit,
    )


def _created(params: Parameters) -> tuple[int | None, int | None]:
    if not isinstance(params.tree.get("created"), dict):
        second = params.integer("created", least=0)
        return second, second
    inside = params.inside("created") or Parameters({})
    inside.allow_only(("gt", "gte", "lt", "lte"))
    lows = (inside.integer("gte"), _shifted(inside.integer("gt"), 1))
    highs = (inside.integer("lte"), _shifted(inside.integer("lt"), -1))
    return (
        max((low for low in lows if low is not None), default=None),
        min((high for high in highs if high is not None), default=None),
    )


def _shifted(second: int | None, by: int) -> int | None:
    return None if second is None else second + by


def listed(table: Table, call: Call, url: str, filters: tuple[str, ...] = ()) -> Object:
    """A page of a table, newest first, narrowed by the equality filters that were sent."""
    call.params.allow_only(PAGING | frozenset(filters))
    sent = {name: call.params.text(name) for name in filters}
    where = {name: value for name, value in sent.items() if value is not None}
    found, has_more = table.page(window(call.params), where, _not_deleted)
    return list_object(found, has_more, url)


def _not_deleted(value: Object) -> bool:
    return not value.get("deleted")


def list_object(found: list[Object], has_more: bool, url: str) -> Object:
    return {"object": "list", "data": found, "has_more": has_more, "url": url}
