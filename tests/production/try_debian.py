"""`make try-debian`: follows docs/operations/debian.md to the letter in a bare Debian, and says what worked as written.

Everything that the guide takes for granted is put there first: two versions of the source, a certificate of a CA of
its own, the name in /etc/hosts, and the sandbox in Stripe's place. Between the blocks customers buy, and what they see
is checked. Needs root, debootstrap and systemd-nspawn (Debian: debootstrap, systemd-container).
"""

import json
import socket as sockets
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.production.customers import HOST, Count, Door, customers
from tests.production.guide import Block, blocks
from tests.production.machine import Machine, bare_root, booted

ROOT = Path(__file__).parents[2]
STRIPE_PORT = 12111
STRIPE_URL = f"http://127.0.0.1:{STRIPE_PORT}"
KEYS = {
    "STRIPE_SECRET_KEY": "sk_test_tried000000000000000000",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_tried000000000000000000",
    "STRIPE_WEBHOOK_SECRET": "whsec_tried00000000000000000000",
    "STRIPE_API_BASE": STRIPE_URL,
}
NEXT_MIGRATION = '''"""A later version's migration."""

from models.migrations.steps import create_index, drop_index, in_steps

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    in_steps(revision, create_index("orders_tried", "orders", ["created_at"]))


def downgrade() -> None:
    in_steps(f"{{revision}} down", drop_index("orders_tried"))
'''
FOLLOW = "subscription Follow($id: ID!) { orderUpdated(orderId: $id) { status } }"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Trial:
    machine: Machine
    folder: Path
    failed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)

    def block(self, block: Block) -> None:
        ran = self.machine.run(block.script)
        say(f"{'as written' if ran.code == 0 else f'FAILED ({ran.code})'}  {block.name}  {ran.seconds:.0f} s")
        if ran.code != 0:
            self.failed.append(block.name)
            say(self.machine.run("journalctl --no-pager --lines 30 --output cat").out)
        if ran.code != 0 or block.step in (5, 10):
            say("\n".join(f"    {line}" for line in ran.out.splitlines()[-25:]))

    def tell(self, line: str) -> None:
        self.told.append(line)
        say(f"  → {line}")

    @property
    def door(self) -> Door:
        return Door(self.folder / "ca.pem", STRIPE_URL, KEYS["STRIPE_PUBLISHABLE_KEY"])


