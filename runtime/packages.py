"""Imported before anything that is installed: says so where nothing is, as with the system's own Python."""

import sys
from importlib.util import find_spec

if find_spec("structlog") is None:
    sys.exit(
        f"Paygraph's packages are not installed in {sys.executable}. `make run` installs what the demo needs and "
        "starts it; then the commands are `.venv/bin/python main.py …`. A server's are in docs/deploy.md."
    )
