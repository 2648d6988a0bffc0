"""`make try-alerts`: alerts and dashboard in a real Prometheus that scrapes a real server (Debian: prometheus).

promtool first judges the rules and lets each fire by its smallest cause, with all its waiting. Then Prometheus scrapes
`serve` each second, answers every expression of alerts and dashboard, and alerts are provoked as they happen: their
`for` is taken away, since nobody waits ten minutes here; their expressions are as they are.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from runtime.embedded_postgres import embedded_postgres
from services.identity.tokens import issue_token
from services.operations import migrations
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET
from tests.e2e.processes import HTTP, Running, shell
from tests.ports import free_ports
from tests.unit.operations.test_operations import FOLDER, expressions

METRICS_TOKEN = "scraped-by-the-trial-0123456789"
PATIENCE = 150.0  # seconds; the sweep comes each minute
ORDER_OF_EVE = "6f1d3a52-0000-4000-8000-000000000002"
HUNDRED_DECLINES = """
INSERT INTO orders (id, user_id, currency) VALUES
    ('6f1d3a52-0000-4000-8000-000000000001', 'mallory', 'EUR'), ('6f1d3a52-0000-4000-8000-000000000002', 'eve', 'EUR');
INSERT INTO order_items (order_id, position, product_name, unit_amount, quantity)
    SELECT id, 0, 'A card to try', 1000, 1 FROM orders WHERE user_id IN ('mallory', 'eve');
INSERT INTO declines (event_id, order_id, address)
    SELECT 'evt_' || n, '6f1d3a52-0000-4000-8000-000000000001', '203.0.113.7' FROM generate_series(1, 100) AS n;
