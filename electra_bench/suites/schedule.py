"""Runs cells within a budget: in order, in parallel, each tried twice."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, NamedTuple

from electra_bench.records import RecordError, RunRecord, read_record
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.cell import Cell, shown
from electra_bench.suites.executor import Executor
from electra_bench.suites.failure import failure
from electra_bench.suites.guard import GRACE_S, Ended, Order
from electra_bench.suites.progress import SuiteProgress
from electra_bench.suites.suite import Suite

TRIES = 2
# Seconds between two looks at the clock.
TICK_S = 1.0
# An interrupted command ends within its grace, and the guard a little later.
STOP_S = GRACE_S + 5.0


class Job(NamedTuple):
    """A cell to run.

    Attributes:
        cell: the cell.
        memory_bytes: that it may take.
        overwrite: whether another run in its folder is deleted.
        accept_code: whether a run in its folder that other code began goes on.
    """

    cell: Cell
    memory_bytes: int
    overwrite: bool = False
    accept_code: bool = False


class Outcome(NamedTuple):
    """How a suite ended.

    Attributes:
        done: cells that were run and have their record.
        failed: cells that failed in every try, and why.
        waiting: cells that were not run, and the cell that they wait for.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str]
    waiting: Mapping[str, str]


class _Running(NamedTuple):
    job: Job
    attempt: int
    log_start: int


# Gives the program and arguments of a cell from the arguments of `electra-bench`.
Program = Callable[[Sequence[str]], Sequence[str]]


