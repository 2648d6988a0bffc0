"""The 61 audits of the GraphQL over HTTP specification, by its authors' own tool: MUST, SHOULD and MAY.

`npm ci` in graphql_http/ installs it.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from main import build_app
from sandbox.serve import served
from settings import Settings

FOLDER = Path(__file__).with_name("graphql_http")
AUDITS = 61


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found and (FOLDER / "node_modules").exists():
        return found
    reason = f"the audits are not installed: npm ci --ignore-scripts --prefix {FOLDER}"
    if os.environ.get("PAYGRAPH_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


async def test_all_audits_of_graphql_over_http_pass(settings: Settings, node: str) -> None:
    async with served(build_app(settings)) as url:
        process = await asyncio.create_subprocess_exec(
            node, FOLDER / "audit.mjs", f"{url}/graphql", stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 60)

    results = json.loads(output)
    assert len(results) == AUDITS
    assert not [result for result in results if result["status"] != "ok"]
