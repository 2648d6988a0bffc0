"""Errors as clients may see them: their own mistakes with a code, ours masked."""

import re
from collections.abc import Iterator

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import SchemaExtension

log = structlog.get_logger(__name__)

MASKED = "Something went wrong on our side. It has been logged."
# graphql-core repeats the value of a variable it can't read, and that value may be a secret.
_ECHOED_VALUE = re.compile(
    r"(got invalid value|got invalid value:|cannot represent[^:]*:) .*?(?=; |$)", re.DOTALL
)


class Answers(SchemaExtension):
    """Rewrites the errors of a result that is ready, whichever way it is sent."""

    def on_operation(self) -> Iterator[None]:
        yield
        result = self.execution_context.result
        errors = getattr(result, "errors", None)
        if errors:
            result.errors = [presentable(error) for error in errors]  # type: ignore[union-attr]


def is_ours(error: GraphQLError) -> bool:
    """Whether it is our fault, and not what the client asked for."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, GraphQLError)


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