@dataclasses.dataclass(eq=False)
class Schedule:
    """One run of a suite.

    A cell starts when those that it waits for are done and the budget has room for it; a
    later, smaller one may pass a cell that does not fit yet.

    Attributes:
        suite: the suite.
        jobs: cells to run, each after those that it waits for; all other cells of the
            suite have their records or are left out.
        executor: where they run.
        attempts: the log.
        program: what runs the arguments of a cell.
    """

    suite: Suite
    jobs: Sequence[Job]
    executor: Executor
    attempts: Attempts
    program: Program

    def __post_init__(self):
        """Nothing was done yet."""
        self._cells = {cell.cell_id: cell for cell in self.suite.cells}
        self._todo = list(self.jobs)
        self._running: dict[Future[Ended], _Running] = {}
        self._tries: dict[str, int] = {}
        self._done: list[str] = []
        self._failed: dict[str, str] = {}
        self._seconds: dict[str, list[float]] = {}

    def run(self) -> Outcome:
        """Runs everything that can be run.

        Raises:
            KeyboardInterrupt: it was interrupted; every command was stopped before.
        """
        with SuiteProgress(self.suite.name, len(self._todo)) as progress:
            try:
                while self._start(progress) or self._running:
                    ended, _ = wait(self._running, TICK_S, FIRST_COMPLETED)
                    for future in ended:
                        self._end(future, progress)
                    self._show(progress)
            except BaseException:
                self._stop()
                raise
        return Outcome(tuple(self._done), self._failed, self._stuck())

    def _start(self, progress: SuiteProgress) -> bool:
        """Starts what fits; says whether anything was started."""
        running = [running.job for running in self._running.values()]
        not_done = {job.cell.cell_id for job in self._todo + running}
        failed = {*self._failed, *self._stuck()}
        started = False
        for job in list(self._todo):
            waits = not_done.difference(failed).intersection(job.cell.waits_for)
            if self._fits(job) and not waits and not job.cell.blocked_by(failed):
                self._todo.remove(job)
                self._submit(job, progress)
                started = True
        return started

    def _fits(self, job: Job) -> bool:
        capacity = self.executor.capacity
        running = [running.job for running in self._running.values()]
        memory = sum(other.memory_bytes for other in running) + job.memory_bytes
        cores = (len(running) + 1) * self.suite.threads
        return cores <= capacity.cores and memory <= capacity.memory_bytes

    def _submit(self, job: Job, progress: SuiteProgress) -> None:
        cell, suite = job.cell, self.suite
        self._tries[cell.cell_id] = self._tries.get(cell.cell_id, 0) + 1
        try:
            done = [name for name in cell.waits_for if name not in self._failed]
            others = {name: _record(self._cells[name]) for name in done}
            found = cell.found(others)
        except (RecordError, ValueError) as error:
            self._give_up(cell, str(error), progress)
            return
        arguments = cell.arguments(
            suite.name,
            suite.plugins,
            found=found,
            overwrite=job.overwrite,
            accept_code=job.accept_code,
        )
        log = os.path.abspath(suite.log(cell))
        os.makedirs(os.path.dirname(log), exist_ok=True)
        command = shown(arguments)
        attempt = self.attempts.started(suite.name, cell.cell_id, command)
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"# attempt {attempt}: {command}\n")
            log_start = file.tell()
        order = Order(
            tuple(self.program(arguments)),
            os.getcwd(),
            environment(suite.threads),
            log,
            os.path.abspath(suite.lock(cell)),
        )
        future = self.executor.submit(order, suite.threads, job.memory_bytes)
        self._running[future] = _Running(job, attempt, log_start)

    def _end(self, future: Future[Ended], progress: SuiteProgress) -> None:
        running = self._running.pop(future)
        job, cell = running.job, running.job.cell
        reason, how = self._how_it_ended(future, running)
        self.attempts.ended(
            self.suite.name, cell.cell_id, running.attempt, **how, reason=reason
        )
        if not reason:
            self._done.append(cell.cell_id)
            self._seconds.setdefault(cell.verb, []).append(how["seconds"])
            progress.write(f"{cell.cell_id}: done in {how['seconds']:.0f} s")
        elif self._tries[cell.cell_id] < TRIES:
            progress.write(f"{cell.cell_id}: failed, tried again: {reason}")
            self._todo.insert(0, job)
        else:
            self._give_up(cell, reason, progress)

    def _how_it_ended(
        self, future: Future[Ended], running: _Running
    ) -> tuple[str, dict[str, Any]]:
        """Why a cell failed, empty if it did not, and what the log of attempts says."""
        error = future.exception()
        if error is not None:  # a worker or a machine of the cluster is lost
            return f"{type(error).__name__}: {error}", {"status": None}
        ended = future.result()
        cell = running.job.cell
        if ended.status:
            log = self.suite.log(cell)
            reason = failure(log, running.log_start, ended.status)
            return reason, dataclasses.asdict(ended)
        try:
            _record(cell)
        except RecordError as error:
            return str(error), dataclasses.asdict(ended)
        return "", dataclasses.asdict(ended)

    def _give_up(self, cell: Cell, reason: str, progress: SuiteProgress) -> None:
        self._failed[cell.cell_id] = reason
        progress.write(f"{cell.cell_id}: failed: {reason}")
        command = self.attempts.command(cell.cell_id)
        progress.write(f"  log {self.suite.log(cell)}, command {command}")

    def _stuck(self) -> dict[str, str]:
        """Cells that will not be run, and the failed one that they wait for."""
        # A failed cell blocks those after it, and they those after them.
        blocked_by = {name: name for name in self._failed}
        for job in self._todo:
            for name in job.cell.blocked_by(blocked_by):
                blocked_by[job.cell.cell_id] = blocked_by[name]
        return {
            name: failed
            for name, failed in blocked_by.items()
            if name not in self._failed
        }

    def _show(self, progress: SuiteProgress) -> None:
        running = [running.job.cell.cell_id for running in self._running.values()]
        failed = len(self._failed) + len(self._stuck())
        progress.update(len(self._done), running, failed, self._left_s())

    def _left_s(self) -> float | None:
        """Seconds that the rest takes, if cells last as long as those before."""
        if not self._seconds:
            return None
        every = [s for seconds in self._seconds.values() for s in seconds]
        jobs = [running.job for running in self._running.values()] + self._todo
        work = sum(
            sum(known) / len(known)
            for job in jobs
            for known in [self._seconds.get(job.cell.verb, every)]
        )
        return work / max(1, len(self._running))

    def _stop(self) -> None:
        """Stops every command and logs how it ended."""
        self.executor.stop()
        ended, _ = wait(self._running, STOP_S)
        for future in ended:
            running = self._running[future]
            if future.exception() is None:
                self.attempts.interrupted(
                    self.suite.name,
                    running.job.cell.cell_id,
                    running.attempt,
                    **dataclasses.asdict(future.result()),
                )


def environment(threads: int) -> dict[str, str]:
    """Variables of a cell: what may differ between machines but not between records."""
    number = str(threads)
    return {
        "TF_NUM_INTRAOP_THREADS": number,
        "TF_NUM_INTEROP_THREADS": number,
        # Ray sets it, too.
        "OMP_NUM_THREADS": number,
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
    }


def _record(cell: Cell) -> RunRecord:
    """The record of a cell that was run.

    Raises:
        RecordError: none, or one that is not done.
    """
    record = read_record(cell.record)
    if record.status != "done":
        raise RecordError(f"{cell.record}: status {record.status!r}, expected 'done'")
    return record
