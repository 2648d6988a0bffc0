"""What an operation may cost; the same over HTTP and WebSocket. Checked before anything is executed."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    Token,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from strawberry.exceptions import MissingQueryError
from strawberry.types.graphql import OperationType as OperationKind

from graph.serving.answers import mistake, without_value
from graph.serving.documents import Documents
from graph.serving.selections import Size, TooManySelected, size_of
from graph.serving.spending import (
    ANONYMOUS,
    INTROSPECTION,
    NEW_TOKEN,
    SIGNED_IN,
    TOKEN,
    VALUE,
    Allowance,
    Spending,
    allowance_of,
    bad_input,
)
from graph.serving.text_turns import Sender, TextTurns, TooManyTexts
from graph.serving.variables import check_values
from graph.serving.work_limits import Account, WorkLimits, too_many_texts
from runtime.bounded_cache import BoundedCache
from services.identity.principal import Principal

MOST_ALIASES = 20
MOST_DIRECTIVES = 30
MOST_REPEATED = 60  # fields asked for once more beside themselves, as components of a page do
MOST_FRAGMENTS = 50
MOST_OPERATIONS = 20  # in one text
MOST_INTROSPECTIONS = 3  # in one text, each of which may read the whole schema
DEEPEST = 12  # fields within fields
LONGEST_TEXT = 30_000  # characters; a thousand tokens of a client's need fewer
MOST_LINES = 2_000
MOST_MISTAKES = 20  # that are reported of one text
SHORT_TEXT = 100  # characters, that are checked at once
# What no directive of this schema can break is not looked for: @defer and @stream are unknown here.
INCREMENTAL = ("DeferStreamDirective", "StreamDirectiveOnListField")
RULES = tuple(rule for rule in specified_rules if not rule.__name__.startswith(INCREMENTAL))
CHECKER = ThreadPoolExecutor(1, "check")  # of texts that are new
LONGEST_REMEMBERED = 20_000  # characters of a text
# Texts that were checked. Strangers have a cache of their own, so that they can't push out what customers use.
REMEMBERED = {
    SIGNED_IN: BoundedCache["Question", "CheckedText"](16_000_000),
    ANONYMOUS: BoundedCache["Question", "CheckedText"](4_000_000),
}
# By their hashes: a text that comes once, as an attacker's, isn't kept, and leaves Python's garbage collector no work.
SEEN = BoundedCache[int, bool](10_000)
BYTES_OF_TOKEN = 1_500  # as it is parsed: itself, its place, its part of a node

# Where introspection is off, errors must not reveal the schema piece by piece to those who guess its names.
UNFIT = (
    "The operation does not fit the schema. What is wrong stands in the server's log; clients are told where "
    "INTROSPECTION is on."
)

Question: TypeAlias = tuple[GraphQLSchema, bool, str]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedText:
    """An operation's text, parsed, the type of each operation in it by name, and what is wrong with it."""

    document: DocumentNode
    types: Mapping[str | None, OperationKind]
    errors: tuple[GraphQLError, ...]
    tokens: int
    introspections: int = 0


class Bounded(Protocol):
    """What judging needs of the context of an operation."""

    principal: Principal | None
    address: str
    work_limits: WorkLimits
    spending: Spending
    documents: Documents
    introspection: bool


async def checked_operation(
    schema: GraphQLSchema,
    query: str | None,
    name: str | None,
    context: Bounded,
    variables: Mapping[str, Any] | None,
    extensions: Mapping[str, Any] | None,
) -> CheckedText:
    """What is to be executed, with nothing spent yet; raises the `GraphQLError` of what can't be."""
    allowance = allowance_of(context.principal)
    account = await _account_of(context)
    context.spending = Spending(allowance, account=account)
    text = context.documents.resolve(query, extensions)
    if not text:
        raise MissingQueryError
    values = check_values(variables, allowance.values)
    context.spending.charge_caller(VALUE * values)
    checked = known(schema, text, allowance, introspection=context.introspection)
    if checked is None:
        checked = await _checked_anew(schema, text, context, account)
        context.spending.go_on()
    context.spending.charge(checked.tokens * TOKEN)
    if not checked.errors:
        context.spending.charge_caller(INTROSPECTION * checked.introspections)
    check_name(checked, name)
    return checked


