"""Typed clients: what codegen makes of schema.graphql compiles strictly, and the schema passes its linter.

`npm ci` in typed_clients/ installs the tools.
"""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from graph.serving.answers import AWAY
from graph.serving.http import TOO_LONG, refusal
from tests.node import ROOT, run, workshop_of

FOLDER = Path(__file__).with_name("typed_clients")
# The id of Stripe's PaymentIntent, which is a name of its own and not the payment's `id`.
STRIPES_OWN_NAMES = [("@graphql-eslint/no-typename-prefix", "paymentIntentId")]


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workshop in which codegen has been; to be copied."""
    place = workshop_of(FOLDER, tmp_path_factory.mktemp("made"))
    code, output = await run(place, "graphql-codegen", "--config", "codegen.yml")
    assert code == 0, output
    return place


@pytest.fixture
def workshop(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workshop", symlinks=True)


async def test_a_client_that_handles_every_case_compiles_strictly(workshop: Path) -> None:
    assert await run(workshop, "tsc", "-p", ".") == (0, "")


@pytest.mark.parametrize(
    "case",
    [
        '    case "PaymentProviderUnavailable":\n',
        '    case "REVIEW":\n',
        '    case "InvalidOrder":\n      return { say: result.message };\n',
    ],
    ids=["refusal", "status", "refusal with a message"],
)
async def test_a_client_that_forgets_a_case_does_not_compile(workshop: Path, case: str) -> None:
    consumer = workshop / "consumer.ts"
    assert case in consumer.read_text()
    consumer.write_text(consumer.read_text().replace(case, ""))

    code, output = await run(workshop, "tsc", "-p", ".")

    assert code
    assert "is not assignable to parameter of type 'never'" in output


SAMPLES = re.findall(r"```ts\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL)


def write_samples(workshop: Path) -> list[Path]:
    """The documentation's samples as files, in its order."""
    for number, sample in enumerate(SAMPLES):
        here = sample.replace("${token}", "${token()}").replace("{ … }", "{ me { id } }")
        (workshop / f"sample{number}.ts").write_text(f"{here}\nexport {{}}\n")
    return [workshop / f"sample{number}.ts" for number in range(len(SAMPLES))]


async def test_every_sample_of_the_documentation_compiles(workshop: Path) -> None:
    (workshop / "world.d.ts").write_text("declare function token(): string\ndeclare const id: string")
    (workshop / "sha256.ts").write_text("export declare function sha256(text: string): Promise<string>")
    config = json.loads((workshop / "tsconfig.json").read_text())
    config["include"] = ["world.d.ts", "sample*.ts"]
    (workshop / "tsconfig.json").write_text(json.dumps(config))

    assert len(write_samples(workshop)) == 8
    assert await run(workshop, "tsc", "-p", ".") == (0, "")


async def test_the_documented_clients_repeat_what_the_server_had_no_time_for(workshop: Path) -> None:
    late = refusal(503, TOO_LONG)
    away = {
        "data": {"cancelOrder": None},
        "errors": [{"message": AWAY, "extensions": {"code": "SERVICE_UNAVAILABLE"}}],
    }
    refusals = [
        {"status": 503, "type": late.headers["content-type"], "body": bytes(late.body).decode()},
        {"status": 200, "type": "application/json", "body": json.dumps(away)},
    ]
    clients = [file.name for file in write_samples(workshop) if "export const client" in file.read_text()]

    assert len(clients) == 2
    runs = [run(workshop, "node", "retries.mjs", client, json.dumps(refusals)) for client in clients]
    assert await asyncio.gather(*runs) == [(0, '[3,"OrderNotFound"]\n')] * 2


async def test_a_scalar_without_a_type_is_refused_by_name(workshop: Path) -> None:
    config = workshop / "codegen.yml"
    config.write_text(config.read_text().replace("        MinorUnits: number\n", ""))

    code, output = await run(workshop, "graphql-codegen", "--config", "codegen.yml")

    assert code
    assert "Unknown scalar type MinorUnits" in output


async def test_the_schema_passes_the_recommended_rules_of_graphql_eslint(workshop: Path) -> None:
    _, output = await run(workshop, "eslint", "schema.graphql", "--format", "json")

    [report] = json.loads(output)
    lines = (workshop / "schema.graphql").read_text().splitlines()
    found = [(m["ruleId"], lines[m["line"] - 1].split(":")[0].strip(" ")) for m in report["messages"]]
    assert found == STRIPES_OWN_NAMES
