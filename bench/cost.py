"""CPU of the server for one request, layer by layer. Rounds alternate: the machine's noise falls on all alike."""

import base64
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import Job, Outcome
from bench.machine import Process
from bench.stage import GRAPHQL, PAY, Stage, load, operation, signed_in, stage

CALLERS = 16
MOST_A_SECOND = 3_000  # requests; a round that has no more ends early
Round = Callable[[float], Outcome]


@dataclass(frozen=True)
class Subject:
    """A way to call a server, and which server's CPU it takes."""

    server: Process
    round: Round

    def microseconds(self, seconds: float) -> float:
        before = self.server.cpu()
        outcome = self.round(seconds)
        spent = self.server.cpu() - before
        if outcome.good != outcome.done:
            raise RuntimeError(f"{outcome.done - outcome.good} bad answers: {outcome.other[0]}")
        return spent * 1e6 / outcome.done


def costs(rounds: int, seconds: float) -> dict[str, list[float]]:
    """Microseconds of the server's CPU by name, one for each round."""
    most = int(MOST_A_SECOND * seconds)
    orders = (rounds + 1) * 3 * most
    found: defaultdict[str, list[float]] = defaultdict(list)
    with stage(orders) as on, on.server() as ours, on.server("-m", "bench.limit") as limit:
        subjects = subjects_of(on, ours, limit, most)
        for number in range(rounds + 1):  # the first warms up
            for name, subject in subjects.items():
                spent = subject.microseconds(seconds)
                if number:
                    found[name].append(spent)
    return dict(found)


def subjects_of(on: Stage, ours: Process, limit: Process, most: int) -> dict[str, Subject]:
    nobody, me = operation("{ paymentConfig { apiVersion } }"), operation("{ me { id } }")
    paid = on.orders.lines[:1_000]
    return {
        "bare, nothing": Subject(limit, bare(on, limit, "/nothing", most)),
        "bare, SQL": Subject(limit, bare(on, limit, "/sql", most)),
        "bare, SQL and Stripe": Subject(limit, bare(on, limit, "/all", most)),
        "a query without a token": Subject(ours, repeated(ours, [(nobody, GRAPHQL)], "apiVersion")),
        "a query with a token": Subject(ours, repeated(ours, [(me, signed_in(t)) for _, t in paid], '"id"')),
        "createPaymentIntent": Subject(ours, lambda seconds: on.pay(ours, seconds, count=most)),
        "createPaymentIntent again": Subject(ours, again(on, ours)),
    }


def bare(on: Stage, server: Process, path: str, most: int) -> Round:
    def run(seconds: float) -> Outcome:
        pairs = on.orders.fresh(most)
        calls: list[tuple[str, dict[str, str]]] = [
            (json.dumps({"orderId": order, "userId": user_of(token)}), {}) for order, token in pairs
        ]
        outcome = load(Job(server.port, path, calls, seconds, CALLERS, expect="clientSecret"))
        on.orders.used += outcome.done if path != "/nothing" else 0
        return outcome

    return run


def repeated(
    server: Process,
    calls: list[tuple[str, dict[str, str]]],
    expect: str,
    callers: int = CALLERS,
    path: str = "/graphql",
) -> Round:
    return lambda seconds: load(Job(server.port, path, calls, seconds, callers, repeat=True, expect=expect))


def again(on: Stage, server: Process, callers: int = CALLERS) -> Round:
    """Orders that the round before has paid for."""

    def run(seconds: float) -> Outcome:
        paid = on.orders.paid[:500]
        calls = [(operation(PAY, orderId=order), signed_in(token)) for order, token in paid]
        return repeated(server, calls, '"PaymentIntent"', callers)(seconds)

    return run


def user_of(token: str) -> str:
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return str(claims["sub"])


def medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in found.items()}


def ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' ratios: what slows a whole round down falls out."""
    return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))
