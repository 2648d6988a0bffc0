"""The same schema as a subgraph of Apollo Federation, where the setting FEDERATION is on.

Strawberry's own federation puts `@key` on the classes, for every schema of the process, and warns of it in a schema
that isn't federated. So the keys stand in the text that a gateway reads, and the two fields that the specification
wants are fields like others:
https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

import re
from functools import cache

import strawberry
from graphql import build_schema, print_schema

from graph.context import Info
from graph.schema import Query, ServedSchema, composed, schema, sdl
from graph.types.entities import ANY_REPRESENTATION, KEYS, EntityQuery

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])\n\n'
)
# What other subgraphs are likely to have too: one that owns the users, and any that has lists.
SHAREABLE_TYPES = ("PageInfo",)
SHAREABLE_FIELDS = ("  me: User", "  email: String")
COST_OF_TEXT = 500  # units of work: it is long, and may be asked for under several aliases
# One subgraph can't answer for all ids of a supergraph; those who ask this server itself have it.
LEFT_OUT = ("node",)


@strawberry.type(name="_Service", description="What a gateway reads of this server.")
class Service:
    sdl: str = strawberry.field(description="The schema, with its keys.")


@strawberry.type(name="Query", description="What can be asked.")
class SubgraphQuery(Query, EntityQuery):
    @strawberry.field(name="_service", description="For the gateway that composes subgraphs.")
    def service(self, info: Info) -> Service:
        info.context.spending.charge(COST_OF_TEXT)
        return Service(sdl=subgraph_sdl())


def served_schema(*, as_subgraph: bool) -> ServedSchema:
    """The schema of `schema.graphql`; as a subgraph the same with what a gateway asks for."""
    return _subgraph() if as_subgraph else schema


@cache
def _subgraph() -> ServedSchema:
    subgraph_sdl()  # here, since it takes a tenth of a second, and not while the first gateway waits
    return composed(SubgraphQuery, ANY_REPRESENTATION)


@cache
def subgraph_sdl() -> str:
    """What composition reads: `python main.py schema --subgraph FILE` writes it, and `_service` tells it."""
    told = build_schema(sdl())
    for name in LEFT_OUT:
        del told.query_type.fields[name]  # type: ignore[union-attr]
    text = print_schema(told)
    for name, keys in KEYS.items():
        directives = " ".join(f'@key(fields: "{key}")' for key in keys)
        text = _directed(text, rf"type {name}(?: implements [\w &]+)?", directives)
    for name in SHAREABLE_TYPES:
        text = _directed(text, rf"type {name}", "@shareable")
    for field in SHAREABLE_FIELDS:
        text = _directed(text, re.escape(field), "@shareable")
    return f"{LINK}{text}\n"


def _directed(text: str, beginning: str, directives: str) -> str:
    directed, times = re.subn(rf"^({beginning})(?= \{{$|$)", rf"\1 {directives}", text, flags=re.MULTILINE)
    if times != 1:
        raise LookupError(f"{beginning} stands {times} times in the schema")
    return directed
