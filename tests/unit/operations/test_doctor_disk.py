"""The doctor judges a disk by what is left of it: a small one that was made for the metrics alone is well."""

from pathlib import Path

import pytest

from services.operations.doctor.findings import Verdict
from services.operations.doctor.machine import judge_disk

MB, GB = 2**20, 2**30
FOLDER = Path("/tmp")  # noqa: S108  only its name is told


@pytest.mark.parametrize(
    ("total", "free", "verdict", "told"),
    [
        (
            16 * MB,
            15 * MB,
            Verdict.OK,
            "15 MB free at /tmp",
        ),  # as docs/operations/kubernetes.yaml gives a pod
        (16 * MB, 7 * MB, Verdict.WARNING, "7 MB free at /tmp"),
        (16 * MB, 3 * MB, Verdict.WRONG, "3 MB free at /tmp"),
        (500 * GB, 2 * GB, Verdict.OK, "2.0 GB free at /tmp"),
        (500 * GB, 500 * MB, Verdict.WARNING, "500 MB free at /tmp"),
        (500 * GB, 99 * MB, Verdict.WRONG, "99 MB free at /tmp"),
    ],
)
def test_a_disk_is_judged_by_its_size(total: int, free: int, verdict: Verdict, told: str) -> None:
    finding = judge_disk(FOLDER, total, free)
    assert (finding.verdict, finding.told) == (verdict, told)
