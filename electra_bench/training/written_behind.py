"""Writing beside training."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class WrittenBehind(contextlib.AbstractContextManager):
    """Writes in a thread of its own, one thing at a time.

    What fails there is raised by the next call of any method, at the latest at the end.
    """

    def __init__(self):
        """Starts nothing yet."""
        self._thread = ThreadPoolExecutor(1, "written-behind")
        self._written: Future | None = None

    def start(self, write: Callable[[], object]) -> None:
        """Calls `write` in the thread, once what was started before has ended."""
        self.wait()
        self._written = self._thread.submit(write)

    def check(self) -> None:
        """Raises what has failed by now; waits for nothing."""
        if self._written and self._written.done():
            self.wait()

    def wait(self) -> None:
        """Returns when all is written."""
        written, self._written = self._written, None
        if written:
            written.result()

    def __exit__(self, kind, error, traceback):
        """Waits; another error than that of writing goes first."""
        self._thread.shutdown()
        if error is None:
            self.wait()
