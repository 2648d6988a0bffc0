"""Processes of this machine, by their ids."""

import os


def is_alive(pid: int) -> bool:
    """Whether there is a process of this id, be it another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
