"""An origin that no page ever has is refused by what is wrong with it, and one written loosely is made right."""

import pytest

from runtime.origins import (
    AllowedOrigins,
    InvalidOrigin,
    is_header_name,
    pattern_of,
    problems_of,
    read_origin,
    strangers_in,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BU\u0308CHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--strae-oqa.example", "https://xn--strae-oqa.example"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Ionic://localhost/", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(written: str, read: str) -> None:
    assert read_origin(written) == read


@pytest.mark.parametrize(
    ("written", "about"),
    [
        ("https://shop.example/app", "more than an origin"),
        ("https://shop.example?x", "more than an origin"),
        ("https://ada@shop.example", "more than an origin"),
        ("shop.example", "no scheme"),
        ("shop.example:443", "no scheme"),
        ("ftp://shop.example", "of no page"),
        ("file:///tmp/shop.html", "no host"),
        ("chrome-extension://abc", "of no page"),
        ("null", "null"),
        ("NULL", "null"),
        ("*", "name each origin"),
        ("https://a.example https://b.example", "commas"),
        ("https://", "no scheme"),
        ("https://shop.example:x", "not an origin"),
        ("https://*.shop.example", "not a host"),
        ("https://shop..example", "not a host"),
        ("https://straße.example", "location.origin"),
        ("https://ςhop.example", "location.origin"),
        ("https://a\u200db.example", "location.origin"),
        ("https://127.1", "not a host"),
        ("https://10.0.0.0x7", "not a host"),
        ("http://[fe80::1%eth0]", "not a host"),
    ],
)
def test_what_no_page_has_is_refused_by_what_is_wrong(written: str, about: str) -> None:
    with pytest.raises(InvalidOrigin, match=about):
        read_origin(written)
    assert [each.partition(": ")[0] for each in problems_of([written], [])] == ["CORS_ORIGINS"]


@pytest.mark.parametrize(
    "written",
    ["https://*", "*", "https://*.com", "https://a.*.example", "https://*.*.example", "*.preview.example",
     "https://*.preview.example/app", "https://pr-*.preview.example", "https://*.127.0.0.1",
     "https://*.[::1.2.3.4]"],
)  # fmt: skip
def test_a_pattern_has_one_star_in_front_of_a_name_of_ones_own(written: str) -> None:
    with pytest.raises(InvalidOrigin):
        pattern_of(written)
    assert [each.partition(": ")[0] for each in problems_of([], [written])] == ["CORS_ORIGIN_PATTERNS"]


def test_a_pattern_is_the_shops_own_below_a_host_that_it_names() -> None:
    names = ("https://shop.example", "https://www.other.example", "nonsense")
    own = ("https://*.shop.example", "https://*.preview.shop.example:8443", "https://*.www.other.example")
    strangers = ("https://*.vercel.app", "https://*.other.example", "https://*.notshop.example")
    assert [*strangers_in(names, (*own, *strangers, "nonsense"))] == [*strangers]


def test_a_pattern_may_name_a_port() -> None:
    allowed = AllowedOrigins(patterns=("http://*.localhost.test:3000", "https://*.preview.example/"))
    assert allowed.allow("http://a.localhost.test:3000")
    assert allowed.allow("https://pr-1.preview.example")
    assert not allowed.allow("http://a.localhost.test")
    assert not allowed.allow("https://pr-1.preview.example\n")
    assert not allowed.allow("https://-.preview.example")


def test_nothing_is_allowed_where_nothing_is_named() -> None:
    assert not AllowedOrigins()
    assert not AllowedOrigins().allow("https://shop.example")


def test_a_header_is_named_and_never_any() -> None:
    assert is_header_name("X-Shop-Version")
    assert not any(map(is_header_name, ("*", "", "X Shop", "x:y", "x\r\ny")))
