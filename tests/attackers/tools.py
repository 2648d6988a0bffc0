"""Programs written elsewhere that look for our faults, in an environment of their own: `make attackers`."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
BIN = FOLDER / ".venv/bin"
PATIENCE = 300


@dataclass(frozen=True)
class Outcome:
    code: int | None
    out: str


async def attack(program: str, *arguments: str | Path, here: Path) -> Outcome:
    """Run a program to its end, with nothing of ours in its environment. A test that can't run says why."""
    if not (BIN.parent / ".ready").exists():
        reason = f"{program} is not installed: make attackers"
        if os.environ.get("PAYGRAPH_REQUIRE_ATTACKERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    process = await asyncio.create_subprocess_exec(
        BIN / program,
        *arguments,
        cwd=here,
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(here), "SEMGREP_SEND_METRICS": "off"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    return Outcome(process.returncode, output.decode(errors="replace"))
