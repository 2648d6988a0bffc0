"""What an operation may cost; the same over HTTP and WebSocket. Judged before anything is executed."""

from collections.abc import Iterator
from typing import Any

from graphql import ASTValidationRule, GraphQLError, NoSchemaIntrospectionCustomRule, ValidationRule
from graphql.language import DirectiveNode, FieldNode, OperationDefinitionNode, OperationType
from strawberry.extensions import MaxAliasesLimiter, QueryDepthLimiter, SchemaExtension

MOST_TOKENS = 2_000
MOST_ALIASES = 20
MOST_DIRECTIVES = 30
DEEPEST = 12


class OneRootFieldPerMutation(ValidationRule):
    """One request moves money for one order: two hundred aliased mutations are one attack."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        if node.operation is not OperationType.MUTATION:
            return
        fields = [s for s in node.selection_set.selections if not _is_typename(s)]
        if len(fields) != 1 or not isinstance(fields[0], FieldNode):
            self.report_error(GraphQLError("A mutation has one root field, outside of fragments.", node))


class FewDirectives(ValidationRule):
    """Directives cost before they are found to be unknown."""

    seen = 0

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.seen += 1
        if self.seen == MOST_DIRECTIVES + 1:
            self.report_error(GraphQLError(f"{MOST_DIRECTIVES} directives are enough.", node))


# Made once: the validation cache knows a rule by its class.
RULES: tuple[type[ASTValidationRule], ...] = (
    OneRootFieldPerMutation,
    FewDirectives,
    *MaxAliasesLimiter(MOST_ALIASES).validation_rules,
    *QueryDepthLimiter(DEEPEST).validation_rules,
)


class Bounds(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        operation = self.execution_context
        operation.query = operation.context.documents.resolve(operation.query, operation.operation_extensions)
        operation.parse_options["max_tokens"] = MOST_TOKENS
        operation.validation_rules += RULES
        if not operation.context.introspection:
            operation.validation_rules += (NoSchemaIntrospectionCustomRule,)
        yield


def _is_typename(selection: object) -> bool:
    return isinstance(selection, FieldNode) and selection.name.value == "__typename"
