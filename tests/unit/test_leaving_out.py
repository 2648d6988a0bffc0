"""An import may leave out what is installed, for the time of the block."""

import subprocess
import sys

import pytest

from runtime.leaving_out import leaving_out


def test_a_package_is_not_found_within_the_block_and_found_behind_it() -> None:
    assert "this" not in sys.modules
    with leaving_out("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules


def test_what_was_imported_before_stays() -> None:
    with leaving_out("json"):
        import json
    assert sys.modules["json"] is json


def test_a_failure_within_the_block_leaves_nothing_behind() -> None:
    with pytest.raises(RuntimeError), leaving_out("this"):
        raise RuntimeError
    assert "this" not in sys.modules


def test_a_server_does_not_load_the_http_clients_that_it_does_not_use() -> None:
    names = "requests urllib3 httpx alembic opentelemetry"
    program = f"import sys, main; print([name for name in '{names}'.split() if name in sys.modules])"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603  our own
    assert done.stdout == "[]\n"
