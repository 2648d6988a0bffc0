"""docs/performance.md and its plots, from the figures of one run."""

import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from bench.account import EVENTS_A_MONTH, LATENCY, Swept
from bench.account import RATE as RATE_OF_ACCOUNT
from bench.beside import Beside, Flood
from bench.cost import medians, ratio
from bench.growth import Costs
from bench.peers import Beside as Peer
from bench.pressure import EVENTS, IN_FLIGHT, Burst, Rest, Slow
from bench.sale import SaleFigures
from bench.scaling import PART

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
FRESH, AGAIN, LIMIT = "createPaymentIntent", "createPaymentIntent again", "bare, SQL and Stripe"


@dataclass(frozen=True)
class Figures:
    costs: dict[str, list[float]]
    slow: Slow
    sales: list[SaleFigures]
    flood: Flood
    beside: list[Beside]
    burst: Burst
    rest: Rest
    account: list[Swept]
    scaling: float | None
    few: Costs
    many: Costs
    orders: tuple[int, int]
    peers: dict[str, Peer]  # none where there is no Node
    peers_at_pace: dict[str, Peer]


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    note: str


def layers(costs: dict[str, list[float]]) -> list[Bar]:
    """What each layer adds to the one before, µs."""
    middle = medians(costs)
    nothing, sql, limit = middle["bare, nothing"], middle["bare, SQL"], middle[LIMIT]
    graphql = middle["a query without a token"] - nothing
    rest = middle[FRESH] - limit - graphql
    return [
        Bar("HTTP", nothing, "uvicorn, and a handler that answers at once"),
        Bar("SQL", sql - nothing, "two statements: record, and record again with the release check"),
        Bar("Stripe", limit - sql, "one call over a kept connection"),
        Bar("GraphQL", graphql, "Starlette, Strawberry and graphql-core for the smallest query"),
        Bar("the rest", max(rest, 0.0), "token, limits, the union's answer, what is asked of this use case"),
    ]


