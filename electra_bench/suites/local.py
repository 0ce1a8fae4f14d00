"""Runs cells on this machine."""

import os
import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import psutil

from electra_bench.suites.executor import Capacity
from electra_bench.suites.guard import Ended, Order, run

CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


class LocalExecutor:
    """A guarded process a cell, and a thread that waits for it."""

    def __init__(self, cores: int | None, memory_bytes: int | None):
        """Takes the budget.

        Args:
            cores: None for those that this process may use.
            memory_bytes: None for what is free now.
        """
        self.capacity = Capacity(
            cores or len(os.sched_getaffinity(0)), memory_bytes or free_memory()
        )
        self._pool = ThreadPoolExecutor(self.capacity.cores)
        self._guards: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def submit(self, order: Order, cores: int, memory_bytes: int) -> Future[Ended]:
        """Starts a command; see `Executor.submit`."""
        del cores, memory_bytes  # the schedule keeps to the capacity
        return self._pool.submit(self._run, order)

    def _run(self, order: Order) -> Ended:
        guards = []

        def started(guard: subprocess.Popen) -> None:
            guards.append(guard)
            with self._lock:
                self._guards.add(guard)
                if self._stopped:
                    guard.terminate()

        try:
            return run(order, started)
        finally:
            with self._lock:
                self._guards.difference_update(guards)

    def stop(self) -> None:
        """Asks every command to end; see `Executor.stop`."""
        with self._lock:
            self._stopped = True
            for guard in self._guards:
                guard.terminate()

    def close(self) -> None:
        """Kills what is still running, as after a second Ctrl-C."""
        with self._lock:
            for guard in self._guards:
                guard.kill()
        self._pool.shutdown()


def free_memory() -> int:
    """Bytes that are free on the machine, within the limit of a container."""
    free = psutil.virtual_memory().available
    for path in CGROUP_LIMITS:
        try:
            with open(path, encoding="ascii") as file:
                free = min(free, int(file.read()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return free
