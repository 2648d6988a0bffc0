"""What the doctor found: a line each, and whether it keeps the shop from working."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from runtime.encoding import to_json


class Verdict(StrEnum):
    """`WARNING` is what works and is most likely not meant; `WRONG` needs a person to act."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is a few words, `told` what was found; `advice` says what to do unless it is well."""

    about: str
    verdict: Verdict
    told: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:<8}{self.about}: {self.told}{f' → {self.advice}' if self.advice else ''}"


def ok(about: str, told: str) -> Finding:
    return Finding(about, Verdict.OK, told)


def warning(about: str, told: str, advice: str) -> Finding:
    return Finding(about, Verdict.WARNING, told, advice)


def wrong(about: str, told: str, advice: str) -> Finding:
    return Finding(about, Verdict.WRONG, told, advice)


def is_well(findings: Iterable[Finding]) -> bool:
    return not any(finding.verdict is Verdict.WRONG for finding in findings)


def as_lines(findings: Sequence[Finding]) -> str:
    return "\n".join(map(str, findings))


def as_json(findings: Sequence[Finding]) -> str:
    checks = [{**asdict(finding), "verdict": finding.verdict.value} for finding in findings]
    return to_json({"ok": is_well(findings), "checks": checks}, str).decode()
