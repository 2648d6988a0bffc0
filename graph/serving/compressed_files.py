"""Files that were compressed when they were built: `file.br` and `file.gz` stand beside `file`."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response

ENDINGS = {"br": ".br", "gzip": ".gz"}  # the smallest first
MOST_NAMED = 20  # encodings, or tags, of a header that are read


@dataclass(frozen=True, slots=True)
class Representation:
    """One encoding of a file. The tag is made of its bytes: builds have equal lengths, and images equal times."""

    path: Path
    encoding: str | None
    etag: str


def compressed_response(file: Path, request: Headers, headers: Mapping[str, str]) -> Response:
    """`file` in the smallest encoding that was built and that the request takes, or 304 when it has that one."""
    taken = accepted_encodings(request.getlist("accept-encoding"))
    found = next(each for each in representations(file) if each.encoding is None or each.encoding in taken)
    own = {**headers, "ETag": found.etag, "Vary": "Accept-Encoding"}
    if found.etag in tags(request.get("if-none-match", "")):
        return Response(status_code=304, headers=own)
    if found.encoding:
        own["Content-Encoding"] = found.encoding
    media_type = guess_type(file)[0] or "application/octet-stream"
    return FileResponse(found.path, headers=own, media_type=media_type)


@cache  # what is built doesn't change while it is served
def representations(file: Path) -> tuple[Representation, ...]:
    """The smallest first; the file itself is the last."""
    packed = ((encoding, file.with_name(file.name + ending)) for encoding, ending in ENDINGS.items())
    there = [(encoding, path) for encoding, path in packed if path.is_file()]
    return tuple(Representation(path, encoding, tag_of(path)) for encoding, path in [*there, (None, file)])


def tag_of(path: Path) -> str:
    return f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'


def tags(if_none_match: str) -> set[str]:
    read = if_none_match.split(",", MOST_NAMED)[:MOST_NAMED]
    return {tag.strip().removeprefix("W/") for tag in read}


def accepted_encodings(values: list[str]) -> set[str]:
    """The encodings of `Accept-Encoding` (RFC 9110, 12.5.3): all that aren't refused by a weight of nothing."""
    weights = dict(_weights(",".join(values).lower()))
    others = weights.get("*", 0.0)
    return {encoding for encoding in ENDINGS if weights.get(encoding, others) > 0}


def _weights(text: str) -> Iterator[tuple[str, float]]:
    for part in text.split(",", MOST_NAMED)[:MOST_NAMED]:
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.partition("=")
        try:
            yield coding.strip(), float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            yield coding.strip(), 0.0
