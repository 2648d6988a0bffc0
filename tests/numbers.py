"""What `/metrics` says, read as Prometheus reads it."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, frozenset[tuple[str, str]]]


class Numbers(Counter[Sample]):
    """Values by name and labels."""

    def of(self, name: str, **labels: str) -> float:
        return self[name, frozenset(labels.items())]

    def since(self, before: "Numbers") -> "Numbers":
        changed = {sample: value - before[sample] for sample, value in self.items()}
        return Numbers({sample: value for sample, value in changed.items() if value})

    def labelled(self, name: str) -> dict[tuple[str, ...], float]:
        """By the values of the labels, in the order of their names."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (found, labels), number in self.items()
            if found == name
        }


def numbers_of(text: str) -> Numbers:
    numbers = Numbers()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            numbers[sample.name, frozenset(sample.labels.items())] = sample.value  # type: ignore[assignment]
    return numbers
