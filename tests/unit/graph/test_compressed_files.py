"""What was compressed at the build is sent so, to whoever takes it, and never mixed up by a cache."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from graph.serving.compressed_files import accepted_encodings, representations
from graph.serving.site import Site, site_routes

SCRIPT = b"export const long = '" + b"x" * 4_000 + b"'"
PACKED = {"br": b"brotli's bytes", "gzip": gzip.compress(SCRIPT, mtime=0)}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    for file in (tmp_path / "index.html", tmp_path / "assets" / "a-1.js"):
        file.write_bytes(SCRIPT)
        file.with_name(f"{file.name}.br").write_bytes(PACKED["br"])
        file.with_name(f"{file.name}.gz").write_bytes(PACKED["gzip"])
    (tmp_path / "assets" / "b-1.woff2").write_bytes(b"wOF2")
    return tmp_path


@pytest.fixture
async def browser(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=site_routes(dist, Site(), shop=True, explorer=False, desk=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def raw(browser: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its body as it was sent: httpx would unpack it."""
    request = {"Accept-Encoding": "", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with browser.stream("GET", path, headers=request) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


@pytest.mark.parametrize("path", ["/", "/assets/a-1.js"])
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("*", "br"),
     ("identity", None), ("", None), ("gzip;q=0", None), ("br;q=x", None), ("*;q=0, gzip", "gzip")],
)  # fmt: skip
async def test_the_smallest_encoding_that_is_taken_is_sent(
    browser: httpx.AsyncClient, path: str, accepted: str, encoding: str | None
) -> None:
    answer, body = await raw(browser, path, Accept_Encoding=accepted)

    assert answer.headers.get("content-encoding") == encoding
    assert body == (PACKED[encoding] if encoding else SCRIPT)
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["vary"] == "Accept-Encoding"
    kind = "text/html" if path == "/" else "text/javascript"
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_each_encoding_has_a_tag_of_its_own_and_is_sent_once(browser: httpx.AsyncClient) -> None:
    tags = {}
    for encoding in ("br", "gzip", "identity"):
        answer, _ = await raw(browser, "/", Accept_Encoding=encoding)
        tags[encoding] = answer.headers["etag"]
        again, body = await raw(
            browser, "/", Accept_Encoding=encoding, If_None_Match=f'"other", W/{tags[encoding]}'
        )
        assert (again.status_code, body) == (304, b"")
        assert again.headers["etag"] == tags[encoding]
        assert again.headers["vary"] == "Accept-Encoding"
        assert "content-security-policy" in again.headers
    assert len(set(tags.values())) == 3
    other, _ = await raw(browser, "/", Accept_Encoding="gzip", If_None_Match=tags["br"])
    assert other.status_code == 200


async def test_a_tag_tells_builds_apart_that_have_the_same_length_and_time(tmp_path: Path) -> None:
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for page, name in zip(pages, ("a-1.js", "b-2.js"), strict=True):
        page.write_text(f"<script src={name}></script>")
    (one,), (two,) = map(representations, pages)
    assert one.etag != two.etag


async def test_what_is_not_compressed_is_sent_as_it_is(browser: httpx.AsyncClient) -> None:
    answer, body = await raw(browser, "/assets/b-1.woff2", Accept_Encoding="br, gzip")

    assert (body, answer.headers["content-type"]) == (b"wOF2", "font/woff2")
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/assets/a-1.js.br", "/assets/a-1.js.gz"])
async def test_an_encoding_is_no_file_of_its_own(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_parts_are_parts_of_what_was_sent(browser: httpx.AsyncClient) -> None:
    answer, body = await raw(browser, "/assets/a-1.js", Accept_Encoding="br", Range="bytes=2-5")

    assert (answer.status_code, body) == (206, PACKED["br"][2:6])
    assert answer.headers["content-encoding"] == "br"


def test_several_headers_are_one_list() -> None:
    assert accepted_encodings(["gzip", "br"]) == {"gzip", "br"}
