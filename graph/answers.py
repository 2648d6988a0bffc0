"""Errors as clients may see them: their own mistakes with a code, ours masked."""

import re

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

log = structlog.get_logger(__name__)

MASKED = "Something went wrong on our side. It has been logged."
# graphql-core repeats the value of a variable it can't read, and that value may be a secret.
_ECHOED_VALUE = re.compile(
    r"(got invalid value|got invalid value:|cannot represent[^:]*:) .*?(?=; |$)", re.DOTALL
)


def is_ours(error: GraphQLError) -> bool:
    """Whether it is our fault. What a client got wrong has no path yet, or was given a code where it was raised."""
    if "code" in (error.extensions or {}):
        return False
    cause = error.original_error
    return error.path is not None or (cause is not None and not isinstance(cause, GraphQLError))


def presentable(error: GraphQLError) -> GraphQLError:
    if is_ours(error):
        return GraphQLError(
            MASKED, error.nodes, path=error.path, extensions={"code": "INTERNAL_SERVER_ERROR"}
        )
    if "code" not in (error.extensions or {}):
        error.extensions = {**(error.extensions or {}), "code": code_of(error)}
        error.message = _ECHOED_VALUE.sub(r"\1", error.message)
    return error


def code_of(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    return "BAD_USER_INPUT" if error.message.startswith("Variable '") else "GRAPHQL_VALIDATION_FAILED"


def log_errors(errors: list[GraphQLError], operation: str | None) -> None:
    """Our faults with their traceback, once; clients' mistakes are answered, not logged."""
    for error in errors:
        if is_ours(error):
            log.error(
                "resolver failed",
                operation=operation,
                path=".".join(map(str, error.path or ())),
                exc_info=error.original_error,
            )
