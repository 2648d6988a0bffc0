"""Imported before the others: what imports make stays until the end, so that nothing of it is looked through.

Looking for garbage among it was two fifths of the CPU of a command's start and end.
"""

import atexit
import gc

gc.disable()
atexit.register(gc.freeze)  # else the interpreter looks through all of it twice before it drops it


def all_is_imported() -> None:
    gc.freeze()
    gc.enable()
