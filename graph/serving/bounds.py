"""What an operation may cost; the same over HTTP and WebSocket. Judged before anything is executed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType as OperationKind

from graph.serving.answers import mistake, without_value
from graph.serving.documents import Documents

MOST_TOKENS = (
    1_000  # five times an introspection; the worst such text takes a quarter of a second to validate
)
MOST_ALIASES = 20
MOST_DIRECTIVES = 30
MOST_REPEATED = 20  # fields asked for once more beside themselves
DEEPEST = 12  # fields within fields
MOST_REMEMBERED = 128  # operations
MOST_ENTRIES = 200  # of all pages that one operation asks for
MOST_ITEMS = 3_000  # of all orders that one operation looks into: about half a second of work

# Where the schema is nobody's to ask for, it isn't told piece by piece to those who guess at its names either.
UNFIT = (
    "The operation does not fit the schema. What is wrong stands in the server's log; clients are told where "
    "INTROSPECTION is on."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """An operation's text, parsed, the type of each operation in it by name, and what is wrong with it."""

    document: DocumentNode
    types: Mapping[str | None, OperationKind]
    errors: tuple[GraphQLError, ...]


@dataclass(slots=True)
class Spending:
    """What one operation has asked for so far, all its aliases together."""

    entries: int = 0
    items: int = 0

    def list_entries(self, count: int) -> None:
        self.entries += count
        if self.entries > MOST_ENTRIES:
            raise _bad_input(
                f"An operation lists at most {MOST_ENTRIES} entries in all: ask for smaller pages."
            )

    def list_items(self, count: int) -> None:
        self.items += count
        if self.items > MOST_ITEMS:
            raise _bad_input(f"An operation reads at most {MOST_ITEMS} order items: ask for fewer orders.")


class Bounds(SchemaExtension):
    """Parses and validates, within bounds and once for each text; Strawberry then finds both done."""

    def on_operation(self) -> Iterator[None]:
        operation = self.execution_context
        extensions = operation.operation_extensions
        if operation.query or extensions:
            name = operation._provided_operation_name  # noqa: SLF001  its public name falls back on the first
            core = operation.schema._schema  # noqa: SLF001  graphql-core's; Strawberry has no other name for it
            judged = judged_operation(core, operation.query, name, operation.context, extensions)
            operation.graphql_document = judged.document
            operation.pre_execution_errors = list(judged.errors)
        yield


class Bounded(Protocol):
    """What judging needs of the context of an operation."""

    spending: Spending
    documents: Documents
    introspection: bool


def judged_operation(
    schema: GraphQLSchema,
    query: str | None,
    name: str | None,
    context: Bounded,
    extensions: Mapping[str, Any] | None,
) -> Judged:
    """What is to be executed, with nothing spent yet; raises the `GraphQLError` of what can't be."""
    context.spending = Spending()
    text = context.documents.resolve(query, extensions)
    if not text:
        raise MissingQueryError
    judged = judge(schema, text, introspection=context.introspection)
    if name is None and len(judged.types) > 1:
        raise _bad_input("The document has several operations: say which by `operationName`.")
    return judged


@lru_cache(MOST_REMEMBERED)
def judge(schema: GraphQLSchema, text: str, *, introspection: bool) -> Judged:
    """Parse and validate; raises the `GraphQLError` of a text that can't be parsed."""
    document = parse(text, max_tokens=MOST_TOKENS)
    # The bounds come first: validating what exceeds them is the cost they are there to spare.
    errors = [GraphQLError(sentence) for sentence in exceeded(document)]
    if not errors:
        rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        errors = validate(schema, document, rules, hide_suggestions=True)
        if errors and not introspection:
            log.info("operation unfit", mistakes=told(errors))
            errors = [GraphQLError(UNFIT)]
    mistakes = tuple(mistake(error, "GRAPHQL_VALIDATION_FAILED") for error in errors)
    operations = operations_of(document)
    types = {
        each.name.value if each.name else None: OperationKind(each.operation.value) for each in operations
    }
    return Judged(document, types, mistakes)


def told(errors: list[GraphQLError]) -> list[str]:
    """The first mistakes as our log has them: their names are the client's, and may be long."""
    return [without_value(error)[:200] for error in errors[:3]]


def exceeded(document: DocumentNode) -> Iterator[str]:
    """A sentence for each bound that the document exceeds."""
    if directives_of(document) > MOST_DIRECTIVES:
        yield f"An operation has at most {MOST_DIRECTIVES} directives."
    tally = _Tally({d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)})
    for operation in operations_of(document):
        size = tally.of(operation.selection_set)
        if size.depth > DEEPEST:
            yield f"An operation is at most {DEEPEST} fields deep."
        if size.aliases > MOST_ALIASES:
            yield f"An operation has at most {MOST_ALIASES} aliases, those in fragments counted each time."
        if size.repeated > MOST_REPEATED:
            yield f"An operation repeats at most {MOST_REPEATED} fields."
        # One request moves money for one order: two hundred aliased mutations are one attack.
        if operation.operation is OperationType.MUTATION and not has_one_root_field(operation):
            yield "A mutation has one root field, outside of fragments."


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    aliases: int = 0
    repeated: int = 0


class _Tally:
    """How large selections are with their fragments put in. Each fragment is looked at once: fragments that
    spread each other twice grow exponentially, and counting them must not."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, _Size] = {}

    def of(self, selections: SelectionSetNode) -> _Size:
        depth = aliases = repeated = 0
        keys = set()
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                inner = self._of_fragment(node.name.value)
            else:
                nested: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined]
                inner = self.of(nested) if nested else _Size()
            aliases += inner.aliases
            repeated += inner.repeated
            if not isinstance(node, FieldNode):
                depth = max(depth, inner.depth)
                continue
            aliases += node.alias is not None
            repeated += _key(node) in keys
            keys.add(_key(node))
            if not node.name.value.startswith("__"):  # introspection goes deep; graphql-core bounds it
                depth = max(depth, inner.depth + 1)
        return _Size(depth, aliases, repeated)

    def _of_fragment(self, name: str) -> _Size:
        if name not in self._known and name in self._fragments:
            self._known[name] = _Size()  # a cycle adds nothing here; validation refuses it
            self._known[name] = self.of(self._fragments[name].selection_set)
        return self._known.get(name, _Size())


def directives_of(document: DocumentNode) -> int:
    """How many there are, known or not: each costs before it is found to be unknown."""
    count, token = 0, document.loc.start_token if document.loc else None
    while token:
        count += token.kind is TokenKind.AT
        token = token.next
    return count


def has_one_root_field(operation: OperationDefinitionNode) -> bool:
    fields = [node for node in operation.selection_set.selections if not _is_typename(node)]
    return len(fields) == 1 and isinstance(fields[0], FieldNode)


def _key(field: FieldNode) -> str:
    return (field.alias or field.name).value


def _bad_input(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def _is_typename(selection: object) -> bool:
    return isinstance(selection, FieldNode) and selection.name.value == "__typename"
