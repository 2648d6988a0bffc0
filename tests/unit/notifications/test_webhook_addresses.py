"""Where webhooks may go: the internet, and inside this network only what a setting allows."""

from ipaddress import ip_address

import pytest

from services.notifications.webhook_addresses import (
    PUBLIC_ONLY,
    AddressRules,
    CheckedResolver,
    ForbiddenAddress,
    kind_of,
    read_url,
)

EVERYTHING = AddressRules(private=True, loopback=True)
HERE = AddressRules(loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/paygraph",
        "https://shop.example:8443/hook?tenant=1",
        "https://93.184.215.14/hook",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/",
        "https://shop.example./hook",
        "https://a_b.shop.example/",
    ],
)
def test_addresses_of_the_internet_are_taken(url: str) -> None:
    assert read_url(url, PUBLIC_ONLY).host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/",
        "ftp://shop.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https:///hook",
        "https://",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://user@shop.example/",
        "https://user:password@shop.example/",
        "https://shop.example@169.254.169.254/",
        "https://shop.example/#fragment",
        "https://shop.example\\@127.0.0.1/",
        "https://shop.example/ hook",
        "https://shop.example/\n",
        "https://shop.example/\x00",
        f"https://shop.example/{'a' * 2_000}",
        f"https://shop.example/{'é' * 1_000}",  # six characters each, as it is kept and called
        f"https://{'é' * 60}.example/{'?é' * 500}",
        # Numbers that some libraries take for addresses.
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://1.2.3.4.5/",
        "https://shop.example.1/",
        "https://a..example/",
        "https://-a.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        "https://[::1%25lo]/",
        "http://shop.example/",
        "http://93.184.215.14/",
    ],
)
def test_what_is_no_address_for_events_is_refused_whatever_is_allowed(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        read_url(url, EVERYTHING if "127" not in url and "::1" not in url else PUBLIC_ONLY)
    with pytest.raises(ForbiddenAddress):
        read_url(url, PUBLIC_ONLY)


NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",  # noqa: S104  to be refused
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::168.63.129.16",
    "64:ff9b:1::169.254.169.254",  # NAT64 of a network's own (RFC 8215)
    "::ffff:0:169.254.169.254",  # RFC 2765
    "::ffff:a9fe:a9fe",
    "fe80::1%eth0",
    "febf::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fec0::1",
    "100::1",
]
INSIDE = ["10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1"]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1"]


def in_url(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


@pytest.mark.parametrize("address", NEVER)
def test_special_addresses_get_nothing_whatever_is_allowed(address: str) -> None:
    allowed = PUBLIC_ONLY if address.startswith("64:") else EVERYTHING  # NAT64 is as what it leads to
    assert allowed.refusal_of(ip_address(address))
    with pytest.raises(ForbiddenAddress):
        read_url(in_url(address), allowed)


@pytest.mark.parametrize("address", INSIDE)
def test_private_networks_need_the_setting(address: str) -> None:
    assert read_url(in_url(address), AddressRules(private=True))
    for rules in (PUBLIC_ONLY, HERE):
        with pytest.raises(ForbiddenAddress):
            read_url(in_url(address), rules)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_is_for_the_demo_and_the_setting_also_without_tls(address: str) -> None:
    for rules in (HERE, AddressRules(private=True)):
        assert read_url(in_url(address), rules)
        assert read_url(in_url(address).replace("https", "http"), rules)
        assert read_url("http://localhost:4000/hook", rules)
    with pytest.raises(ForbiddenAddress):
        read_url(in_url(address), PUBLIC_ONLY)
    for name in ("localhost", "LOCALHOST", "shop.localhost", "localhost.", "１２７.０.０.１"):
        with pytest.raises(ForbiddenAddress):
            read_url(f"https://{name}/", PUBLIC_ONLY)


def test_a_network_of_ipv6_alone_reaches_the_internet_by_nat64() -> None:
    assert kind_of(ip_address("64:ff9b::93.184.215.14")) == "public"


async def test_a_name_is_refused_when_it_leads_inside() -> None:
    resolver = CheckedResolver(PUBLIC_ONLY)
    try:
        with pytest.raises(ForbiddenAddress):
            await resolver.resolve("localhost", 443)
    finally:
        await resolver.close()
    allowed = CheckedResolver(HERE)
    try:
        assert {each["host"] for each in await allowed.resolve("localhost", 443)} <= {"127.0.0.1", "::1"}
    finally:
        await allowed.close()
