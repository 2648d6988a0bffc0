"""Runs pytest again and again, each time in a fork of a process that has loaded the libraries already.

A program of its own (`python -P fork_server.py`): it imports nothing of this project, since each run is of another
version of it. It reads a JSON object a line (see `Order`) and answers each with the exit code of its pytest.
"""

import gc
import importlib
import json
import math
import os
import signal
import sys
import time
import traceback
from typing import NoReturn, TypedDict

import pytest

# What takes seconds to import and doesn't depend on who imports it. A library that is missing here only costs time.
LIBRARIES = (
    "aiohttp",
    "alembic.command",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "httpx",
    "hypothesis.stateful",
    "jwt",
    "prometheus_client",
    "psycopg",
    "pytest_asyncio.plugin",
    "pytest_timeout",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlmodel",
    "starlette.applications",
    "starlette.middleware.cors",
    "starlette.staticfiles",
    "strawberry.asgi",
    "strawberry.federation",
    "strawberry.subscriptions.protocols.graphql_transport_ws.handlers",
    "stripe",
    "structlog",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "websockets.asyncio.client",
)
# By their modules; what else is installed and fits pytest stays out.
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")


class Order(TypedDict):
    """Run the tests at `node_ids` in `house`, with `environment` besides; it is killed after `seconds`."""

    house: str
    node_ids: list[str]
    environment: dict[str, str]
    seconds: int
    output: str


def run(order: Order) -> int:
    _write_to(order["output"])
    os.chdir(order["house"])
    os.environ.update(order["environment"])
    # The assertions of libraries that are loaded already can't be rewritten any more, and nobody reads those of a bug,
    # nor where it failed: for that pytest parses each file of a traceback. What a bug leaves behind isn't looked for
    # either: pytest would search all that is loaded for garbage, five times.
    words = ["-q", "-x", "--assert=plain", "--tb=native", "--disable-plugin-autoload"]
    plugins = [*PLUGINS, *(f"no:{name}" for name in ("cacheprovider", "unraisableexception"))]
    return pytest.main([*words, *(word for name in plugins for word in ("-p", name)), *order["node_ids"]])


def end_with(order: Order) -> NoReturn:
    """Without taking apart, object by object, what was loaded before the fork."""
    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        code = run(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _write_to(path: str) -> None:
    output, nothing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _exit_code(pid: int, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = math.inf
        time.sleep(0.005)


def main() -> None:
    sys.dont_write_bytecode = False  # each run compiles only what its bug changed
    gc.disable()  # what imports make stays
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        order: Order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            end_with(order)
        sys.stdout.write(f"{_exit_code(pid, order['seconds'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
