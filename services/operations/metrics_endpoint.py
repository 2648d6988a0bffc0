"""What `/metrics` answers, in Prometheus's text format: counts of the processes, and figures of the database.

With several workers each writes its counts into files of one temporary folder, and the worker that is
scraped adds them up.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.attention.tables import AttentionKind
from models.payments.tables import LIVE, PaymentState
from runtime.database.database import Database
from runtime.database.pool_gauges import show
from runtime.metrics import COUNTS
from services.operations.database_metrics import FigureReader, Figures
from services.operations.worker_counts import FOLDER, add_up_the_dead, alone_in

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsEndpoint:
    def __init__(self, database: Database, figures: FigureReader | None = None) -> None:
        self._database = database
        self._figures = figures or FigureReader(database)

    async def text(self) -> bytes:
        show(self._database)
        figures = await self._figures.read()
        # Adding up the workers' files takes some milliseconds for each of them.
        return await asyncio.to_thread(lambda: counted() + metrics_of(figures))


def counted() -> bytes:
    """What was counted by this process, or by all workers beside it, in Prometheus's text format."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return generate_latest(COUNTS)
    shared = CollectorRegistry()
    with alone_in(Path(folder)):
        add_up_the_dead(Path(folder))
        multiprocess.MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def metrics_of(figures: Figures) -> bytes:
    registry = CollectorRegistry()
    registry.register(_DatabaseMetrics(figures))
    return generate_latest(registry)


class _DatabaseMetrics(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        figures = self._figures
        up = "Whether the database answered the last time it was asked for these figures."
        yield gauge("paygraph_database_up", up, int(figures.database_answers))
        if not figures.database_answers or figures.counted_seconds_ago is None:
            return
        yield gauge(
            "paygraph_figures_age_seconds",
            "How old the figures of the database are: counting is cut short where VACUUM is overdue.",
            figures.counted_seconds_ago,
        )
        yield from self._counts()
        yield from self._steps()
        yield from self._single_numbers()

    def _counts(self) -> Iterable[Metric]:
        figures = self._figures
        yield by_word(
            "paygraph_attention_open",
            "Cases that wait for a person, by kind; counted to 100,000.",
            figures.attention,
            "kind",
            AttentionKind,
        )
        yield by_state(
            "paygraph_payments", "Payments that are live, by state; counted to 100,000.", figures.live, LIVE
        )
        yield by_state(
            "paygraph_payments_moved",
            "Payments that went into a state in the last five minutes, of the newest 20,000 changes.",
            figures.moved,
            PaymentState,
        )

    def _steps(self) -> Iterable[Metric]:
        figures = self._figures
        yield by_step(
            "paygraph_sweep_step_age_seconds",
            "Since the last run of each of the sweep's steps began that came to its end.",
            figures.step_ages,
        )
        yield by_step(
            "paygraph_sweep_step_seconds",
            "How long the last run of each of the sweep's steps took.",
            {name: milliseconds / 1_000 for name, milliseconds in figures.step_milliseconds.items()},
        )

    def _single_numbers(self) -> Iterable[Metric]:
        figures = self._figures
        single = {
            "events_pending": ("Stripe events received and not finished.", figures.events_pending),
            "events_oldest_seconds": (
                "How long the oldest of them waits; 0 for none.", figures.oldest_event_seconds
            ),
            "sweep_age_seconds": (
                "Since the last whole sweep of any server began; absent before the first.",
                figures.swept_seconds_ago,
            ),
            "sweep_failing": (
                "Items that the sweep could not deal with and tries again.", figures.sweep_failing
            ),
            "shop_events_unpublished_seconds": (
                "How long an event of the shop's waits for its place in the feed; 0 for none.",
                figures.unpublished_seconds,
            ),
            "webhook_deliveries_due": (
                "Webhook deliveries that are to be made; counted to 20,000.", figures.deliveries_due
            ),
            "webhook_undelivered_seconds": (
                "How long the oldest of them has been tried; 0 for none.", figures.undelivered_seconds
            ),
            "webhook_overdue_seconds": (
                "By how much the next try at an endpoint that is well is late; 0 for none.",
                figures.overdue_seconds,
            ),
            "webhook_endpoints_failing": (
                "Enabled endpoints whose last try failed.", figures.endpoints_failing
            ),
        }  # fmt: skip
        yield from (
            gauge(f"paygraph_{name}", about, value)
            for name, (about, value) in single.items()
            if value is not None
        )


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value)


def by_state(
    name: str, about: str, counts: Mapping[str, int], states: Iterable[PaymentState]
) -> GaugeMetricFamily:
    return by_word(name, about, counts, "state", states)


def by_step(name: str, about: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=["step"])
    for step, value in values.items():
        family.add_metric([step], value)
    return family


def by_word(
    name: str, about: str, counts: Mapping[str, int], label: str, words: Iterable[StrEnum]
) -> GaugeMetricFamily:
    """A series for each word, also for those that count 0: an alert needs to see them rise."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for word in words:
        family.add_metric([word.value], counts.get(word.value, 0))
    return family