async def _account_of(context: Bounded) -> Account:
    caller = context.principal.id if context.principal else None
    try:
        return context.work_limits.account_of(caller, context.address)
    except GraphQLError:
        await context.work_limits.slow_down()
        raise


def check_name(checked: CheckedText, name: str | None) -> None:
    if name is None and len(checked.types) > 1:
        raise bad_input("The document has several operations: say which by `operationName`.")
    if name is not None and name not in checked.types:
        raise bad_input("There is no operation of this name.")


async def _checked_anew(schema: GraphQLSchema, text: str, context: Bounded, account: Account) -> CheckedText:
    """A new text in its caller's turn, if nobody else's had the same text checked and remembered meanwhile."""
    allowance, introspection = context.spending.allowance, context.introspection
    most = NEW_TOKEN * min(allowance.tokens, len(text) // 2)
    account.charge(most)  # before it is read; what was too much comes back
    check = partial(check_text, schema, text, allowance, introspection=introspection)
    is_trusted = context.documents.is_trusted(text)

    def keep(checked: CheckedText) -> CheckedText:
        if is_trusted or is_seen_again(text):
            remember(schema, text, allowance, checked, introspection=introspection)
        return checked

    if len(text) <= SHORT_TEXT:
        checked = keep(check())
    else:
        queue, sender = _queue_of(context, account, is_trusted=is_trusted)
        find = partial(known, schema, text, allowance, introspection=introspection)

        async def check_and_keep() -> CheckedText:
            return keep(await _aside(check))

        try:
            checked, is_new = await queue.checked(sender, text, find, check_and_keep)
        except TooManyTexts:
            account.charge(-most)
            await context.work_limits.slow_down()
            raise too_many_texts() from None
        if not is_new:
            account.charge(-most)
            return checked
    account.charge(NEW_TOKEN * checked.tokens - most)
    return checked


def _queue_of(context: Bounded, account: Account, *, is_trusted: bool) -> tuple[TextTurns, Sender]:
    """A trusted document waits for no other text of its address either, which strangers may share."""
    queues = context.work_limits.texts
    if is_trusted:
        return queues.trusted, Sender()
    return (queues.callers if context.principal else queues.strangers), account.texts


async def _aside(check: Callable[[], CheckedText]) -> CheckedText:
    """In a thread: nothing interrupts graphql-core while it reads a text, save the switch between threads (see
    runtime/switching.py)."""
    return await asyncio.get_running_loop().run_in_executor(CHECKER, copy_context().run, check)


def known(
    schema: GraphQLSchema, text: str, allowance: Allowance, *, introspection: bool
) -> CheckedText | None:
    """What was checked before."""
    key = (schema, introspection, text)
    return REMEMBERED[allowance].get(key) or _known_of_strangers(key, allowance)


def _known_of_strangers(key: Question, allowance: Allowance) -> CheckedText | None:
    """What a stranger may execute anybody may; what was refused to them may be within others' bounds."""
    found = REMEMBERED[ANONYMOUS].get(key) if allowance is not ANONYMOUS else None
    return found if found is not None and not found.errors else None


def check_text(schema: GraphQLSchema, text: str, allowance: Allowance, *, introspection: bool) -> CheckedText:
    """Parse and validate; raises the `GraphQLError` of a text that can't be parsed."""
    check_size(text)
    document = parse(text, max_tokens=allowance.tokens, allow_empty_selection_sets=False)
    # The bounds come first: validating what exceeds them is the cost they are there to spare.
    errors = [GraphQLError(sentence) for sentence in exceeded(document, allowance)]
    if not errors:
        rules = RULES if introspection else (*RULES, NoSchemaIntrospectionCustomRule)
        errors = validate(schema, document, rules, MOST_MISTAKES, hide_suggestions=True)
        if errors and not introspection:
            log.info("operation unfit", mistakes=for_our_log(errors))
            errors = [GraphQLError(UNFIT)]
    mistakes = tuple(mistake(error, "GRAPHQL_VALIDATION_FAILED") for error in errors[: MOST_MISTAKES + 1])
    types = {
        each.name.value if each.name else None: OperationKind(each.operation.value)
        for each in operations_of(document)
    }
    checked = CheckedText(document, types, mistakes, token_count(document), introspections_of(document))
    unlink_tokens(document)
    return checked


def unlink_tokens(document: DocumentNode) -> None:
    """Each token holds the next and the one before. Without that nothing in a document refers back to what holds it,
    and all of it is freed once it is done with: finding such circles stopped everything for up to 150 ms."""
    for token in list(tokens_of(document)):
        token.prev = token.next = None


def is_seen_again(text: str) -> bool:
    """Whether the text came before, as those of a client's do."""
    seen = SEEN.get(hash(text)) is not None
    SEEN.put(hash(text), True, 1)
    return seen


def remember(
    schema: GraphQLSchema, text: str, allowance: Allowance, checked: CheckedText, *, introspection: bool
) -> None:
    """So that the same text is found by `known`, unless it is very long."""
    if len(text) <= LONGEST_REMEMBERED:
        key = (schema, introspection, text)
        REMEMBERED[allowance].put(key, checked, 2 * sys.getsizeof(text) + BYTES_OF_TOKEN * checked.tokens)


def check_size(text: str) -> None:
    """Raises the `GraphQLError` of a text that costs without its tokens: each mistake in it counts the lines before."""
    if len(text) > LONGEST_TEXT:
        raise bad_input(f"A document has at most {LONGEST_TEXT} characters: pass values as variables.")
    if text.count("\n") + text.count("\r") > MOST_LINES:
        raise bad_input(f"A document has at most {MOST_LINES} lines.")


def for_our_log(errors: list[GraphQLError]) -> list[str]:
    """The first mistakes as our log has them: their names are the client's, and may be long."""
    return [without_value(error)[:200] for error in errors[:3]]


def exceeded(document: DocumentNode, allowance: Allowance) -> Iterator[str]:
    """A sentence for each bound that the document exceeds."""
    if directives_of(document) > MOST_DIRECTIVES:
        yield f"An operation has at most {MOST_DIRECTIVES} directives."
    if introspections_of(document) > MOST_INTROSPECTIONS:
        yield f"A document asks for the schema at most {MOST_INTROSPECTIONS} times."
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = operations_of(document)
    if len(document.definitions) - len(operations) > MOST_FRAGMENTS:
        yield f"A document has at most {MOST_FRAGMENTS} fragments."
    if len(operations) > MOST_OPERATIONS:
        yield f"A document has at most {MOST_OPERATIONS} operations."
        return
    left = allowance.selected
    for operation in operations:
        try:
            size = size_of(operation.selection_set, fragments, left)
        except TooManySelected:
            yield f"A document selects at most {allowance.selected} fields, those in fragments counted each time."
            return
        left -= size.selected
        yield from exceeded_by(size, allowance)
        # One request moves money for one order: two hundred aliased mutations are one attack.
        if operation.operation is OperationType.MUTATION and not has_one_root_field(operation):
            yield "A mutation has one root field, outside of fragments."


def exceeded_by(size: Size, allowance: Allowance) -> Iterator[str]:
    if size.depth > DEEPEST:
        yield f"An operation is at most {DEEPEST} fields deep."
    if size.aliases > MOST_ALIASES:
        yield f"An operation has at most {MOST_ALIASES} aliases, those in fragments counted each time."
    if size.repeated > MOST_REPEATED or size.pairs > allowance.pairs:
        yield f"An operation repeats at most {MOST_REPEATED} fields, and none of them often."


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def directives_of(document: DocumentNode) -> int:
    """How many there are, known or not: each costs before it is found to be unknown."""
    return sum(token.kind is TokenKind.AT for token in tokens_of(document))


def introspections_of(document: DocumentNode) -> int:
    """How often the schema or one of its types is asked for."""
    return sum(token.value in ("__schema", "__type") for token in tokens_of(document))


def token_count(document: DocumentNode) -> int:
    """Without its beginning and its end, as `max_tokens` counts."""
    return sum(token.kind is not TokenKind.COMMENT for token in tokens_of(document)) - 2


def tokens_of(document: DocumentNode) -> Iterator[Token]:
    token = document.loc.start_token if document.loc else None
    while token:
        yield token
        token = token.next


def has_one_root_field(operation: OperationDefinitionNode) -> bool:
    fields = [node for node in operation.selection_set.selections if not _is_typename(node)]
    return len(fields) == 1 and isinstance(fields[0], FieldNode)


def _is_typename(selection: object) -> bool:
    return isinstance(selection, FieldNode) and selection.name.value == "__typename"
