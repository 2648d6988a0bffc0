"""Imports that leave something out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving_out(*packages: str) -> Iterator[None]:
    """Within the block `import` finds none of these packages, unless they were imported before.

    For a library that takes whatever is installed and gets along without.
    """
    absent = [name for name in packages if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # which says that there is none
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
