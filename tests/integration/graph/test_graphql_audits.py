"""The 61 audits of the GraphQL over HTTP specification, by its authors' own tool: MUST, SHOULD and MAY.

`npm ci` in graphql_http/ installs it.
"""

import asyncio
import json
from pathlib import Path

from main import build_app
from sandbox.serve import served
from settings import Settings
from tests.node import needs_node

FOLDER = Path(__file__).with_name("graphql_http")
AUDITS = 61


async def test_all_audits_of_graphql_over_http_pass(settings: Settings) -> None:
    node = needs_node(FOLDER)
    async with served(build_app(settings)) as url:
        process = await asyncio.create_subprocess_exec(
            node, FOLDER / "audit.mjs", f"{url}/graphql", stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 60)

    results = json.loads(output)
    assert len(results) == AUDITS
    assert not [result for result in results if result["status"] != "ok"]
