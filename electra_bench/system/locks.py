"""Locks on files, which the kernel lets go of when their process dies."""

import fcntl
from typing import IO


def lock(file: IO | int, *, wait: bool = False) -> bool:
    """Takes the lock on an open file; False if another process has it.

    Args:
        file: the file, or the number of one, or of a folder.
        wait: whether to wait until no other process has it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def is_locked(path: str) -> bool:
    """Whether a living process holds the lock on a file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
