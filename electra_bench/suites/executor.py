"""What runs cells: on this machine, or on a Ray cluster."""

from concurrent.futures import Future
from typing import NamedTuple, Protocol

from electra_bench.suites.guard import Ended, Order


class Capacity(NamedTuple):
    """What cells may use together.

    Attributes:
        cores: number of cores.
        memory_bytes: memory.
        node_bytes: memory of the largest machine, which one cell may use at most; None
            for all of it.
    """

    cores: int
    memory_bytes: int
    node_bytes: int | None = None


class Executor(Protocol):
    """Where commands run.

    Attributes:
        capacity: what they may use together.
    """

    capacity: Capacity

    def submit(self, order: Order, cores: int, memory_bytes: int) -> Future[Ended]:
        """Starts a command.

        Args:
            order: the command.
            cores: that it uses.
            memory_bytes: that it uses.

        Returns:
            How it ended; an exception if nobody knows, as when a machine is lost.
        """

    def stop(self) -> None:
        """Asks every running command to write a checkpoint and end; does not wait."""

    def close(self) -> None:
        """Frees what the executor holds."""
