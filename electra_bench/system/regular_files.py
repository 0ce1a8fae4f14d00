"""Input must be files: a pipe would be waited for, and gives its content only once."""

import os
import stat

_SORTS = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"))


def refuse_special(path: str | os.PathLike[str]) -> None:
    """Checks that a path is no pipe, socket or device; it need not exist.

    Raises:
        ValueError: it is one.
    """
    path = os.fspath(path)
    if "://" in path:
        return
    try:
        mode = os.stat(path).st_mode
    except OSError:  # whoever opens it says it best
        return
    for is_sort, name in _SORTS:
        if is_sort(mode):
            raise ValueError(
                f"{path}: a {name}, expected a file; write its content to one first"
            )
