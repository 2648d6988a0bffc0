"""semgrep holds what serves to the house's own laws, which stand in house.yml."""

import json
from pathlib import Path

from tests.attackers.tools import FOLDER, attack

ROOT = Path(__file__).parents[2]
ROOMS = ["main.py", "settings.py", "graph", "services", "models", "runtime", "sandbox"]
BROKEN = {
    "float-in-money": [
        "class Order:\n    total: float",
        "def refund(amount: float) -> None: ...",
        "def refund(*, amount: float = 0.0) -> None: ...",
        "def order_total(items: list[int]) -> float: ...",
        "shown = row.amount / 100",
        "fee = unit_price * 0.029",
        "total_cents = float(text)",
        "left = float(payment.amount_received)",
        "whole = round(total, 2)",
    ],
    "stripe-in-transaction": [
        "async def pay(self):\n    async with self._engine.begin() as c:\n        await self._gateway.create_intent(1)",
        "async def pay(self):\n    async with engine.connect() as c:\n        if c:\n            await gateway.ping()",
        "async def _record(connection: AsyncConnection, gateway):\n    return await gateway.list_refunds('pi_1')",
        "async def write(self, connection: AsyncConnection):\n    await self._stripe.payment_intents.create()",
        "async def pay(self):\n    await self._database.transaction(lambda c: self._gateway.ping())",
    ],
    "algorithms-not-pinned": [
        "jwt.decode(token, key)",
        "jwt.decode(token, key, algorithms=[header['alg']])",
        "jwt.decode(token, key, algorithms=[algorithm])",
        "jwt.decode(token, key, algorithms=['HS256', 'RS256'])",
        "class A:\n    def f(self):\n        return self._jws.decode_complete(token, key, algorithms=named)",
        "jwt.decode(token, options={'verify_signature': False}, algorithms=['HS256'])",
    ],
    "certificate-not-verified": [
        "httpx.AsyncClient(verify=False)",
        "aiohttp.TCPConnector(limit=10, ssl=False)",
        "stripe.AIOHTTPClient(verify_ssl_certs=False)",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
        "context.check_hostname = False",
        "import ssl\ncontext = ssl._create_unverified_context()",
    ],
    "client-secret-kept": [
        "log.info('made', secret=intent.client_secret)",
        "structlog.contextvars.bind_contextvars(secret=intent.client_secret)",
        "self._log.debug('made', client_secret)",
        "logging.debug('%s', data.client_secret)",
        "print(intent.client_secret)",
        "update(Payment).values(state='open', client_secret=secret)",
        "row = {'id': 1, 'client_secret': intent.client_secret}",
        "class Payment(SQLModel, table=True):\n    client_secret: str = Field(max_length=255)",
    ],
}  # fmt: skip
KEPT = {
    "float-in-money": [
        "class Call:\n    seconds: float = 1.0",
        "def wait(amount: int, *, deadline: float = 5.0) -> int: ...",
        "total = unit_price * quantity",
        "majors, minors = divmod(amount, 100)",
        "half = total // 2",
    ],
    "stripe-in-transaction": [
        "async def pay(self):\n    intent = await self._gateway.create_intent(1)\n"
        "    async with engine.begin() as c:\n        await c.execute(intent)",
        "async def read(self):\n    await self._database.transaction(lambda c: c.execute(1))",
    ],
    "algorithms-not-pinned": [
        "jwt.decode(token, key, algorithms=['HS256'])",
        "class A:\n    def f(self):\n"
        "        return self._jws.decode_complete(token, key, algorithms=self._rules.algorithms)",
        "class A:\n    def f(self):\n"
        "        return self._jws.decode_complete(token, key, algorithms=self._rules.only(named))",
        "json.decode(text)",
    ],
    "certificate-not-verified": ["httpx.AsyncClient(verify=True)", "httpx.AsyncClient(verify=context)"],
    "client-secret-kept": [
        "log.info('made', intent=intent.id)",
        "return PaymentIntent(client_secret=intent.client_secret)",
        "class Intent:\n    client_secret: str = field(repr=False)",
    ],
}  # fmt: skip


def write(folder: Path, samples: dict[str, list[str]]) -> set[Path]:
    """A file for each sample, named for its law."""
    folder.mkdir()
    files = {
        folder / f"{law}-{number}.py": text
        for law, texts in samples.items()
        for number, text in enumerate(texts)
    }
    for file, text in files.items():
        file.write_text(text + "\n")
    return {*files}


async def test_what_serves_keeps_the_laws_and_a_law_that_is_broken_is_seen(tmp_path: Path) -> None:
    broken, kept = write(tmp_path / "broken", BROKEN), write(tmp_path / "kept", KEPT)

    done = await attack(
        "semgrep", "scan", "--config", FOLDER / "house.yml", "--metrics", "off", "--disable-version-check",
        "--no-git-ignore", "--json", "--output", tmp_path / "found.json", "--quiet", "--strict",
        tmp_path / "broken", tmp_path / "kept", *(ROOT / room for room in ROOMS), here=tmp_path,
    )  # fmt: skip

    assert done.code == 0, done.out
    report = json.loads((tmp_path / "found.json").read_text())
    assert report["errors"] == []
    found = {(Path(found["path"]), found["check_id"].rpartition(".")[2]) for found in report["results"]}
    assert found == {(file, file.stem.rpartition("-")[0]) for file in broken}
    scanned = {Path(path) for path in report["paths"]["scanned"]}
    assert {*broken, *kept, ROOT / "services/stripe_api/gateway.py", ROOT / "main.py"} <= scanned
