"""What this process counts of its sweeps."""

from prometheus_client import Counter

from runtime.metrics import COUNTS

SWEEPS = Counter("paygraph_sweeps", "Sweeps of this server, by how they ended.", ["outcome"], registry=COUNTS)
SWEEP_FINDINGS = Counter(
    "paygraph_sweep_findings", "What sweeps of this server did, by name.", ["finding"], registry=COUNTS
)
