"""Runs a suite as planned."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from electra_bench.records.run_record import accept_code
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.executor import Executor
from electra_bench.suites.local import LocalExecutor
from electra_bench.suites.plan import Step, check_fits
from electra_bench.suites.schedule import Outcome, Schedule
from electra_bench.suites.suite import Suite, write_plan
from electra_bench.system import locks
from electra_bench.system.atomic import make_folder

LOCK = ".suite.lock"


def check_alone(suite: Suite) -> None:
    """Checks that no suite is at work in the folder, before the checks that take longer.

    Raises:
        ValueError: one is.
    """
    path = os.path.join(suite.workdir, LOCK)
    if locks.is_locked(path):
        with open(path, encoding="utf-8") as lock:
            raise ValueError(_taken(suite.workdir, lock.read()))


def _taken(workdir: str, process: str) -> str:
    return (
        f"another suite is at work in {workdir} (process {process.strip()}); wait for "
        "it, stop it, or choose another --workdir"
    )


def local_executor(suite: Suite) -> LocalExecutor:
    """The executor of this machine within the suite's budget."""
    return LocalExecutor(suite.cores, suite.memory_bytes)


def run(suite: Suite, steps: Sequence[Step], begin: Callable[[], None]) -> Outcome:
    """Runs what is to be run.

    Args:
        suite: the suite.
        steps: its plan.
        begin: called once everything was found in order.

    Raises:
        ValueError: another suite is at work in the folder, or a cell does not fit the
            budget.
        ImportError: Ray is not installed.
        KeyboardInterrupt: interrupted; the same command goes on.
    """
    jobs = [step.job for step in steps if step.runs]
    with _alone(suite.workdir), _executor(suite, bool(jobs)) as executor:
        check_fits(steps, executor.capacity, suite.threads)
        begin()
        write_plan(suite)
        for step in steps:
            if step.accepted:
                accept_code(step.cell.run_dir, step.accepted)
        attempts = Attempts(suite.workdir)
        try:
            return Schedule(suite, jobs, executor, attempts, _program).run()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"suite {suite.name} stopped; the same command goes on from there"
            ) from None


def _program(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "electra_bench", *arguments]


@contextlib.contextmanager
def _executor(suite: Suite, needed: bool) -> Iterator[Executor]:
    if suite.executor == "ray" and needed:
        try:
            from electra_bench.suites.ray_cluster import RayExecutor
        except ImportError as error:
            raise ImportError(
                f"--executor=ray needs Ray, the extra ray ({error})"
            ) from error
        executor: Executor = RayExecutor(
            suite.ray_address, suite.cores, suite.memory_bytes
        )
    else:
        executor = local_executor(suite)
    try:
        yield executor
    finally:
        executor.close()


@contextlib.contextmanager
def _alone(workdir: str) -> Iterator[None]:
    """Holds the folder; the kernel lets go of it when this process dies."""
    make_folder(workdir)
    path = os.path.join(workdir, LOCK)
    with open(path, "a+", encoding="utf-8") as lock:
        if not locks.lock(lock):
            lock.seek(0)
            raise ValueError(_taken(workdir, lock.read()))
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