def put_sources(machine: Machine) -> None:
    """The version of this checkout, and one after it that has another migration."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "second"  # readable for all, as an archive of git's is
        tree.mkdir(mode=0o755)
        archive = machine.root / "root" / "first.tar"
        subprocess.run(["git", "archive", "--output", archive, "HEAD"], cwd=ROOT, check=True)
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", tree], check=True)
        versions = tree / "models" / "migrations" / "versions"
        before = max(versions.glob("0*.py")).name[:4]
        after = f"{int(before) + 1:04d}"
        (versions / f"{after}_tried.py").write_text(NEXT_MIGRATION.format(revision=after, before=before))
        second = machine.root / "root" / "second.tar"
        subprocess.run(["tar", "--create", "--file", second, "--directory", tree, "."], check=True)


def put_certificate(trial: Trial) -> None:
    trial.machine.must(
        f"""
        apt-get install --yes --quiet --no-install-recommends openssl ca-certificates > /dev/null
        mkdir --parents /root/ca /etc/paygraph/tls && cd /root/ca
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Trial' -keyout ca.key -out ca.pem \
          -addext keyUsage=critical,keyCertSign
        openssl req -newkey rsa:2048 -nodes -subj '/CN={HOST}' -keyout /etc/paygraph/tls/key.pem -out shop.csr
        printf 'subjectAltName=DNS:{HOST}\\n' > names
        openssl x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out shop.pem
        cat shop.pem ca.pem > /etc/paygraph/tls/fullchain.pem
        cp ca.pem /usr/local/share/ca-certificates/trial.crt && update-ca-certificates > /dev/null
        echo '127.0.0.1 {HOST}' >> /etc/hosts
        """
    )
    (trial.folder / "ca.pem").write_bytes((trial.machine.root / "root/ca/ca.pem").read_bytes())


def start_stripe(trial: Trial) -> None:
    lines = "\n".join(f"{name}={value}" for name, value in KEYS.items())
    (trial.machine.root / "root" / "stripe.env").write_text(f"{lines}\n")
    trial.machine.must(
        f"""
        systemd-run --quiet --unit stripe --setenv SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
          --working-directory /srv/paygraph/releases/first .venv/bin/python main.py sandbox --port {STRIPE_PORT} \
          --webhook-url https://{HOST}/webhooks/stripe --env-file /root/stripe.env
        until curl --silent --fail --output /dev/null {STRIPE_URL}/_sandbox/journal; do sleep 1; done
        """.replace(".venv/bin/python main.py", "/srv/paygraph/releases/first/.venv/bin/python main.py")
    )


def buy_first(trial: Trial) -> None:
    """An order is paid through the proxy: its webhook comes back through it, and a socket follows it."""
    command = "cd /srv/paygraph/current && .venv/bin/python main.py"
    trial.machine.must(f"{command} seed --env-file /etc/paygraph/paygraph.env")
    trial.tokens = [
        trial.machine.must(f"{command} token --user {user} --env-file /etc/paygraph/paygraph.env")
        for user in ("ada", "ben", "cleo", "dan")
    ]
    door, token = trial.door, trial.tokens[0]
    order = door.order(token)
    with following(trial, token, order) as socket:
        door.pay(token, order)
        seconds = door.is_paid(token, order)
        while "PAID" not in str(socket.recv(timeout=15)):
            pass
    trial.orders["first"] = order
    hooks = trial.machine.must("grep --count 'POST /webhooks/stripe. 200' /var/log/nginx/paygraph.log")
    trial.tell(
        f"an order was PAID {seconds:.1f} s after its payment, followed over wss; {hooks} webhooks through nginx"
    )
    refused = trial.machine.must(
        f"for path in metrics readyz livez explorer/; do "
        f"curl --silent --output /dev/null --write-out '%{{http_code}} ' https://{HOST}/$path; done"
    )
    assert refused.split() == ["404"] * 4, refused


@contextmanager
def following(trial: Trial, token: str, order: str) -> Iterator[ClientConnection]:
    """A socket through the proxy that hears of one order."""
    with connect(
        f"wss://{HOST}/graphql",
        sock=sockets.create_connection(("127.0.0.1", 443)),
        ssl=ssl.create_default_context(cafile=str(trial.folder / "ca.pem")),
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ) as made:
        made.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert "connection_ack" in str(made.recv(timeout=15))
        payload = {"query": FOLLOW, "variables": {"id": order}}
        made.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield made


def paid_order(trial: Trial, name: str) -> None:
    door, token = trial.door, trial.tokens[0]
    order = door.order(token)
    door.pay(token, order)
    door.is_paid(token, order)
    trial.orders[name] = order


def name_the_moment(trial: Trial) -> None:
    """One order before it, and one after it, which the restored database has never seen."""
    paid_order(trial, "before the moment")
    trial.machine.must("sleep 2; date --utc --iso-8601=seconds | tr T ' ' > /root/moment; sleep 2")
    paid_order(trial, "after the moment")


def look_after_restore(trial: Trial) -> None:
    wait_until_ready(trial)
    door, token = trial.door, trial.tokens[0]
    for name in ("first", "before the moment"):
        assert door.status(token, trial.orders[name]) == "PAID", name
    gone = door.post(
        token, "query($id: ID!) { order(id: $id) { status } }", {"id": trial.orders["after the moment"]}
    )
    assert gone.json()["data"]["order"] is None, gone.text
    paid_order(trial, "after the restore")
    trial.tell(
        "after the restore the older orders are PAID, the later one is a case for a person, and orders can be paid"
    )


def wait_until_ready(trial: Trial) -> None:
    for port in (8001, 8002):
        trial.machine.must(
            f"until curl --silent --fail -o /dev/null http://127.0.0.1:{port}/readyz; do sleep 1; done"
        )


def look_after_failover(trial: Trial) -> None:
    door, token = trial.door, trial.tokens[0]
    assert door.status(token, trial.orders["after the restore"]) == "PAID"
    paid_order(trial, "after the failover")
    trial.tell("after the failover the older orders are PAID, and orders can be paid")


def with_customers(trial: Trial, block: Block) -> Count:
    with customers(trial.door, trial.tokens) as count:
        time.sleep(3)
        trial.block(block)
        time.sleep(3)
    return count


def upgrade(trial: Trial, block: Block) -> None:
    count = with_customers(trial, block)
    trial.tell(f"during the rolling upgrade: {count}")
    head = trial.machine.must("curl --silent http://127.0.0.1:8002/readyz")
    assert '"schema":"ok"' in head.replace(" ", ""), head


def fail_over(trial: Trial, block: Block) -> None:
    count = with_customers(trial, block)
    trial.tell(f"while the primary went and the standby was promoted: {count}")


# What is put there before a block, and looked at behind it; the rest is the guide's.
BEFORE: dict[tuple[int, int], Callable[[Trial], None]] = {
    (4, 1): start_stripe,
    (7, 1): put_certificate,
    (10, 1): name_the_moment,
}
AFTER: dict[tuple[int, int], Callable[[Trial], None]] = {
    (7, 1): buy_first,
    (10, 1): look_after_restore,
    (11, 2): look_after_failover,
}
INSTEAD: dict[tuple[int, int], Callable[[Trial, Block], None]] = {(9, 1): upgrade, (11, 2): fail_over}


def follow(trial: Trial) -> None:
    for block in blocks():
        place = (block.step, block.part)
        if place in BEFORE:
            BEFORE[place](trial)
        INSTEAD.get(place, Trial.block)(trial, block)
        if trial.failed:
            return
        if place in AFTER:
            AFTER[place](trial)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    root = bare_root(folder)
    with booted(root) as machine:
        trial = Trial(machine, folder)
        put_sources(machine)
        follow(trial)
        logged = machine.run(
            "journalctl --quiet --unit paygraph@8001 --unit paygraph@8002 --output cat "
            '| grep --count \'"level": "error"\''
        )
        trial.tell(f"lines at level error in the servers' logs: {logged.out.strip()}")
    all_blocks = blocks()
    say(f"{len(all_blocks) - len(trial.failed)} of {len(all_blocks)} blocks worked as written")
    sys.exit(1 if trial.failed else 0)


if __name__ == "__main__":
    main()
