"""Manifests of trusted documents: codegen's `persisted-documents.json`, or Apollo's `persisted-query-manifest`."""

import json
import re
from pathlib import Path

_SHA256 = re.compile("[0-9a-f]{64}")


class UnreadableManifest(Exception):
    """The file is no manifest of trusted documents; the message says what is wrong."""


def read_manifest(file: Path) -> dict[str, str]:
    """Documents by the sha256 of their text, from a manifest in either format; `UnreadableManifest` otherwise."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UnreadableManifest(f"{file} can't be read: {error}") from None
    operations = content.get("operations") if isinstance(content, dict) else None
    if isinstance(operations, list):  # Apollo's
        content = {entry.get("id"): entry.get("body") for entry in operations if isinstance(entry, dict)}
    if not isinstance(content, dict) or not content or not all(map(_is_document, content.items())):
        raise UnreadableManifest(f"{file} is no manifest of codegen's or Apollo's")
    documents = {name.removeprefix("sha256:"): text for name, text in content.items()}
    for name in documents:
        if not _SHA256.fullmatch(name):
            raise UnreadableManifest(
                f"{file} names a document {name[:80]!r}, which is no sha256 in hex; codegen makes them with "
                'persistedDocuments: { hashAlgorithm: "sha256" }'
            )
    return documents


def _is_document(pair: tuple[object, object]) -> bool:
    return all(isinstance(part, str) for part in pair)
