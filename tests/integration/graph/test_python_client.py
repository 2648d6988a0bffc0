"""A Python client that ariadne-codegen makes of schema.graphql: its types are complete, and it works.

`make python-client` installs the generator, in a virtual environment of its own.
"""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from main import build_app
from sandbox.serve import served
from settings import Settings
from tests.make import Shop
from tests.sockets import token

ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).with_name("python_client")
THEIRS = FOLDER / ".venv/bin"


async def run(program: Path | str, *arguments: str, here: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=here, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, output.decode()


@pytest.fixture
async def workshop(tmp_path: Path) -> Path:
    """A shop's own code, and the client that was generated for it."""
    if not (THEIRS.parent / ".ready").exists():
        reason = "ariadne-codegen is not installed: make python-client"
        if os.environ.get("PAYGRAPH_REQUIRE_PYTHON_CLIENT") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    for file in (*FOLDER.glob("*.*"), ROOT / "schema.graphql"):
        if file.is_file():
            shutil.copy(file, tmp_path)
    code, output = await run(THEIRS / "ariadne-codegen", "--config", "codegen.toml", here=tmp_path)
    assert code == 0, output
    return tmp_path


async def test_a_generated_client_orders_pays_cancels_and_follows(
    workshop: Path, settings: Settings, shop: Shop
) -> None:
    product_id = await shop.product(unit_amount=1_999)
    async with served(build_app(settings)) as url:
        arguments = ["shop.py", f"{url}/graphql", token(), str(product_id)]
        code, output = await run(THEIRS / "python", *arguments, here=workshop)

    assert code == 0, output
    assert json.loads(output) == [
        [3_998, "USD", "UTC"],
        ["pay 3998 pi_", "pay 3998 pi_"],
        [True],
        ["PENDING", "CANCELED"],
        ["ORDER_NOT_PAYABLE CANCELED", "ORDER_NOT_FOUND"],
        ["UNAUTHENTICATED"],
    ]


async def test_its_types_know_every_case_and_mypy_misses_one_that_is_forgotten(workshop: Path) -> None:
    mypy = ("-m", "mypy", "shop.py")
    code, output = await run(sys.executable, *mypy, here=workshop)
    assert code == 0, output

    source = (workshop / "shop.py").read_text()
    case = "            | CreatePaymentIntentCreatePaymentIntentPaymentProviderUnavailable()\n"
    assert case in source
    (workshop / "shop.py").write_text(source.replace(case, ""))
    code, output = await run(sys.executable, *mypy, here=workshop)
    assert code
    assert 'Argument 1 to "assert_never" has incompatible type' in output
