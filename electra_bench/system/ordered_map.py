"""A function over a stream of items on several processes, results in order."""

import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    processes: int,
    preload: Sequence[str] = (),
) -> Iterator[tuple[Item, Result]]:
    """Every item with its result; few items are on the way at any time.

    Args:
        function: picklable.
        items: read by the calling process, only as fast as the results are taken.
        processes: workers; 1 works in the calling process.
        preload: modules that the workers need and that take long to import.

    Raises:
        RuntimeError: a worker died.
    """
    if processes == 1:
        for item in items:
            yield item, function(item)
        return
    # Workers are forked from a fresh process that has imported what they need: the caller
    # may run TensorFlow, whose threads do not survive a fork.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *preload])
    pool = concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_start_worker
    )
    # A script without `if __name__ == "__main__"` would run again in every worker.
    needs_main = b"__main__" in pickle.dumps(function)
    start = contextlib.nullcontext if needs_main else _hidden_main
    waiting: deque[tuple[Item, concurrent.futures.Future]] = deque()
    try:
        for item in items:
            # A worker starts here, if one does.
            with start():
                waiting.append((item, pool.submit(function, item)))
            if len(waiting) > 2 * processes + 2:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process died: it was killed or ran out of memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Workers that start now do not import what the calling process was started with."""
    main = vars(sys.modules["__main__"])
    names = {"__spec__", "__file__"} & main.keys()
    hidden = {name: main.pop(name) for name in names}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)


def _first(waiting: deque) -> tuple:
    item, future = waiting.popleft()
    return item, future.result()


def _start_worker() -> None:
    # Ctrl-C is the caller's to handle; and no worker outlives a killed caller.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([parent])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
