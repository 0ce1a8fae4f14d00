"""What asks a command to end: Ctrl-C, and how machines and terminals say the same."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

# `kill` and schedulers; a terminal or a connection that is closed.
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def handled(
    handler: Callable[[int, Any], None], numbers: tuple[int, ...]
) -> Iterator[None]:
    """Has signals handled, but not those that the process was started to ignore.

    Args:
        handler: takes a signal's number and a frame.
        numbers: of the signals.
    """
    with contextlib.ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                # `nohup` ignores SIGHUP on purpose; what a shell starts with `&` ignores
                # Ctrl-C, which is for what is in front.
                is_ignored = signal.getsignal(number) is signal.SIG_IGN
                if number == signal.SIGINT or not is_ignored:
                    previous = signal.signal(number, handler)
                    restored.callback(signal.signal, number, previous)
        yield


def as_ctrl_c() -> contextlib.AbstractContextManager[None]:
    """Raises `KeyboardInterrupt` for `ENDINGS`, so that what is unfinished is removed."""
    return handled(_interrupt, ENDINGS)


def _interrupt(number: int, frame: Any) -> None:
    del frame
    raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")
