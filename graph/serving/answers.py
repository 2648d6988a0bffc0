"""Errors as clients may see them: their own mistakes with a code, ours masked."""

import re

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from runtime.database.database import DatabaseUnavailable
from services.identity.refusals import RateLimited

log = structlog.get_logger(__name__)

MASKED = "Something went wrong on our side. It has been logged."
AWAY = "Our database is away or too busy. Nothing was lost: the same operation may be repeated in a moment."
LONGEST_NAME = 200  # of what a client named, in our log
# graphql-core repeats a value that it can't read, and that value may be a secret.
_REPEATED = re.compile(r"(, found: |; found: |\. Did you mean |(?<=value): ).*", re.DOTALL)
_NO_ENUM_VALUE = re.compile(r"Value '.*' does not exist", re.DOTALL)


def is_ours(error: GraphQLError) -> bool:
    """Whether it is our fault. What a client got wrong has no path yet, or was given a code where it was raised."""
    if "code" in (error.extensions or {}) or _is_bad_argument(error):
        return False
    cause = error.original_error
    if isinstance(cause, RateLimited):
        return False
    return error.path is not None or (cause is not None and not isinstance(cause, GraphQLError))


def presentable(error: GraphQLError, *, in_full: bool) -> GraphQLError:
    """The error as clients may see it. Unless `in_full`, a value that doesn't fit is named by its place alone."""
    if is_ours(error):
        is_away = isinstance(error.original_error, DatabaseUnavailable)
        message, code = (AWAY, "SERVICE_UNAVAILABLE") if is_away else (MASKED, "INTERNAL_SERVER_ERROR")
        return GraphQLError(message, error.nodes, path=error.path, extensions={"code": code})
    if "code" in (error.extensions or {}):
        return error
    if isinstance(error.original_error, RateLimited):
        return rate_limited(error, error.original_error.retry_after)
    return mistake(error, code_of(error), None if in_full else place_of(error))


def rate_limited(error: GraphQLError, retry_after: int) -> GraphQLError:
    """A query that came too often; mutations have an answer of their own for it."""
    told = {"code": "RATE_LIMITED", "retryAfter": retry_after}
    message = f"Too many calls. Ask again in {retry_after} seconds."
    return GraphQLError(message, error.nodes, path=error.path, extensions=told)


def mistake(error: GraphQLError, code: str, message: str | None = None) -> GraphQLError:
    """A client's mistake, told without the value that it is about."""
    return GraphQLError(
        message or without_value(error),
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions={"code": code},
    )


def code_of(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    return "BAD_USER_INPUT" if _is_bad_input(error) else "GRAPHQL_VALIDATION_FAILED"


def without_value(error: GraphQLError) -> str:
    """The message without the value that it is about. A variable's name and place may stay."""
    about = error.original_error.message if isinstance(error.original_error, GraphQLError) else error.message
    place = error.message.removesuffix(about)
    return place + _REPEATED.sub("", _NO_ENUM_VALUE.sub("It does not exist", about))


def place_of(error: GraphQLError) -> str | None:
    """Where a value stands that doesn't fit, in the client's own words; what it should be names the schema's types."""
    if not isinstance(error.original_error, GraphQLError):
        return None
    place = error.message.removesuffix(error.original_error.message).rstrip(" :")
    return f"{place}." if place else "A value does not fit its type."


def log_errors(errors: list[GraphQLError], operation: str | None) -> None:
    """Our faults with their traceback, once; clients' mistakes are answered, not logged."""
    operation = operation[:LONGEST_NAME] if operation else None
    for error in errors:
        if isinstance(error.original_error, DatabaseUnavailable):
            log.warning("database away", operation=operation, reason=str(error.original_error))
        elif is_ours(error):
            log.error(
                "resolver failed",
                operation=operation,
                path=".".join(map(str, error.path or ()))[:LONGEST_NAME],
                exc_info=error.original_error,
            )


def _is_bad_input(error: GraphQLError) -> bool:
    """Whether a variable's value doesn't fit, which is found out when the operation begins."""
    return isinstance(error.original_error, GraphQLError) or error.message.startswith("Variable values")


def _is_bad_argument(error: GraphQLError) -> bool:
    """A null for an argument that must not be null, by way of a variable that may: found out by the field."""
    return isinstance(error.original_error, GraphQLError) and error.message.startswith("Argument '")
