"""A command that dies with whoever started it, and so do all processes that it started.

`run` starts this file as a process of its own, the guard, which starts the command. The
guard's standard input is a pipe whose other end only the starter holds: when the starter
dies, by SIGKILL too, the kernel closes it and the guard kills every descendant.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait

import psutil

from electra_bench.system import locks

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# What a command gets to write a checkpoint in when it is to stop.
GRACE_S = 60.0
# What a killed suite's last processes may take to go.
LOCK_S = 30.0
POLL_S = 0.5
LOCKED = 75  # EX_TEMPFAIL of <sysexits.h>


@dataclasses.dataclass(frozen=True)
class Order:
    """A command to run.

    Attributes:
        command: program and arguments.
        cwd: where.
        env: variables that are added to those of the process that starts it.
        log: file that its output is appended to.
        lock: file that is locked while it runs, so that nothing runs twice at once.
    """

    command: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    log: str
    lock: str


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: exit status, or minus the number of the signal that ended it.
        seconds: how long it ran.
        peak_bytes: largest resident memory of its largest process.
    """

    status: int
    seconds: float
    peak_bytes: int


def run(
    order: Order, started: Callable[[subprocess.Popen], None] = lambda guard: None
) -> Ended:
    """Runs a command to its end.

    Args:
        order: the command.
        started: is given the guard's process; terminating it stops the command gently.
    """
    os.makedirs(os.path.dirname(order.log), exist_ok=True)
    os.makedirs(os.path.dirname(order.lock), exist_ok=True)
    begin = time.monotonic()
    with open(order.log, "ab") as log:
        guard = subprocess.Popen(
            [sys.executable, "-m", __name__, order.lock, *order.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=order.cwd,
            env={**os.environ, **order.env},
            # Ctrl-C in a terminal is for the suite, which passes it on.
            start_new_session=True,
        )
    started(guard)
    try:
        # Ray interrupts a task without a signal, which ends no system call.
        while not wait([guard.stdout], POLL_S):
            pass
        said = guard.stdout.read()
    except BaseException:
        guard.terminate()
        guard.wait()
        raise
    finally:
        guard.stdin.close()
        guard.stdout.close()
    status = guard.wait()
    seconds = time.monotonic() - begin
    if not said:
        # The guard itself was killed; its session holds what it had started.
        _kill_group(guard.pid)
        return Ended(status, seconds, 0)
    return Ended(**json.loads(said), seconds=seconds)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


class _Stop(BaseException):
    """The guard was asked to stop the command."""


def main(lock: str, *command: str) -> None:
    """The guard: runs the command, and prints how it ended as JSON.

    Args:
        lock: file to lock meanwhile.
        *command: program and arguments; its output goes to standard error.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # Descendants whose parents died become children of the guard, which finds them so.
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _stop)
    # The command inherits these. Ray blocks the interrupt, and `nohup` and `&` ignore it.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with open(lock, "a") as file:
        if not _locked(file):
            print(
                f"error: another process is at work on this cell: it holds {lock}",
                file=sys.stderr,
            )
            print(json.dumps({"status": LOCKED, "peak_bytes": 0}))
            return
        guard = os.getpid()

        def die_with_guard() -> None:
            # Between fork and exec; the guard has one thread, which lives as long as it.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != guard:
                os._exit(1)

        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            preexec_fn=die_with_guard,
        )
        try:
            _wait(process.pid, None)
        except _Stop:
            process.send_signal(signal.SIGINT)
            _wait(process.pid, GRACE_S)
        ended = _end(process.pid)
    # Nobody reads it if the starter is gone.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(ended), flush=True)


def _stop(signum: int, frame: object) -> None:
    del frame
    signal.signal(signum, signal.SIG_IGN)
    raise _Stop


def _locked(file) -> bool:
    """Takes the lock, waiting for a while; False if another keeps it."""
    deadline = time.monotonic() + LOCK_S
    while True:
        if locks.lock(file):
            return True
        # Closed: nobody waits any more.
        if wait([0], 0.2) or time.monotonic() > deadline:
            return False


def _wait(pid: int, timeout_s: float | None) -> None:
    """Returns when a child ended, the starter is gone, or time is up."""
    child = os.pidfd_open(pid)
    try:
        wait([0, child], timeout_s)
    finally:
        os.close(child)


def _end(pid: int) -> dict[str, int]:
    """Kills whatever is left of the command, and says how it ended."""
    ended, status, used = os.wait4(pid, os.WNOHANG)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        _, status, used = os.wait4(pid, 0)
    while left := psutil.Process().children(recursive=True):
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        # Reaped, or they would be found again.
        psutil.wait_procs(left, timeout=1.0)
        _reap()
    return {
        "status": os.waitstatus_to_exitcode(status),
        # Linux counts in KiB.
        "peak_bytes": used.ru_maxrss * 1024,
    }


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
