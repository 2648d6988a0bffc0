"""docs/operations/nginx.conf in a real nginx: TLS, sockets, a webhook's bytes, and nothing for strangers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from main import build_app
from models import OrderStatus
from runtime.database.database import Database
from sandbox.serve import served
from settings import Settings
from tests.client import ORDER
from tests.conftest import Stripe
from tests.events import event_body, signed
from tests.make import Shop
from tests.ports import free_ports
from tests.production.guide import GUIDE
from tests.proxies import needs, running_program
from tests.sockets import Follower, token

NAME = "pay.example"


@pytest.fixture
async def door(settings: Settings, database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The shop behind nginx, as a customer reaches it."""
    trusting = settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    async with served(build_app(trusting)) as address, behind_nginx(address, tmp_path) as port:
        context = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
        async with httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{port}", verify=context, headers={"Host": NAME}
        ) as client:
            yield client


@asynccontextmanager
async def behind_nginx(address: str, folder: Path) -> AsyncIterator[int]:
    """nginx with the example as it stands, but for ports, files and the one server behind it."""
    port = free_ports()
    make_certificate(folder)
    text = (GUIDE.parent / "nginx.conf").read_text()
    for there, here in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80;": f"listen 127.0.0.1:{free_ports()};",
        "/etc/paygraph/tls": str(folder),
        "/var/log/nginx": str(folder),
        "127.0.0.1:8001": address.removeprefix("http://"),
    }.items():
        assert there in text
        text = text.replace(there, here)
    kept = [line for line in text.splitlines() if "[::]" not in line and "127.0.0.1:8002" not in line]
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    site = "\n".join(kept)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{ worker_connections 256; }} http {{ {places}\n{site}\n}}"
    )
    program = needs("nginx")
    command = (program, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(config))
    checked = await asyncio.create_subprocess_exec(*command, "-t", stderr=asyncio.subprocess.PIPE)
    _, said = await checked.communicate()
    assert checked.returncode == 0, said.decode()
    async with running_program(port, *command):
        yield port


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


THERE = {"sni_hostname": NAME}


async def test_customers_sockets_and_webhooks_pass_and_probes_do_not(
    door: httpx.AsyncClient, shop: Shop, stripe: Stripe, tmp_path: Path
) -> None:
    order_id = await shop.order()
    body = {"query": ORDER, "variables": {"id": str(order_id)}}
    bearer = {"Authorization": f"Bearer {token()}"}
    answer = await door.post("/graphql", json=body, headers=bearer, extensions=THERE)
    assert answer.json()["data"]["order"]["status"] == "PENDING"
    assert answer.headers["strict-transport-security"]
    await _follow_over_tls(door, shop, order_id, tmp_path)

    payload, signature = signed(event_body())
    headers = {"Stripe-Signature": signature}
    heard = await door.post("/webhooks/stripe", content=payload, headers=headers, extensions=THERE)
    assert (heard.status_code, heard.json()) == (200, {"received": True}), (
        "the signature is over these very bytes"
    )

    for path in ("/metrics", "/readyz", "/livez", "/", "/explorer/", "/graphqlx"):
        shut = await door.get(path, headers=bearer, extensions=THERE)
        assert (path, shut.status_code) == (path, 404)
    too_large = await door.post("/graphql", json={"query": "x" * 200_000}, headers=bearer, extensions=THERE)
    assert (too_large.status_code, "json" in too_large.headers["content-type"]) == (413, True), "our answer"
    logged = (tmp_path / "paygraph.log").read_text()
    assert '"POST /webhooks/stripe" 200' in logged
    assert str(order_id) not in logged


async def _follow_over_tls(door: httpx.AsyncClient, shop: Shop, order_id: UUID, folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    async with connect(
        f"wss://{NAME}/graphql",
        host="127.0.0.1",
        port=door.base_url.port,
        ssl=context,
        server_hostname=NAME,
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ) as socket:
        ada = Follower(socket)
        await ada.sign_in(token())
        await ada.follow(order_id)
        assert (await ada.order())["status"] == "PENDING"
        await shop.set_order(order_id, status=OrderStatus.CANCELED)
        assert (await ada.order())["status"] == "CANCELED"
