"""What this process counts of its sweeps."""

from prometheus_client import Counter, Gauge

from runtime.metrics import COUNTS

SWEEPS = Counter("paygraph_sweeps", "Sweeps of this server, by how they ended.", ["outcome"], registry=COUNTS)
SWEEP_FINDINGS = Counter(
    "paygraph_sweep_findings", "What sweeps of this server did, by name.", ["finding"], registry=COUNTS
)
NEEDS_A_PERSON = Gauge(
    "paygraph_needs_a_person",
    "What only a person can decide, as this server's last sweep found.",
    registry=COUNTS,
    multiprocess_mode="livemostrecent",
)
