"""Cells of a suite in this process: a fresh one takes longer than all that they do."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from unittest import mock

import gin

from electra_bench.cli.main import main
from electra_bench.runs import suite, suite_check
from electra_bench.suites import run
from electra_bench.suites.executor import Capacity
from electra_bench.suites.guard import Ended, Order
from electra_bench.suites.suite import GB


class ExecutorHere:
    """Runs every cell when it is submitted; see `Executor`."""

    capacity = Capacity(1, 64 * GB)

    def submit(self, order: Order, cores: int, memory_bytes: int) -> Future[Ended]:
        """Runs a command to its end."""
        del cores, memory_bytes
        ended: Future[Ended] = Future()
        ended.set_result(_run(order, main))
        return ended

    def stop(self) -> None:
        """Nothing runs besides."""

    def close(self) -> None:
        """Holds nothing."""


def _check(order: Order) -> Ended:
    def answer(arguments):
        suite_check.main(*arguments)
        return 0

    return _run(order, answer)


def _run(order: Order, do: Callable[[list[str]], int]) -> Ended:
    """Has the arguments done that follow `python -m MODULE`."""
    began = time.monotonic()
    with (
        open(order.log, "a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        gin.clear_config()
        status = do(list(order.command[3:]))
    return Ended(status, time.monotonic() - began, 1)


@contextlib.contextmanager
def cells_here() -> Iterator[None]:
    """Has suites check and run their cells in this process."""
    with (
        mock.patch.object(suite.guard, "run", _check),
        mock.patch.object(run, "local_executor", lambda suite: ExecutorHere()),
    ):
        yield