"""
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: paygraph
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def judge_rules(folder: Path) -> None:
    shutil.copy(FOLDER / "alerts.yaml", folder)
    shutil.copy(Path(__file__).parent / "alerts.test.yaml", folder)
    for words in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        subprocess.run(["promtool", *words], cwd=folder, check=True)


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[str]:
    """A Prometheus that knows the alerts, without their waiting; its address."""
    rules = (FOLDER / "alerts.yaml").read_text()
    (folder / "alerts.yaml").write_text(re.sub(r"\n\s+for: \w+", "", rules))
    (folder / "prometheus.yml").write_text(CONFIG.format(token=METRICS_TOKEN, port=target))
    port = free_ports()
    command = (
        *("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"),
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def asked(prometheus_url: str, expression: str) -> list[dict[str, Any]]:
    query = expression.replace("$__rate_interval", "1m")  # Grafana's
    answer = HTTP.get(f"{prometheus_url}/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (expression, answer)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def firing(prometheus_url: str) -> set[str]:
    alerts = HTTP.get(f"{prometheus_url}/api/v1/alerts").json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def eventually(what: str, happened: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if happened():
                return
        except (httpx.TransportError, KeyError):
            pass
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


class Trial:
    def __init__(self, url: str, settings: dict[str, str], prometheus_url: str) -> None:
        self.database_url = url
        self.settings = settings
        self.prometheus_url = prometheus_url
        self.server_url = f"http://127.0.0.1:{settings['PORT']}"
        self.seen: list[str] = []

    def fires(self, name: str, cause: str) -> None:
        eventually(f"{name} did not fire", lambda: name in firing(self.prometheus_url))
        self.seen.append(name)
        say(f"fires: {name} ({cause})")

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def refuse_webhooks(self) -> None:
        for _ in range(5):
            HTTP.post(
                f"{self.server_url}/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=0"}
            )
        self.fires("PaygraphWebhooksRefused", "five refused webhooks at once")

    def refuse_an_address(self) -> None:
        """A hundred cards were declined there, on the order of another user; one call is refused."""
        self.sql(HUNDRED_DECLINES)
        secret = self.settings["JWT_SECRET"]
        eve = issue_token(secret=secret, user_id="eve", role=None, lifetime=timedelta(minutes=10))
        HTTP.post(
            f"{self.server_url}/api/payments/create-intent",
            json={"orderId": ORDER_OF_EVE},
            headers={"Authorization": f"Bearer {eve}", "X-Forwarded-For": "203.0.113.7"},
        )
        self.fires("PaygraphAddressRefused", "one call from an address with a hundred declined cards")

    def refuse_the_key(self) -> None:
        order = {"fault": {"kind": "401"}, "path": "/v1/balance", "times": None}
        HTTP.post(f"{self.settings['STRIPE_API_BASE']}/_sandbox/faults", json=order).raise_for_status()
        eventually(
            "no 401", lambda: HTTP.get(f"{self.server_url}/readyz").json()["stripe"].startswith("Access")
        )
        self.fires("PaygraphStripeRefusesTheKey", "one call that Stripe refuses with 401")

    def wait_for_a_person(self) -> None:
        self.sql(
            "INSERT INTO orders (id, user_id, currency, status) VALUES (gen_random_uuid(), 'ada', 'EUR', 'review')"
        )
        self.fires("PaygraphNeedsAPerson", "one order in REVIEW, found by the sweep")

    def let_an_event_wait(self) -> None:
        self.sql(
            "INSERT INTO stripe_events (id, type, object_id, created_at, received_at, due_at) VALUES ('evt_old', "
            "'payment_intent.succeeded', 'pi_old', now() - interval '1 hour', now() - interval '1 hour', "
            "now() + interval '1 hour')"
        )
        self.fires("PaygraphEventsWait", "one event received an hour ago and not finished")

    def kill_a_worker(self, server: Running) -> None:
        [worker, *_] = [pid for pid in children(server.process.pid) if is_worker(pid)]
        os.kill(worker, signal.SIGKILL)
        self.fires("PaygraphWorkersDie", "one worker killed")

    def stop(self, server: Running) -> None:
        server.stop()
        self.fires("PaygraphDown", "the server was stopped")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_worker(pid: int) -> bool:
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def answer_every_expression(trial: Trial) -> None:
    """Each is understood; which of them have no value in a shop that is well is said."""
    every = list(expressions())
    empty = [expression for expression in every if not asked(trial.prometheus_url, expression)]
    say(f"{len(every)} expressions of alerts and dashboard answered; {len(empty)} have no value now:")
    for expression in empty:
        say(f"    {' '.join(expression.split())}")
    board = json.loads((FOLDER / "dashboard.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    say(f"of the dashboard's {len(shown)}: {len([e for e in shown if e in empty])} without a value")


def run(folder: Path, url: str) -> list[str]:
    migrations.upgrade(url)
    port, stripe_port = free_ports(), free_ports()
    settings = {
        "DATABASE_URL": url,
        "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
        "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "JWT_SECRET": JWT_SECRET,
        "METRICS_TOKEN": METRICS_TOKEN,
        "PORT": str(port),
        "TRUSTED_PROXIES": "127.0.0.1",
        "WORKERS": "2",
    }
    with shell(folder) as sh, prometheus(folder, port) as address:
        hook = f"http://127.0.0.1:{port}/webhooks/stripe"
        stripe = sh.start("sandbox", "--port", str(stripe_port), "--webhook-url", hook, **settings)
        stripe.answers(f"http://127.0.0.1:{stripe_port}/_sandbox/journal")
        trial = Trial(url, settings, address)
        eventually("Prometheus did not start", lambda: "PaygraphDown" in firing(address))
        trial.fires("PaygraphDown", "no server yet")
        server = sh.start("serve", **settings)
        server.answers(f"{trial.server_url}/readyz")
        sh.run("reconcile", **settings)
        eventually("it is not scraped", lambda: asked(address, 'paygraph_database_up{job="paygraph"} == 1'))
        eventually("a shop that is well rings", lambda: not firing(address))
        say("a shop that is well rings no bell")
        answer_every_expression(trial)
        trial.refuse_webhooks()
        trial.refuse_an_address()
        trial.kill_a_worker(server)
        trial.let_an_event_wait()
        trial.wait_for_a_person()
        trial.refuse_the_key()
        trial.stop(server)
        return trial.seen


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="try-alerts-") as name:
        folder = Path(name)
        judge_rules(folder)
        with embedded_postgres() as url:
            seen = run(folder, url)
    rules = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yaml").read_text())
    say(f"{len(rules)} alerts fire by promtool; provoked in Prometheus as well: {len(set(seen))}")


if __name__ == "__main__":
    main()
