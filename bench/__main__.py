"""`make bench`: measures, prints, and writes docs/performance.md with its plots. `python -m bench --help`"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench import account, attacks, beside, cost, deliveries, growth, peers, pressure, sale, scaling
from bench.report import Figures, write

T = TypeVar("T")
SALES = (2_000, 5_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    short = "the cost of a request alone, each layer for so many seconds (1)"
    parser.add_argument("--short", type=float, nargs="?", const=1.0, metavar="SECONDS", help=short)
    parser.add_argument("--attacks", action="store_true", help="the dearest operations that the bounds allow")
    shop = "events to the shop alone: a burst, and what payments feel of it"
    parser.add_argument("--deliveries", action="store_true", help=shop)
    alone = "the sweep on a busy Stripe account alone, with so many open orders of ours"
    parser.add_argument("--account", type=int, nargs="+", metavar="ORDERS", help=alone)
    parser.add_argument(
        "--peers", action="store_true", help="beside Express, Apollo Server and Mercurius alone"
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each subject (9)")
    parser.add_argument("--many", type=int, default=growth.MANY, help="orders of the large shop (1,000,000)")
    parser.add_argument("--keep", type=Path, help="also write the raw figures there, as JSON")
    arguments = parser.parse_args()
    if arguments.attacks:
        attacks.say(attacks.milliseconds_of_attacks(4.0), attacks.effect_on_a_customer(12.0))
        return
    if arguments.deliveries:
        print(*deliveries.lines_of(deliveries.deliveries()), sep="\n")
        return
    if arguments.peers:
        beside_peers()
        return
    if arguments.short:
        say_costs(cost.costs(1, arguments.short))
        return
    if arguments.account:
        print(*account.lines_of(account.on_a_busy_account(tuple(arguments.account))), sep="\n")
        return
    figures = measured(arguments.rounds, arguments.many)
    if arguments.keep:
        arguments.keep.write_text(json.dumps(asdict(figures), indent=1))
    print(f"written: {write(figures)}")


def measured(rounds: int, many: int) -> Figures:
    costs = tell("cost of a request", lambda: cost.costs(rounds, 2.0))
    say_costs(costs)
    few, large = tell("a small shop and a large one", lambda: growth.costs_of(growth.FEW, many))
    return Figures(
        costs=costs,
        slow=tell("Stripe at 300 ms", lambda: pressure.slow_stripe(6.0)),
        sales=[tell(f"{users:,} who come to pay", partial(sale.sale, users)) for users in SALES],
        flood=tell("webhooks alone", beside.flood),
        beside=[
            tell("webhooks beside those who poll", lambda: beside.beside(beside.POLLERS, 0)),
            tell("webhooks beside followers", lambda: beside.beside(0, beside.FOLLOWERS)),
        ],
        burst=tell("webhooks of other applications", pressure.events_of_others),
        account=tell("the sweep on a busy account", account.on_a_busy_account),
        rest=tell("at rest", lambda: pressure.at_rest(3.0)),
        scaling=tell("two workers", scaling.two_workers_to_one),
        few=few,
        many=large,
        orders=(growth.FEW, many),
        **beside_peers(),
    )


def beside_peers() -> dict[str, dict[str, peers.Beside]]:
    """Nothing where there is no Node."""
    if not peers.can_be_measured():
        return {"peers": {}, "peers_at_pace": {}}
    full = tell("beside what one would write in Node", partial(peers.at_full_load, 5, 3.0))
    print(*peers.lines_of("at full load", full), sep="\n", flush=True)
    pace = tell("the same at Stripe's own pace", partial(peers.at_stripes_pace, 5, 6.0))
    print(*peers.lines_of("at Stripe's pace", pace), sep="\n", flush=True)
    return {"peers": full, "peers_at_pace": pace}


def tell(name: str, measure: Callable[[], T]) -> T:
    """Say what is measured, and what was found."""
    print(f"{name} …", file=sys.stderr, flush=True)
    found = measure()
    print(f"  {found}" if not isinstance(found, dict) else "", file=sys.stderr, flush=True)
    return found


def say_costs(found: dict[str, list[float]]) -> None:
    for name, middle in cost.medians(found).items():
        print(f"{name:28}{middle:8.0f} µs of CPU")
    ratio = cost.ratio(found, "createPaymentIntent", "bare, SQL and Stripe")
    print(f"{'ours / our own limit':28}{ratio:8.2f}")


if __name__ == "__main__":
    main()
