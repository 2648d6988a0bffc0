"""Tools from Node that judge what we say: copies of their folders to work in, and what they print."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def needs_node(folder: Path) -> str:
    """Where Node is; without it, or the packages of `folder`, the test is skipped, or fails where they must be."""
    found = shutil.which("node")
    if found and (folder / "node_modules").exists():
        return found
    reason = f"the tools are not installed: npm ci --ignore-scripts --prefix {folder}"
    if os.environ.get("PAYGRAPH_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def workshop_of(folder: Path, place: Path) -> Path:
    """A copy of a folder's files in `place`, with the schema and the tools beside them."""
    needs_node(folder)
    for file in (*folder.glob("*.*"), ROOT / "schema.graphql"):
        if file.is_file():
            shutil.copy(file, place)
    (place / "node_modules").symlink_to(folder / "node_modules")
    return place


async def run(workshop: Path, tool: str, *arguments: str) -> tuple[int | None, str]:
    """The exit code of a tool, or of Node itself, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        tool if tool == "node" else workshop / "node_modules/.bin" / tool,
        *arguments,
        cwd=workshop,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, output.decode()
