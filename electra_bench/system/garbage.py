"""When Python looks for garbage: not while a run starts, and seldom later.

Python looks when a few hundred objects were made, now and then among all that there are.
TensorFlow alone is 800,000, which live as long as the process, and a file that is read is
as many again: a quarter of the imports and half of the reading went into it, see
docs/design/trainer.md.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator

# Objects that are made between two looks: Python's own 700 are of another time.
OBJECTS = 50_000


def look_seldom() -> None:
    """Looks for garbage seldom from now on, for as long as the process lives.

    Called when modules are all that there is: the first time, what is there is left out of
    every later look.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(OBJECTS)


@contextlib.contextmanager
def none_before_work() -> Iterator[Callable[[], None]]:
    """Looks for no garbage until the function that it gives is called, or to its end."""
    was_enabled = gc.isenabled()
    gc.disable()

    def begin() -> None:
        if was_enabled:
            gc.enable()

    try:
        yield begin
    finally:
        begin()
