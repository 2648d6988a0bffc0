"""The stages of an operation in Strawberry: it is checked at the first, and no other has anything to do.

Strawberry's own runner looks for the hooks of every extension at every stage of each operation. That is a tenth of
what a createPaymentIntent costs, and would find only this one.
"""

from types import TracebackType
from typing import Any

from graphql import GraphQLSchema
from strawberry.extensions.context import (
    ExecutingContextManager,
    ExtensionContextManagerBase,
    OperationContextManager,
    ParsingContextManager,
    ValidationContextManager,
)
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext

from graph.serving.bounds import checked_operation


class _NoHooks(ExtensionContextManagerBase):
    """A stage without hooks; it keeps nothing, so that all operations share it."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        pass


class _Checking(_NoHooks, OperationContextManager):
    """Parses and validates, within bounds and once for each text; Strawberry then finds both done."""

    def __init__(self, schema: GraphQLSchema, operation: ExecutionContext) -> None:
        self._core = schema
        self._operation = operation

    async def __aenter__(self) -> None:
        """Raises the `GraphQLError` of what can't be executed."""
        operation = self._operation
        if not operation.query and not operation.operation_extensions:
            return  # Strawberry raises its `MissingQueryError`
        # As long as nothing is parsed this is the name that the client sent; afterwards the first one's otherwise.
        name = operation.operation_name
        checked = await checked_operation(
            self._core,
            operation.query,
            name,
            operation.context,
            operation.variables,
            operation.operation_extensions,
        )
        operation.graphql_document = checked.document
        operation.pre_execution_errors = list(checked.errors)


class _Parsing(_NoHooks, ParsingContextManager):
    pass


class _Validation(_NoHooks, ValidationContextManager):
    pass


class _Executing(_NoHooks, ExecutingContextManager):
    pass


PARSING, VALIDATION, EXECUTING = _Parsing([]), _Validation([]), _Executing([])


class Stages(SchemaExtensionsRunner):
    """Strawberry's runner of extensions, for a schema that has none."""

    def __init__(self, schema: GraphQLSchema, operation: ExecutionContext) -> None:
        super().__init__(operation, [])
        self._core = schema

    def operation(self) -> OperationContextManager:
        return _Checking(self._core, self.execution_context)

    def parsing(self) -> ParsingContextManager:
        return PARSING

    def validation(self) -> ValidationContextManager:
        return VALIDATION

    def executing(self) -> ExecutingContextManager:
        return EXECUTING

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:
        return {}
