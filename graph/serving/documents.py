"""Operations known by their hash: automatic persisted queries, and documents trusted beforehand.

https://www.apollographql.com/docs/apollo-server/performance/apq
"""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from graphql import GraphQLError

from runtime.bounded_cache import BoundedCache
from services.operations.manifests import read_manifest

MOST_BYTES = 8_000_000
LONGEST_REMEMBERED = 20_000  # characters; a longer operation is executed and not remembered
HASH_LENGTH = 64
BYTES_OF_HASH = 200  # as a key, with its entry
PREFIX = "sha256:"  # codegen's documents carry it in their hash


class Documents:
    """What is known by hash in this process: the trusted documents, and queries that clients registered.

    With `only_trusted`, nothing but the manifest is executed, and nothing is registered.
    """

    def __init__(self, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False) -> None:
        self._trusted = dict(trusted or {})
        self._texts = set(self._trusted.values())
        self._only_trusted = only_trusted
        self._registered = BoundedCache[str, str](MOST_BYTES)

    @classmethod
    def of(cls, manifest: Path | None, *, only_trusted: bool) -> Self:
        return cls(read_manifest(manifest) if manifest else None, only_trusted=only_trusted)

    def resolve(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The text to execute; raises the `GraphQLError` that tells a client what to do."""
        wanted = _hash_of(extensions)
        if wanted is None:
            return self._trusted_only(query)
        if query is None:
            return self._known(wanted)
        if hashlib.sha256(query.encode(errors="surrogatepass")).hexdigest() != wanted:
            raise _refusal("The hash is not that of the query.", "PERSISTED_QUERY_HASH_MISMATCH")
        self._trusted_only(query)
        self._register(wanted, query)
        return query

    def is_trusted(self, text: str) -> bool:
        """Whether it is on the list, whoever sends it."""
        return text in self._texts

    def _known(self, wanted: str) -> str:
        text = self._trusted.get(wanted) or self._registered.get(wanted)
        if text is None:
            if self._only_trusted:
                raise _refusal("This operation is not on the list.", "DOCUMENT_NOT_TRUSTED")
            raise _refusal("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        return text

    def _trusted_only(self, query: str | None) -> str | None:
        if self._only_trusted and query not in self._texts:
            raise _refusal("This operation is not on the list.", "DOCUMENT_NOT_TRUSTED")
        return query

    def _register(self, wanted: str, query: str) -> None:
        if len(query) > LONGEST_REMEMBERED or wanted in self._trusted:
            return
        self._registered.put(wanted, query, sys.getsizeof(query) + BYTES_OF_HASH)


def _hash_of(extensions: Mapping[str, Any] | None) -> str | None:
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    sent = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    wanted = sent.removeprefix(PREFIX) if isinstance(sent, str) else ""
    if len(wanted) != HASH_LENGTH or persisted.get("version", 1) != 1:
        raise _refusal("`persistedQuery` has version 1 and a sha256Hash in hex.", "BAD_USER_INPUT")
    return wanted.lower()


def _refusal(message: str, code: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})
