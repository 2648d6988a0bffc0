"""The dearest operations that the bounds allow, for each kind of caller, and what they do to a customer beside them."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

from bench.load import Job
from bench.stage import GRAPHQL, Stage, load, load_all, operation, signed_in, stage
from graph.serving.work_limits import SAVED_SECONDS

ITEM = "productId productName quantity unitPrice { minorUnits currency amount } subtotal { minorUnits currency amount }"
PRODUCT = "id name description image price { minorUnits currency amount }"
ATTACKERS = 6
MOST = 400  # operations of one measurement
MOST_ITEMS = 500
TIMES = 9  # of each, which is what a caller may ask for at once
FILL = """
INSERT INTO order_items (order_id, position, product_id, product_name, unit_amount, quantity)
SELECT order_id, generate_series(100, 99 + %(most)s - (SELECT count(*) FROM order_items WHERE order_id = %(order_id)s)),
    product_id, product_name, 1, 1
FROM order_items WHERE order_id = %(order_id)s AND position = 0
"""


def catalogue() -> str:
    """A stranger's: a page of the catalogue with all that it tells."""
    return f"{{ products(first: 100) {{ nodes {{ {PRODUCT} }} edges {{ cursor node {{ id name }} }} }} }}"


def repetitions(number: int, times: int) -> str:
    """A text that was never seen before, and that is compared with itself as often as is allowed."""
    return f"query Q{number} {{" + " ...{ me { id email } }" * times + "}"


def names(number: int, fragments: int) -> str:
    """A text that was never seen before, with as many fragments as there may be, each within the one before."""
    parts = " ".join(f"fragment F{n} on Order {{ id ...F{n + 1} }}" for n in range(fragments))
    money = " ".join(f"m{n}: total {{ minorUnits currency amount }}" for n in range(20))
    last = f"fragment F{fragments} on Order {{ {money} }}"
    return f'query Q{number} {{ order(id: "x") {{ ...F0 }} }} {parts} {last}'


def order_in_full(order_id: str) -> str:
    return f'{{ order(id: "{order_id}") {{ items {{ {ITEM} }} }} }}'


def quantities(order_ids: list[str]) -> str:
    """The most entries for the least of fields."""
    orders = " ".join(
        f'o{n}: order(id: "{each}") {{ items {{ quantity }} }}' for n, each in enumerate(order_ids)
    )
    return f"{{ {orders} }}"


def pages(times: int = 14) -> str:
    """A full page, and as much of each order as there is room for."""
    money = " ".join(f"m{n}: total {{ minorUnits currency amount }}" for n in range(times))
    return f"{{ orders(first: 100) {{ nodes {{ id status version createdAt updatedAt {money} }} }} }}"


@dataclass(frozen=True)
class Attack:
    """`calls` that one kind of caller may make; each is answered with `expect`."""

    calls: list[tuple[str, dict[str, str]]]
    expect: str


def attacks(on: Stage, large: tuple[str, str]) -> Iterator[tuple[str, Attack]]:
    """By name. `large` is an order of 500 items and its owner's token."""
    order_id, token = large
    ada = signed_in(token)
    yield "a stranger's catalogue", Attack([(operation(catalogue()), GRAPHQL)], '"price"')
    fresh = [(operation(repetitions(n, 15)), GRAPHQL) for n in range(MOST)]
    yield "a stranger's new texts", Attack(fresh, "UNAUTHENTICATED")
    yield "a customer's new texts", Attack([(operation(names(n, 40)), ada) for n in range(MOST)], '"order"')
    yield "an order of 500 items in full", Attack([(operation(order_in_full(order_id)), ada)], '"subtotal"')
    yield "1,500 quantities", Attack([(operation(quantities([order_id] * 3)), ada)], '"quantity"')
    yield "a page of 100 orders", Attack([(operation(pages()), ada)], '"updatedAt"')


def milliseconds_of_attacks(seconds: float) -> dict[str, float]:
    """CPU of the server for one operation of each kind, ms."""
    found = {}
    with stage(200) as on, on.server() as server:
        for name, attack in attacks(on, large_order(on)):
            time.sleep(SAVED_SECONDS)  # until the caller may ask for as much again
            calls = (attack.calls * TIMES)[:TIMES]
            before = server.cpu()
            outcome = load(Job(server.port, "/graphql", calls, seconds, 1, expect=attack.expect))
            found[name] = (server.cpu() - before) * 1_000 / outcome.done
            if outcome.good != outcome.done:
                raise RuntimeError(f"{name}: {outcome.other[0][:300]}")
    return found


@dataclass(frozen=True)
class Effect:
    """p99 of a customer, ms. Of a second the server had its core for `busy`, and waited for it for `waited` while
    others had it, which is time that the figures owe to the machine."""

    alone: float
    beside: float
    busy: float
    waited: float
    attacks: int
    refused: int


def effect_on_a_customer(seconds: float) -> Effect:
    """A customer reads an order, alone and beside six attackers with new texts and large orders, each with an account
    of their own. The attackers' clients leave the core to the customer's, whose time is measured."""
    with stage(200) as on, on.server() as server, ThreadPoolExecutor() as threads:
        order_id, token = on.orders.lines[-1]
        read = operation("query($id: ID!) { order(id: $id) { id status total { amount } } }", id=order_id)
        calls = [(read, signed_in(token))]
        customer = Job(server.port, "/graphql", calls, seconds, 1, per_second=20, repeat=True, expect="id")
        alone = load(customer).milliseconds
        kinds = [list(attacks(on, large_order(on, place))) for place in range(ATTACKERS)]
        each = [kind[place % len(kind)][1] for place, kind in enumerate(kinds)]
        jobs = [
            Job(server.port, "/graphql", attack.calls, seconds + 2, 1, repeat=True, expect=attack.expect)
            for attack in each
        ]
        attacking = threads.submit(load_all, jobs, behind=True)
        time.sleep(1)  # until they have begun
        busy, waited, began = server.cpu(), server.waited(), time.perf_counter()
        beside = load(customer).milliseconds
        took = time.perf_counter() - began
        outcomes = attacking.result()
        return Effect(
            p99(alone),
            p99(beside),
            (server.cpu() - busy) / took,
            (server.waited() - waited) / took,
            sum(outcome.done for outcome in outcomes),
            sum(outcome.done - outcome.good for outcome in outcomes),
        )


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def large_order(on: Stage, place: int = 0) -> tuple[str, str]:
    """An order of 500 items and its owner's token: one of the stage's, made that large."""
    order_id, token = on.orders.lines[place]
    with psycopg.connect(on.environment["DATABASE_URL"]) as connection:
        connection.execute(FILL, {"order_id": order_id, "most": MOST_ITEMS})
    return order_id, token


def say(milliseconds: dict[str, float], effect: Effect) -> None:
    for name, each in milliseconds.items():
        print(f"{name:32}{each:8.1f} ms of CPU")
    print(
        f"a customer's p99: {effect.alone:.0f} ms alone, {effect.beside:.0f} ms beside {ATTACKERS} attackers"
    )
    print(f"  who sent {effect.attacks} operations, {effect.refused} of which were refused")
    print(
        f"  the server had its core for {effect.busy:.0%} and waited for it for {effect.waited:.0%} of the time"
    )
