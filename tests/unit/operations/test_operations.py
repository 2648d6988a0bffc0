"""What docs/operations gives to operators works: every number it names is one that `/metrics` emits."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import generate_latest

from models.payments.tables import PaymentState
from runtime.metrics import COUNTS
from services.notifications.metrics import DeliveryResult
from services.operations.database_metrics import Figures
from services.operations.metrics_endpoint import metrics_of
from settings import Settings
from tests.numbers import numbers_of

FOLDER = Path(__file__).parents[3] / "docs" / "operations"
OF_PROMETHEUS = {"up", "job", "instance", "le"}
WORD = re.compile(r"\bpaygraph_\w+")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")


def emitted() -> tuple[set[str], set[str]]:
    """Names of samples, and names of labels."""
    names, labels = set(), set()
    for family in COUNTS.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
        names |= {family.name + suffix for suffix in suffixes[family.type]}
    for collector in COUNTS._collector_to_names:  # noqa: SLF001  a family without samples has no labels to show
        labels |= set(getattr(collector, "_labelnames", ()))
    everything = Figures(
        True,
        0.0,
        {"dispute_open": 1},
        {"open": 1},
        {"open": 1},
        1,
        1,
        1,
        1,
        {"events": 1},
        {"events": 1},
        1,
        1,
        1,
        1,
        1,
    )
    shown = numbers_of(metrics_of(everything).decode())
    return names | {name for name, _ in shown}, labels | {
        name for _, pairs in shown for name, _ in pairs
    } | OF_PROMETHEUS  # fmt: skip


def expressions() -> Iterator[str]:
    board: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    # One expression a line, or folded over the indented lines that follow.
    for rule in re.split(r"- alert:", (FOLDER / "alerts.yaml").read_text())[1:]:
        found = re.search(r"expr: (?:>-\n)?(.*?)\n\s+(?:for|labels):", rule, re.DOTALL)
        assert found, rule
        yield found[1]


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_names_what_is_emitted(expression: str) -> None:
    names, labels = emitted()
    assert set(WORD.findall(expression)) <= names
    used = {*MATCHER.findall(expression)}
    used |= {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
    assert used <= labels


def test_every_number_is_told_of_and_shown() -> None:
    names, _ = emitted()
    bases = {re.sub("_(bucket|sum|count)$", "", name) for name in names}
    table = (FOLDER / "README.md").read_text()
    shown = " ".join(expressions())
    assert {name for name in bases if name not in table} == set()
    assert {name for name in bases if name not in shown} == set()


def test_every_state_of_a_payment_is_shown_even_if_nothing_is_in_it() -> None:
    shown = numbers_of(metrics_of(Figures(True, 0.0)).decode())
    assert shown.labelled("paygraph_payments_moved") == {(state.value,): 0 for state in PaymentState}


def test_every_result_of_a_webhook_has_a_series_from_the_start() -> None:
    shown = numbers_of(generate_latest(COUNTS).decode())
    assert shown.labelled("paygraph_webhook_tries_total").keys() >= {(each.value,) for each in DeliveryResult}


def test_the_image_is_made_of_what_there_is() -> None:
    image = (FOLDER / "Containerfile").read_text()
    root = FOLDER.parents[1]
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", image, re.MULTILINE)
    taken = (root / ".dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert (root / name).exists(), name
        assert f"!{name}" in taken
    assert f"EXPOSE {Settings.model_fields['port'].default}" in image


def test_each_alert_has_its_smallest_cause_in_the_rules_test_which_names_real_numbers() -> None:
    """`make try-alerts` gives the file to promtool; its series are among those that `/metrics` emits."""
    causes = yaml.safe_load((FOLDER.parents[1] / "tests" / "production" / "alerts.test.yaml").read_text())
    rules = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yaml").read_text())
    fired = {each["name"].partition(",")[0] for each in causes["tests"][1:]}
    assert fired == set(rules)
    names, labels = emitted()
    for each in causes["tests"]:
        for series in each["input_series"]:
            assert set(WORD.findall(series["series"])) <= names, series
            assert {*MATCHER.findall(series["series"])} <= labels, series
