"""TRUSTED_PROXIES: whose word on where a request comes from is believed, over IPv4 and IPv6."""

from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from runtime.addresses import TrustedProxies, network_of
from tests.setting_values import SAFE, refusal_of, settings_of


@pytest.mark.parametrize("proxies", ["*", "10.0.0.7,*", "0.0.0.0/0", "::/0", "proxy.internal", "10.0.0.999"])
def test_a_proxy_is_named_by_address_and_everybody_is_none(tmp_path: Path, proxies: str) -> None:
    assert "TRUSTED_PROXIES: each is an address" in refusal_of(tmp_path, TRUSTED_PROXIES=proxies)


@pytest.mark.parametrize(
    ("proxies", "proxy", "is_believed"),
    [
        ("", "10.0.0.7", False),
        ("10.0.0.8", "10.0.0.7", False),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.9.0.1, 10.0.0.0/24", "10.0.0.7", True),
        ("10.0.0.7", "::ffff:10.0.0.7", True),  # as a socket of HOST=:: shows it
        ("10.0.0.0/24", "::ffff:10.0.0.7", True),
        ("10.0.0.0/24", "::ffff:10.0.1.7", False),
        ("::ffff:10.0.0.0/120", "10.0.0.7", True),
        ("fd00:1::/64", "fd00:1::7", True),
        ("fd00:1::/64", "fd00:2::7", False),
        ("fd00:1:0:0::7", "fd00:1::7", True),
        ("fe80::7", "fe80::7%eth0", True),
        ("fe80::/10", "fe80::7%eth0", True),
    ],
)
async def test_forwarded_headers_are_believed_of_the_named_proxies_alone(
    tmp_path: Path, proxies: str, proxy: str, *, is_believed: bool
) -> None:
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    settings = settings_of(tmp_path, **SAFE, TRUSTED_PROXIES=proxies).safe()
    config = uvicorn.Config(app, interface="asgi3", **settings.server_options)
    config.load()
    headers = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.9"), (b"x-forwarded-proto", b"wss")]
    scope: Any = {"type": "websocket", "scheme": "ws", "client": (proxy, 1), "headers": headers}
    await config.loaded_app(scope, None, None)

    assert found == [("203.0.113.9", "wss") if is_believed else (proxy, "ws")]
    vouched = TrustedProxies(settings.trusted_proxies).vouch_for(proxy)
    assert vouched == (None if is_believed or not proxies else network_of(proxy))
