"""Real Ray, started on this machine, with small programs instead of trainings."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from electra_bench.suites.guard import Order

STARTER = """
import os, sys
from electra_bench.suites.guard import Order
from electra_bench.suites.ray_cluster import RayExecutor

program = "import os, time; open(str(os.getpid()), 'w').close(); time.sleep(600)"
executor = RayExecutor(None, 1, 10**9)
order = Order((sys.executable, "-c", program), os.getcwd(), {}, os.path.abspath("log"),
              os.path.abspath("locks/x"))
executor.submit(order, 1, 10**8).result()
"""


@pytest.fixture(scope="module")
def executor():
    """A cluster with two cores and two gigabytes."""
    from electra_bench.suites.ray_cluster import RayExecutor

    executor = RayExecutor(None, 2, 2 * 10**9)
    yield executor
    executor.close()


def order(tmp_path, program):
    return Order(
        (sys.executable, "-c", program),
        str(tmp_path),
        {"OMP_NUM_THREADS": "1", "X": "from the order"},
        str(tmp_path / "logs" / "x.log"),
        str(tmp_path / "locks" / "x"),
    )


def test_a_command_on_the_cluster_ends_as_it_does_here(executor, tmp_path):
    assert executor.capacity.cores == 2
    assert executor.capacity.node_bytes == executor.capacity.memory_bytes == 2 * 10**9
    program = "import os, sys; print(os.environ['X'], os.getcwd()); sys.exit(3)"
    ended = executor.submit(order(tmp_path, program), 1, 10**8).result()
    assert ended.status == 3 and ended.peak_bytes > 0
    log = (tmp_path / "logs" / "x.log").read_text()
    assert log == f"from the order {tmp_path}\n"


def test_commands_on_the_cluster_are_stopped_gently(executor, tmp_path):
    program = """
import time
try:
    open("started", "w").close()
    time.sleep(600)
except KeyboardInterrupt:
    print("checkpoint written")
"""
    future = executor.submit(order(tmp_path, program), 1, 10**8)
    wait_for(lambda: (tmp_path / "started").exists())
    executor.stop()
    log = tmp_path / "logs" / "x.log"
    wait_for(lambda: "checkpoint written" in log.read_text())
    future.exception(10)


def test_killing_the_suite_leaves_nothing_on_the_cluster(tmp_path):
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=tmp_path)
    wait_for(lambda: any(name.isdigit() for name in os.listdir(tmp_path)))
    [pid] = [int(name) for name in os.listdir(tmp_path) if name.isdigit()]
    # The task's worker, the guard, and the command; Ray's own services end by and by.
    command = psutil.Process(pid)
    workers = [command, *command.parents()[:2]]
    assert "guard" in " ".join(workers[1].cmdline())
    starter.kill()
    starter.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def wait_for(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
