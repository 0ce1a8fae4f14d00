"""No process outlives the one that asked for it, nor runs twice at once."""

import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from electra_bench.suites.guard import LOCKED, Order, run

# Starts a process in a session of its own, which only time or SIGKILL ends.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
)
with open("pids.partial", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.replace("pids.partial", "pids")
"""
FAMILY = PARENT + "time.sleep(600)"
STARTER = """
from electra_bench.suites.guard import Order, run
import sys
run(Order((sys.executable, "family.py"), ".", {}, "logs/x.log", "locks/x"))
"""


@pytest.fixture
def order(tmp_path):
    """Makes an order of a Python program."""

    def make(program, *arguments, **changes):
        path = tmp_path / "program.py"
        path.write_text(program)
        fields = {
            "command": (sys.executable, str(path), *arguments),
            "cwd": str(tmp_path),
            "env": {},
            "log": str(tmp_path / "logs" / "x.log"),
            "lock": str(tmp_path / "locks" / "x"),
        }
        return Order(**{**fields, **changes})

    return make


@pytest.fixture
def many_files():
    """As many open files as a long process may have, more than select() can name."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with contextlib.ExitStack() as held:
        for _ in range(1100):
            held.enter_context(open(os.devnull))
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_with_many_open_files_starts_commands(order, many_files):
    assert run(order("raise SystemExit(3)")).status == 3


def waited_for(path, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)
    return path.read_text()


def alive(pids):
    return [
        pid
        for pid in pids
        if psutil.pid_exists(pid)
        and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def gone(pids, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pids)


@pytest.fixture
def family(tmp_path):
    """A starter, killed at the end of the test, and the two below its guard."""
    (tmp_path / "family.py").write_text(FAMILY)
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=tmp_path)
    pids = [int(pid) for pid in waited_for(tmp_path / "pids").split()]
    [guard] = psutil.Process(starter.pid).children()
    yield starter, guard, pids
    starter.kill()
    starter.wait()
    for pid in alive(pids):
        os.kill(pid, signal.SIGKILL)


def test_killing_the_starter_kills_grandchildren_too(family):
    starter, guard, pids = family
    assert len(alive([guard.pid, *pids])) == 3
    starter.kill()
    starter.wait()
    assert gone([guard.pid, *pids])


def test_killing_the_guard_kills_the_command(family):
    starter, guard, pids = family
    guard.kill()
    assert gone(pids[:1])
    assert starter.wait(10) == 0, "the starter heard of it"


def test_how_a_command_ended(order):
    ended = run(order("import sys; print('out'); sys.exit('err')"))
    assert ended.status == 1 and ended.seconds > 0
    ended = run(order("import os; os.kill(os.getpid(), 9)"))
    assert ended.status == -signal.SIGKILL
    ended = run(order("x = bytearray(300_000_000); print(x[0])"))
    assert ended.status == 0 and ended.peak_bytes > 300_000_000


def test_output_goes_into_the_log_and_variables_come_from_the_order(order, tmp_path):
    program = "import os, sys; print(os.environ['X'], sys.stdin.read(), 'read')"
    run(order(program, env={"X": "one"}))
    run(order(program, env={"X": "two"}))
    assert (tmp_path / "logs" / "x.log").read_text() == "one  read\ntwo  read\n"


def test_what_a_command_leaves_behind_is_killed(order, tmp_path):
    assert run(order(PARENT)).status == 0
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert not alive(pids)


def test_a_command_that_is_asked_to_stop_gets_an_interrupt(order, tmp_path):
    program = """
import time
try:
    open("pids", "w").close()
    time.sleep(600)
except KeyboardInterrupt:
    print("checkpoint written")
"""
    guards = []
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run, order(program), guards.append)
        waited_for(tmp_path / "pids")
        guards[0].terminate()
        assert ended.result(10).status == 0
    assert (tmp_path / "logs" / "x.log").read_text() == "checkpoint written\n"


def test_a_command_waits_for_the_lock(order, tmp_path, monkeypatch):
    (tmp_path / "locks").mkdir()
    with (
        open(tmp_path / "locks" / "x", "w") as lock,
        ThreadPoolExecutor(1) as pool,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = pool.submit(run, order("print('ran')"))
        time.sleep(0.5)
        assert not ended.done()
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert ended.result(10).status == 0


def test_a_command_does_not_wait_for_ever(tmp_path):
    program = "from electra_bench.suites import guard; guard.LOCK_S = 0.5; "
    program += "guard.main('lock', 'true')"
    with open(tmp_path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # As `run` starts it, with less patience.
        with subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as guard:
            assert f'"status": {LOCKED}' in guard.stdout.read()
            said = guard.stderr.read()
    assert said.startswith("error: another process is at work on this cell")
