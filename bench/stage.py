"""What every measurement needs: a database, a fast stand-in for Stripe, a server, and orders to pay."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field

from bench.load import Job, Outcome
from bench.machine import LOAD_CORE, ROOT, SERVER_CORE, Process, command, free_port, on_core, python
from runtime.embedded_postgres import embedded_postgres

PAY = (
    "mutation CreatePaymentIntent($orderId: ID!) { createPaymentIntent(orderId: $orderId) "
    "{ __typename ... on PaymentIntent { id clientSecret status } ... on UserError { code retryable } } }"
)
BEHIND = 15  # of nice's 19
GRAPHQL = {"content-type": "application/json"}


def operation(query: str, **variables: object) -> str:
    return json.dumps({"query": query, "variables": variables})


def signed_in(token: str) -> dict[str, str]:
    return {**GRAPHQL, "authorization": f"Bearer {token}"}


@dataclass
class Orders:
    """Pending orders and the tokens of their owners; each is paid for the first time once, and `paid` says which."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    used: int = 0
    paid: list[tuple[str, str]] = field(default_factory=list)

    def fresh(self, count: int) -> list[tuple[str, str]]:
        taken = self.lines[self.used : self.used + count]
        assert len(taken) == count, "the orders ran out"  # noqa: S101
        return taken


@dataclass
class Stage:
    """`environment` is what a server of ours is started with."""

    environment: dict[str, str]
    stripe: Process
    orders: Orders

    @contextmanager
    def server(self, *words: str, core: int | None = SERVER_CORE, **settings: str) -> Iterator[Process]:
        port = free_port()
        env = {**self.environment, **settings, "PORT": str(port)}
        with python(*(words or ("main.py", "serve")), env=env, port=port, core=core) as process:
            yield process

    def pay(self, server: Process, seconds: float, *, count: int = 4_000, **how: object) -> Outcome:
        """Orders paid for the first time, as many as fit in."""
        fresh = self.orders.fresh(count)
        calls = [(operation(PAY, orderId=order), signed_in(token)) for order, token in fresh]
        outcome = load(Job(server.port, "/graphql", calls, seconds, expect='"PaymentIntent"', **how))  # type: ignore[arg-type]
        self.orders.used += outcome.done
        self.orders.paid = fresh[: outcome.done]
        return outcome


def load(job: Job) -> Outcome:
    [outcome] = load_all([job])
    return outcome


def load_all(jobs: list[Job], *, behind: bool = False) -> list[Outcome]:
    """All at once, from one process. What is `behind` gets what others leave of the core, such as one that measures."""

    def settle() -> None:
        os.sched_setaffinity(0, {LOAD_CORE})
        os.nice(BEHIND if behind else 0)

    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps([asdict(job) for job in jobs]),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=settle,
    )
    return [Outcome(**each) for each in json.loads(done.stdout)]


@contextmanager
def database() -> Iterator[str]:
    """A PostgreSQL beside the load: the server's core is its own."""
    with ExitStack() as opened:
        with on_core(LOAD_CORE):  # what is started here inherits it
            url = opened.enter_context(embedded_postgres())
        yield url


@contextmanager
def stripe_stub(latency: float = 0.0, per_second: float | None = None) -> Iterator[Process]:
    port = free_port()
    limit = () if per_second is None else (str(per_second),)
    words = ("-m", "bench.stripe_stub", str(port), str(latency), *limit)
    with python(*words, env={}, port=port, core=LOAD_CORE) as process:
        yield process


@contextmanager
def stage(orders: int, *, latency: float = 0.0, per_second: float | None = None) -> Iterator[Stage]:
    with database() as url, stripe_stub(latency, per_second) as stripe:
        environment = {"DATABASE_URL": url, "STRIPE_API_BASE": stripe.base}
        command("migrate", env=environment)
        lines = command("seed", "--orders", str(orders), env=environment).splitlines()
        pairs = [(order, token) for order, token in (line.split() for line in lines)]
        yield Stage(environment, stripe, Orders(pairs))
