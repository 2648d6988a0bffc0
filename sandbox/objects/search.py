"""`GET /v1/payment_intents/search`: https://docs.stripe.com/search. It is exact and at once; Stripe's lags a minute."""

import re
from collections.abc import Callable

from sandbox.account.account import Account
from sandbox.http.answers import Object
from sandbox.http.calls import Call
from sandbox.http.errors import StripeError, invalid

_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_]+)(?:\[(?P<q>["'])(?P<key>[^"']+)(?P=q)\])?\s*"""
    r"""(?P<op>:|~|>=|<=|>|<)\s*(?P<value>"[^"]*"|'[^']*'|-?\d+|null)\s*"""
)
# A quoted text, which is passed over whatever stands in it, or what joins two clauses.
_JOINED = re.compile(r""""[^"]*"|'[^']*'|\s+(?P<join>AND|OR)\s+""", re.IGNORECASE)
_TEXTS = ("status", "currency", "customer", "metadata")
_NUMBERS = ("amount", "created")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
}


def search_intents(account: Account, call: Call) -> Object:
    """Newest first. Other applications' intents, which are not stored, are not found."""
    params = call.params
    params.allow_only(("expand", "limit", "page", "query"))
    matches = _query(params.required("query"))
    limit = params.integer("limit", least=1, most=100) or 10
    start = _start(params.text("page"))
    found = [intent for intent in reversed(list(account.payment_intents)) if matches(intent)]
    more = len(found) > start + limit
    return {
        "object": "search_result",
        "data": found[start : start + limit],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": "/v1/payment_intents/search",
    }


def _start(page: str | None) -> int:
    if page is not None and not page.isdigit():
        raise invalid("The page token provided is invalid or expired.", param="page")
    return int(page or 0)


def _query(text: str) -> Callable[[Object], bool]:
    found = [match for match in _JOINED.finditer(text) if match["join"]]
    joins = {match["join"].upper() for match in found}
    if len(joins) > 1:
        raise _unreadable("AND and OR can't be combined in one query")
    starts, ends = [0, *(match.end() for match in found)], [*(match.start() for match in found), len(text)]
    clauses = [_clause(text[start:end]) for start, end in zip(starts, ends, strict=True)]
    every = any if joins == {"OR"} else all
    return lambda intent: every(clause(intent) for clause in clauses)


def _clause(text: str) -> Callable[[Object], bool]:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise _unreadable(f"we can't read {text.strip()!r}")
    field, key, op, value = match["field"], match["key"], match["op"], match["value"].strip("\"'")
    if field in _NUMBERS and op in _COMPARE and re.fullmatch(r"-?\d+", value):
        compare, number = _COMPARE[op], int(value)
        found: Callable[[Object], bool] = lambda intent: compare(intent[field], number)  # noqa: E731
    elif field in _TEXTS and op in (":", "~") and (key is None) == (field != "metadata"):
        found = _text_clause(field, key, op, None if match["value"] == "null" else value)
    else:
        raise _unreadable(f"{field} can't be searched so; fields are {', '.join((*_TEXTS, *_NUMBERS))}")
    return (lambda intent: not found(intent)) if match["not"] else found


def _text_clause(field: str, key: str | None, op: str, value: str | None) -> Callable[[Object], bool]:
    def found(intent: Object) -> bool:
        has = intent[field] if key is None else intent[field].get(key)
        if value is None or has is None:
            return value is None and has is None
        return value.lower() in str(has).lower() if op == "~" else str(has).lower() == value.lower()

    return found


def _unreadable(why: str) -> StripeError:
    return invalid(
        f"We were unable to parse your search query: {why}. See https://docs.stripe.com/search", param="query"
    )