def drawn(bars: list[Bar], unit: str, title: str) -> str:
    """Horizontal bars as an SVG that reads on light and dark pages."""
    width, row, left = 760, 34, 130
    most = max(bar.value for bar in bars) or 1.0
    height = row * len(bars) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{title}" font-family="system-ui, sans-serif" font-size="13">',
        "<style>text{fill:#1f2937}.n{fill:#6b7280}rect{fill:#4f7cff}"
        "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.n{fill:#9ca3af}}</style>",
        f'<text x="0" y="18" font-weight="600">{title}</text>',
    ]
    for number, bar in enumerate(bars):
        top = 34 + number * row
        length = max(2.0, bar.value / most * 230)
        parts.append(f'<text x="0" y="{top + 17}">{bar.label}</text>')
        parts.append(f'<rect x="{left}" y="{top + 3}" width="{length:.0f}" height="20" rx="3"/>')
        parts.append(
            f'<text x="{left + length + 8:.0f}" y="{top + 17}">{bar.value:,.2f} {unit}</text>'.replace(
                ".00", ""
            )
        )
        parts.append(f'<text class="n" x="{left + 330}" y="{top + 17}">{bar.note}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def growth_bars(figures: Figures) -> list[Bar]:
    few, many = figures.orders
    words = {
        "create": "create",
        "create_again": "again",
        "read": "one order",
        "page": "a page of 20",
        "sweep": "sweep",
    }
    return [
        Bar(
            words[each.name],
            getattr(figures.many, each.name) / getattr(figures.few, each.name),
            f"{getattr(figures.few, each.name):.2f} ms at {few:,}, {getattr(figures.many, each.name):.2f} at {many:,}",
        )
        for each in fields(Costs)
        if each.name in words
    ]


Line = tuple[str, str, str]  # what, the target, what was measured


def rows(figures: Figures) -> list[Line]:
    return [
        *peer_rows(figures.peers, figures.peers_at_pace),
        (
            "CPU of `createPaymentIntent` / our own limit (the same SQL and the same Stripe call, bare)",
            "≤ 1.6",
            f"{ratio(figures.costs, FRESH, LIMIT):.2f}",
        ),
        slow_row(figures.slow),
        *crowd_rows(figures),
        burst_row(figures.burst),
        *growth_rows(figures),
        *map(swept_row, figures.account),
        *rest_rows(figures.rest),
        scaling_row(figures.scaling),
        ("SQL statements: `order` with all it holds, a page of 20", "1, ≤ 2", "1, 1 (asserted in tests)"),
    ]


def slow_row(slow: Slow) -> Line:
    return (
        f"Stripe at 300 ms, {IN_FLIGHT} creates in flight, a pool of 10, one process",
        "≥ 95 % of 1,000 a second or of one core",
        f"held to {slow.part} of a core, it used {slow.busy / slow.part:.0%} of that: {slow.per_second:.0f} a second; "
        f"{slow.other} errors",
    )


def crowd_rows(figures: Figures) -> list[Line]:
    return [
        *(line for each in figures.sales for line in sale_rows(each)),
        flood_row(figures.flood),
        *map(beside_row, figures.beside),
    ]


def sale_rows(sale: SaleFigures) -> list[Line]:
    who = f"{sale.users:,} customers within 10 s, Stripe takes 25 a second"
    return [
        (
            f"{who}: until all are served / the limit's own time; order of arrival and of service",
            "≤ 1.15; ≥ 0.95",
            f"{sale.ratio:.2f}; {sale.in_order:.3f}; {sale.gave_up} gave up; load {sale.busy:.0f}",
        ),
        (
            "the same: calls at Stripe for an order; rows written for those refused; 429s",
            "≤ 1.1; 0; 0",
            f"{sale.calls_per_order:.2f}; {sale.rows}; {sale.told_off}",
        ),
        (
            "the same: `createOrder` p99, `/livez` p99, memory",
            "≤ 1 s, ≤ 0.25 s, ≤ 180 MB",
            f"{sale.create_order_p99 / 1e3:.2f} s, {sale.alive_p99 / 1e3:.2f} s, {sale.memory:.0f} MB",
        ),
    ]


def flood_row(flood: Flood) -> Line:
    return (
        f"{flood.events:,} webhooks in a second, Stripe takes 25 a second: until all are PAID / the limit's own time",
        "≤ 1.2",
        f"{flood.ratio:.2f}; {flood.paid} of {flood.events} paid; load {flood.busy:.0f}",
    )


def beside_row(beside: Beside) -> Line:
    who = f"{beside.pollers} who poll" if beside.pollers else f"{beside.followers:,} followers"
    return (
        f"webhook → PAID p99 beside {who}; `createPaymentIntent` again refused",
        "≤ 2 s; 0",
        f"{beside.paid_p99:.2f} s ({beside.paid} of {beside.events}); {beside.refused} of {beside.again}; "
        f"load {beside.busy:.0f}",
    )


def burst_row(burst: Burst) -> Line:
    return (
        f"{EVENTS:,} webhook events of another application in a second: until the 200",
        "p99 ≤ 50 ms, none stored",
        f"p50 {burst.median:.0f} ms, p99 {burst.p99:.0f} ms; {burst.stored} stored; "
        f"{burst.microseconds:.0f} µs of CPU each",
    )


def growth_rows(figures: Figures) -> list[Line]:
    worst = max(growth_bars(figures), key=lambda bar: bar.value)
    items = figures.few.create_with_500_items / figures.few.create
    few, many = figures.orders
    return [
        (f"cost at {many:,} orders / at {few:,}", "≤ 1.15", f"{worst.value:.2f} ({worst.label})"),
        ("create for an order of 500 items / of 3, server and database", "≤ 1.5", f"{items:.2f}"),
    ]


def swept_row(swept: Swept) -> Line:
    return (
        f"sweep {swept.number} with {swept.orders:,} open orders beside {EVENTS_A_MONTH:,} events a month of others, "
        f"Stripe at {LATENCY} s and {RATE_OF_ACCOUNT:.0f} calls a second",
        "within a minute, nothing late",
        f"{swept.seconds:.0f} s, {sum(swept.calls.values())} calls, {swept.late} late",
    )


def rest_rows(rest: Rest) -> list[Line]:
    return [
        ("CPU of a request with two workers / with one", "", f"{rest.two_workers:.2f}"),
        ("memory of a worker, at rest and under load", "≤ 120 MB", f"{rest.idle:.0f}, {rest.loaded:.0f} MB"),
        ("`serve` to `/readyz` 200", "≤ 1.0 s", f"{rest.ready:.2f} s"),
    ]


def scaling_row(scaling: float | None) -> Line:
    found = "not measured: no CPU quotas here" if scaling is None else f"{scaling:.2f}"
    return (f"requests a second of two workers / of one, each held to {PART} of a core", "≥ 1.8", found)


def peer_rows(full: Mapping[str, Peer], pace: Mapping[str, Peer]) -> list[Line]:
    if not full:
        return [("beside Express, Apollo Server and Mercurius", "", "not measured: no Node here")]
    ours, again = full["ours"].cpu, full["ours again"].cpu
    words = {
        "express": ("Express", "≤ 0.85, again ≤ 0.65"),
        "apollo": ("Apollo Server", ""),
        "mercurius": ("Fastify with Mercurius, which records nothing", ""),
        "durable": ("the same with our two durable rows", "≤ 2.4"),
    }
    return [
        *(
            (
                f"CPU of `createPaymentIntent` / {word}",
                target,
                f"{ours / full[name].cpu:.2f}, again {again / full[name].cpu:.2f}",
            )
            for name, (word, target) in words.items()
        ),
        pace_row(pace["ours"], pace["durable"]),
    ]


def pace_row(ours: Peer, durable: Peer) -> Line:
    return (
        "the same at Stripe's own pace (27 calls a second of 100 ms): CPU; p50; p99",
        "≤ 0.97; less; less",
        f"{ours.cpu / durable.cpu:.2f}; {ours.p50:.1f} ms, {durable.p50:.1f} there; "
        f"{ours.p99:.1f} ms, {durable.p99:.1f} there",
    )


def write(figures: Figures) -> Path:
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "microseconds.svg").write_text(
        drawn(layers(figures.costs), "µs", "Where the microseconds of a createPaymentIntent go")
    )
    few, many = figures.orders
    (IMAGES / "growth.svg").write_text(
        drawn(growth_bars(figures), "×", f"Cost at {many:,} orders, where 1 is its cost at {few:,}")
    )
    table = "\n".join(f"| {what} | {target} | {found} |" for what, target, found in rows(figures))
    middle = medians(figures.costs)
    costs = "\n".join(
        f"| {name} | {middle[name]:.0f} | {min(values):.0f} |" for name, values in figures.costs.items()
    )
    spread = statistics.median(max(v) / min(v) for v in figures.costs.values())
    PAGE.write_text(TEXT.format(table=table, costs=costs, machine=machine(), spread=spread))
    return PAGE


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


TEXT = (Path(__file__).parent / "performance.template.md").read_text()
