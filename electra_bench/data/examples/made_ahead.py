"""Making what is needed next while what was made is used."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast

Made = TypeVar("Made")
Number = TypeVar("Number")

# Made and not yet used.
AHEAD = 4


def made_ahead(
    make: Callable[[Number], Made],
    numbers: Iterable[Number],
    ahead: int = AHEAD,
    waited: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Made]:
    """Yields `make(number)` for every number, in order, made by a thread of its own.

    tf.data makes nothing ahead behind a Python function while operations are to be
    deterministic. The order is kept here, so nothing else can differ.

    Args:
        make: makes one.
        numbers: of what.
        ahead: how many may be waiting to be used.
        waited: is told how many seconds each was waited for.

    Raises:
        Exception: what `make` has raised, where its result would have come.
    """
    waiting: queue.Queue[tuple[Made | None, BaseException | None]] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(made: Made | None, error: BaseException | None = None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                return waiting.put((made, error), timeout=0.1)

    def work() -> None:
        try:
            for number in numbers:
                if stopped.is_set():
                    return
                put(make(number))
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)

    threading.Thread(target=work, name="made ahead", daemon=True).start()
    try:
        while True:
            asked = time.perf_counter()
            made, error = waiting.get()
            waited(time.perf_counter() - asked)
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield cast(Made, made)
    finally:
        stopped.set()
