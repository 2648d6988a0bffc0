"""The schema, composed once at import: no settings, no environment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema, build_schema, lexicographic_sort_schema, print_schema
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.scalar import ScalarDefinition

from graph.serving.answers import log_errors, presentable
from graph.serving.introspection import introspect_in_turns
from graph.serving.lists import begin_turns_after_waits, charge_lists, read_attributes, remember_roots
from graph.serving.observing import begin_counting, observe_errors, observe_root_fields, observed_stream
from graph.serving.plain_entries import fill
from graph.serving.stages import Stages
from graph.types import (
    attention,
    cancellations_and_refunds,
    errors,
    orders,
    payments,
    products,
    service_keys,
    shop_orders,
    webhooks,
)
from graph.types.attention import AttentionMutation, AttentionQuery
from graph.types.cancellations_and_refunds import CancelAndRefundMutation
from graph.types.checkout_tokens import CheckoutTokenMutation
from graph.types.events import EventQuery
from graph.types.moments import DATE_TIME
from graph.types.money import SCALARS
from graph.types.money_moved import MoneyMovedQuery
from graph.types.nodes import NodeQuery
from graph.types.order_updates import Subscription
from graph.types.orders import OrderMutation, OrderQuery
from graph.types.payments import PaymentMutation, PaymentQuery
from graph.types.products import ProductMutation, ProductQuery
from graph.types.service_keys import ServiceKeyMutation, ServiceKeyQuery
from graph.types.shop_orders import ShopOrderMutation, ShopOrderQuery
from graph.types.users import UserQuery
from graph.types.webhooks import WebhookMutation, WebhookQuery


class ServedSchema(strawberry.Schema):
    @property
    def core(self) -> GraphQLSchema:
        """graphql-core's schema, to validate against and to wrap resolvers in. Strawberry has no public name for it."""
        return self._schema

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        return Stages(self.core, execution_context)

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        log_errors(errors, execution_context.operation_name if execution_context else None)
        context = execution_context.context if execution_context else None
        in_full = context is not None and context.introspection
        errors[:] = [presentable(error, in_full=in_full) for error in errors]
        observe_errors(errors)

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        *others: Any,
        **named: Any,
    ) -> ExecutionResult:
        result = await super().execute(query, variable_values, context_value, *others, **named)
        fill(result.data, context_value.spending.filled)
        return result

    async def stream(self, *arguments: Any, **named: Any) -> StreamResult:
        """What a socket asks for."""
        return observed_stream(self._results(*arguments, **named), named["context_value"])

    async def _results(self, *arguments: Any, **named: Any) -> StreamResult:
        """The results; of an operation that was refused unread, the error, which Strawberry would only log."""
        try:
            async for result in await super().stream(*arguments, **named):
                if isinstance(result, ExecutionResult):
                    fill(result.data, named["context_value"].spending.filled)
                yield result
        except GraphQLError as error:
            errors = [presentable(error, in_full=False)]
            observe_errors(errors)
            yield PreExecutionError(None, errors)


@strawberry.type(description="What can be asked.")
class Query(
    UserQuery,
    ProductQuery,
    OrderQuery,
    ShopOrderQuery,
    PaymentQuery,
    AttentionQuery,
    ServiceKeyQuery,
    NodeQuery,
    EventQuery,
    WebhookQuery,
    MoneyMovedQuery,
):
    pass


@strawberry.type(
    description=(
        "What can be done. Each field answers with a union: the thing itself, or a refusal that implements "
        "`UserError`. Only a missing token, bad input and our own faults are top-level errors."
    )
)
class Mutation(
    OrderMutation,
    ShopOrderMutation,
    PaymentMutation,
    CancelAndRefundMutation,
    AttentionMutation,
    CheckoutTokenMutation,
    ServiceKeyMutation,
    ProductMutation,
    WebhookMutation,
):
    pass


HANDLERS = (
    *errors.HANDLERS,
    *orders.HANDLERS,
    *products.HANDLERS,
    *payments.HANDLERS,
    *shop_orders.HANDLERS,
    *cancellations_and_refunds.HANDLERS,
    *attention.HANDLERS,
    *service_keys.HANDLERS,
    *webhooks.HANDLERS,
)


def composed(query: type, more_scalars: Mapping[object, ScalarDefinition] | None = None) -> ServedSchema:
    """The schema with this type as its Query. Its resolvers charge, remember and tell."""
    scalars: Any = {**SCALARS, datetime: DATE_TIME, **(more_scalars or {})}
    made = ServedSchema(
        query,
        Mutation,
        Subscription,
        config=StrawberryConfig(scalar_map=scalars, disable_field_suggestions=True),
        exception_handlers=[*HANDLERS],
    )
    read_attributes(made.core)
    begin_turns_after_waits(made.core)
    charge_lists(made.core)
    remember_roots(made.core)
    observe_root_fields(made.core)
    begin_counting(made.core)
    introspect_in_turns()
    return made


schema = composed(Query)


def sdl() -> str:
    """The schema as `schema.graphql` holds it, sorted. (Strawberry's own `sort_schema` loses its enums' values.)"""
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
