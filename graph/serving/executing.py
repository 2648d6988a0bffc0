"""Strawberry's schema, executing what comes over HTTP without its hooks for extensions: we have one, and know it.

Setting up the hooks for each operation took 35 of the 215 µs that a createPaymentIntent spends outside of SQL and
Stripe. Sockets take Strawberry's own way, with `Bounds` as an extension.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, execute
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from graph.serving.bounds import Judged, judged_operation

EVERY_TYPE = frozenset(OperationType)


# Strawberry's own, which it types as any predicate; asked seventeen times for a createPaymentIntent.
is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


class LeanSchema(strawberry.Schema):
    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Raises what Strawberry's own raises: for a missing text, an unknown name, a type that is not allowed."""
        operation = self._create_execution_context(
            query, EVERY_TYPE, context_value=context_value, operation_name=operation_name
        )
        try:
            judged = judged_operation(
                self._schema, query, operation_name, context_value, operation_extensions
            )
        except GraphQLError as error:
            return self._answer(None, [error], operation)
        if context_value.spending.is_turn_over():  # the text was long, and new
            await asyncio.sleep(0)
        self._check_type(judged, operation_name, allowed_operation_types or EVERY_TYPE)
        operation.graphql_document = judged.document
        if judged.errors:
            return self._answer(None, list(judged.errors), operation)
        found = execute(
            self._schema,
            judged.document,
            root_value,
            context_value,
            variable_values,
            operation_name,
            is_awaitable=is_awaitable,
            executor_class=self.execution_context_class,
            operation_extensions=operation_extensions,
        )
        result: CoreResult = await found if isawaitable(found) else found
        return self._answer(result.data, result.errors, operation)

    def _check_type(self, judged: Judged, name: str | None, allowed: Iterable[OperationType]) -> None:
        kind = next(iter(judged.types.values()), None) if name is None else judged.types.get(name)
        if kind is None:
            raise CannotGetOperationTypeError(name)
        if kind not in allowed:
            raise InvalidOperationTypeError(kind)

    def _answer(
        self, data: dict[str, Any] | None, errors: list[GraphQLError] | None, operation: ExecutionContext
    ) -> ExecutionResult:
        if errors:
            self.process_errors(errors, operation)
        return ExecutionResult(data=data, errors=errors)
