"""Runs cells on a Ray cluster, whose machines share the folders that the cells use."""

import os
from concurrent.futures import Future
from typing import Any

from electra_bench.suites.executor import Capacity
from electra_bench.suites.guard import Ended, Order, run

# Read by Ray when it is imported. A worker is to run in the environment of this process and
# not to build one of its own with uv.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

# Orders and results are small; Ray would take a third of the memory.
OBJECT_STORE_BYTES = 100 * 2**20


class RayExecutor:
    """A Ray task a cell; it holds the guarded process."""

    def __init__(
        self, address: str | None, cores: int | None, memory_bytes: int | None
    ):
        """Connects to a cluster, or starts one on this machine.

        Args:
            address: `auto`, `host:port` or `ray://host:port`; None starts one.
            cores: budget; None for all of the cluster.
            memory_bytes: budget; None for all of the cluster.

        Raises:
            ConnectionError: no cluster there.
        """
        own = {"num_cpus": cores, "object_store_memory": OBJECT_STORE_BYTES}
        if address is None and memory_bytes is not None:
            own["_memory"] = memory_bytes
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level="ERROR",
            **({} if address else own),
        )
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        memory = [int(node.get("memory", 0)) for node in nodes]
        self.capacity = Capacity(
            cores or int(sum(node.get("CPU", 0) for node in nodes)),
            memory_bytes or sum(memory),
            max(memory),
        )
        # Attempts are counted and logged by the suite, so Ray makes none of its own.
        self._task = ray.remote(max_retries=0)(run)
        self._running: dict[Future, Any] = {}

    def submit(self, order: Order, cores: int, memory_bytes: int) -> Future[Ended]:
        """Starts a command somewhere; see `Executor.submit`."""
        options = {"num_cpus": cores, "memory": memory_bytes}
        reference = self._task.options(**options).remote(order)
        future = reference.future()
        self._running[future] = reference
        future.add_done_callback(lambda ended: self._running.pop(ended, None))
        return future

    def stop(self) -> None:
        """Interrupts every task, which stops its command; see `Executor.stop`."""
        for reference in list(self._running.values()):
            ray.cancel(reference)

    def close(self) -> None:
        """Leaves the cluster, or ends the one that was started."""
        ray.shutdown()
