"""Runs a suite as planned."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from electra_bench.runs.lifecycle import accept_code
from electra_bench.runs.suite import Setup
from electra_bench.runs.suite_plan import Step, check_fits
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.executor import Executor
from electra_bench.suites.local import LocalExecutor
from electra_bench.suites.schedule import Outcome, Schedule
from electra_bench.suites.status import is_locked
from electra_bench.suites.suite import write_plan

LOCK = ".suite.lock"


def check_alone(setup: Setup) -> None:
    """Checks that no suite is at work in the folder, before the checks that take longer.

    Raises:
        ValueError: one is.
    """
    path = os.path.join(setup.suite.workdir, LOCK)
    if is_locked(path):
        with open(path, encoding="utf-8") as lock:
            raise ValueError(_taken(setup.suite.workdir, lock.read()))


def _taken(workdir: str, process: str) -> str:
    return (
        f"another suite is at work in {workdir} (process {process.strip()}); wait for "
        "it, stop it, or choose another --workdir"
    )


def local_executor(setup: Setup) -> LocalExecutor:
    """The executor of this machine within the suite's budget."""
    return LocalExecutor(setup.cores, setup.memory_bytes)


def run(setup: Setup, steps: Sequence[Step], begin: Callable[[], None]) -> Outcome:
    """Runs what is to be run.

    Args:
        setup: the suite.
        steps: its plan.
        begin: called once everything was found in order.

    Raises:
        ValueError: another suite is at work in the folder, or a cell does not fit the
            budget.
        ImportError: Ray is not installed.
        KeyboardInterrupt: interrupted; the same command goes on.
    """
    suite = setup.suite
    jobs = [step.job for step in steps if step.runs]
    with _alone(suite.workdir), _executor(setup, bool(jobs)) as executor:
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
def _executor(setup: Setup, needed: bool) -> Iterator[Executor]:
    if setup.executor == "ray" and needed:
        try:
            from electra_bench.suites.ray_cluster import RayExecutor
        except ImportError as error:
            raise ImportError(
                f"--executor=ray needs Ray, the extra ray ({error})"
            ) from error
        executor: Executor = RayExecutor(
            setup.ray_address, setup.cores, setup.memory_bytes
        )
    else:
        executor = local_executor(setup)
    try:
        yield executor
    finally:
        executor.close()


@contextlib.contextmanager
def _alone(workdir: str) -> Iterator[None]:
    """Holds the folder; the kernel lets go of it when this process dies."""
    os.makedirs(workdir, exist_ok=True)
    path = os.path.join(workdir, LOCK)
    with open(path, "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ValueError(_taken(workdir, lock.read())) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
