"""The schedule with small programs instead of trainings, in real processes."""

import json
import os
import signal
import subprocess
import sys

import pytest
from run_records import run_record

from electra_bench.records import write_record
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.cell import Cell
from electra_bench.suites.executor import Capacity
from electra_bench.suites.local import LocalExecutor
from electra_bench.suites.progress import SuiteProgress
from electra_bench.suites.schedule import Job, Schedule
from electra_bench.suites.status import statuses
from electra_bench.suites.suite import Suite, read_plan, write_plan
from electra_bench.system import interruption

# What a cell does instead of training: RUN_DIR, what else, and the record to leave.
PROGRAM = """
import os, sys, time
run_dir, action, record = sys.argv[1:4]
os.makedirs(run_dir, exist_ok=True)
with open(os.path.join(run_dir, "times"), "a") as file:
    file.write(f"{time.time()} ")
exec(action)
with open(os.path.join(run_dir, "times"), "a") as file:
    file.write(f"{time.time()}\\n")
with open(os.path.join(run_dir, "record.json"), "w") as file:
    file.write(record)
"""
FAIL = "sys.exit('electra-bench finetune: error: the data is bad')"
FAIL_ONCE = f"if not os.path.exists(run_dir + '/x'): open(run_dir + '/x', 'w'); {FAIL}"
GB = 10**9


def cell(name, **fields):
    """A cell in the folder `runs`."""
    given = {
        "cell_id": name,
        "verb": "finetune",
        "files": (),
        "bindings": {},
        "run_dir": os.path.join("work", "runs", name),
        "label": name,
        "task": "cola",
        "seed": 0,
        "workdir": os.path.join("work", "runs"),
    }
    return Cell(**{**given, **fields})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which everything happens in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def run_cells(folder):
    """Runs cells, each doing what `actions` says, and returns the outcome."""

    def run(cells, actions, cores=2, memory=10 * GB, sizes=None):
        suite = Suite("small", "work", tuple(cells))
        write_plan(suite)
        dirs = {c.cell_id: c.run_dir for c in cells}
        record = run_record("a", "cola", 0, 60.0, train_flops=12.5)
        write_record(str(folder), record)
        text = (folder / "record.json").read_text()

        def program(arguments):
            name = arguments[-1]
            action = actions.get(name, "")
            return [sys.executable, "program.py", dirs[name], action, text]

        executor = LocalExecutor(cores, memory)
        jobs = [Job(c, (sizes or {}).get(c.cell_id, GB)) for c in cells]
        try:
            return Schedule(suite, jobs, executor, Attempts("work"), program).run()
        finally:
            executor.close()

    return run


def spans(name):
    """When a cell's attempts began and ended."""
    with open(os.path.join("work", "runs", name, "times")) as file:
        return [[float(t) for t in line.split()] for line in file]


def overlap(first, second):
    (begin, end), (other_begin, other_end) = first, second
    return begin < other_end and other_begin < end


def test_cells_run_side_by_side_after_what_they_wait_for(run_cells):
    cells = [cell("a"), cell("b", needs="a"), cell("c", needs="a")]
    outcome = run_cells(cells, dict.fromkeys("abc", "time.sleep(1.5)"))
    assert sorted(outcome.done) == ["a", "b", "c"]
    [[a], [b], [c]] = map(spans, "abc")
    assert overlap(b, c) and not overlap(a, b) and a < b


def test_no_more_at_once_than_the_budget_holds(run_cells):
    names = "abcd"
    sizes = {"a": 6 * GB, "b": 5 * GB, "c": 4 * GB, "d": GB}
    run_cells(
        [cell(name) for name in names],
        dict.fromkeys(names, "time.sleep(0.7)"),
        cores=3,
        sizes=sizes,
    )
    [[a], [b], [c], [d]] = map(spans, names)
    assert not overlap(a, b), "6 + 5 GB are more than 10"
    assert overlap(a, c), "a later cell that fits goes first"
    assert c[0] < b[0]
    run_cells([cell("x"), cell("y")], dict.fromkeys("xy", "time.sleep(0.2)"), cores=1)
    assert not overlap(*spans("x"), *spans("y"))


def test_a_failed_cell_is_tried_twice_and_the_rest_goes_on(run_cells, capsys):
    cells = [cell("a"), cell("b", needs="a"), cell("c"), cell("d"), cell("e")]
    outcome = run_cells(
        cells, {"a": FAIL, "c": FAIL_ONCE, "e": "os.kill(os.getpid(), 9)"}
    )
    assert sorted(outcome.done) == ["c", "d"]
    said = "electra-bench finetune: error: the data is bad"
    assert outcome.failed["a"] == said
    assert outcome.failed["e"].startswith("killed by SIGKILL, as when memory runs out")
    assert outcome.waiting == {"b": "a"}
    counts = {name: Attempts("work").count(name) for name in "abcde"}
    assert counts == {"a": 2, "b": 0, "c": 2, "d": 1, "e": 2}
    found = {s.name: s for s in statuses(read_plan("work"))}
    states = {name: status.state for name, status in found.items()}
    assert states == {
        "a": "failed",
        "b": "missing",
        "c": "done",
        "d": "done",
        "e": "failed",
    }
    assert found["a"].reason == said
    assert found["b"].reason == "waits for a, which is failed"
    err = capsys.readouterr().err
    assert f"a: failed: {said}" in err
    assert "log work/logs/a.log, command electra-bench finetune" in err
    with open(found["a"].log) as file:
        assert file.read().count("# attempt ") == 2


def test_a_cell_without_a_record_has_failed(run_cells):
    outcome = run_cells([cell("a")], {"a": "sys.exit(0)"})
    assert "a has no record.json" in outcome.failed["a"]


def test_the_flops_of_another_cell_become_the_budget(run_cells):
    cells = [cell("a", verb="pretrain"), cell("b", verb="pretrain", flops_of="a")]
    assert len(run_cells(cells, {}).done) == 2
    events = Attempts("work").events
    [command] = [e["command"] for e in events if e["cell_id"] == "b" and "command" in e]
    assert "--gin.TRAIN_FLOPS=12.5 " in command


def test_peak_memory_is_logged(run_cells):
    run_cells([cell("a")], {"a": "x = bytearray(200_000_000); x[::4096] = x[::4096]"})
    assert Attempts("work").peak_bytes("a") > 200_000_000


def test_plain_lines_without_a_terminal(run_cells, capsys, monkeypatch):
    monkeypatch.setattr(SuiteProgress, "INTERVAL_S", 0.0)
    run_cells([cell("a"), cell("b")], {"b": "time.sleep(1)"}, cores=1)
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("suite small: a: done in ") for line in lines)
    assert any(
        line.startswith("suite small: 1/2 done, 1 running (b), eta ") for line in lines
    )


INTERRUPTED = """
import sys, time
try:
    open("started", "w").close()
    time.sleep(600)
except KeyboardInterrupt:
    sys.exit("stopped after step 3")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_every_command_gently(folder, monkeypatch, number):
    (folder / "program.py").write_text(INTERRUPTED)
    suite = Suite("small", "work", (cell("a"),))

    def update(*state):
        if os.path.exists("started"):
            signal.raise_signal(number)

    monkeypatch.setattr(SuiteProgress, "update", update)
    executor = LocalExecutor(1, GB)
    jobs = [Job(suite.cells[0], GB)]
    with pytest.raises(KeyboardInterrupt), interruption.as_ctrl_c():
        Schedule(
            suite,
            jobs,
            executor,
            Attempts("work"),
            lambda arguments: [sys.executable, "program.py"],
        ).run()
    executor.close()
    assert "stopped after step 3" in (folder / "work/logs/a.log").read_text()
    last = Attempts("work").last("a")
    assert (last["event"], last["status"]) == ("interrupted", 1)
    [status] = statuses(suite)
    assert (status.state, status.reason) == ("missing", "interrupted")


def test_capacity_is_the_machines_unless_it_is_given():
    executor = LocalExecutor(None, None)
    assert executor.capacity.cores == len(os.sched_getaffinity(0))
    assert executor.capacity.memory_bytes > 0
    assert LocalExecutor(3, 5).capacity == Capacity(3, 5)


def test_status_of_a_folder_that_was_moved(run_cells, folder):
    run_cells([cell("a")], {})
    os.rename("work", "moved")
    [status] = statuses(read_plan("moved"))
    assert (status.state, status.score) == ("done", 60.0)
    with pytest.raises(FileNotFoundError, match="no suite in 'work'"):
        read_plan("work")
    (folder / "moved" / "suite.json").write_text('{"cells": [{')
    with pytest.raises(ValueError, match="not the plan of a suite"):
        read_plan("moved")


def test_a_running_cell_is_known_by_its_lock(folder):
    suite = Suite("small", "work", (cell("a"),))
    os.makedirs("work/locks")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2);"
            "print('held', flush=True); sys.stdin.read()",
            suite.lock(suite.cells[0]),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    Attempts("work").started("small", "a", "")
    assert statuses(suite)[0].state == "running"
    holder.communicate()
    [status] = statuses(suite)
    assert (status.state, status.reason) == ("missing", "interrupted")
    assert json.dumps(status._asdict())


def test_the_best_trials_bindings_are_taken(run_cells):
    trials = {name: {"EPOCHS": number} for number, name in enumerate("ab", 1)}
    cells = [*map(cell, trials), cell("c", trials=trials)]
    assert len(run_cells(cells, {}).done) == 3
    events = Attempts("work").events
    [command] = [e["command"] for e in events if e["cell_id"] == "c" and "command" in e]
    # Both have the same score.
    assert "--gin.EPOCHS=1 " in command
    assert {s.name: s.state for s in statuses(read_plan("work"))}["c"] == "done"


def test_a_trial_that_fails_is_no_setting(run_cells):
    trials = {name: {"EPOCHS": number} for number, name in enumerate("ab", 1)}
    cells = [*map(cell, trials), cell("c", trials=trials), cell("d", needs="c")]
    outcome = run_cells(cells, {"a": FAIL})
    assert set(outcome.done) == {"b", "c", "d"} and set(outcome.failed) == {"a"}
    events = Attempts("work").events
    [command] = [e["command"] for e in events if e["cell_id"] == "c" and "command" in e]
    assert "--gin.EPOCHS=2 " in command


def test_without_any_trial_nothing_is_chosen(run_cells):
    trials = {name: {"EPOCHS": 1} for name in "ab"}
    cells = [*map(cell, trials), cell("c", trials=trials), cell("d", needs="c")]
    outcome = run_cells(cells, {"a": FAIL, "b": FAIL})
    assert set(outcome.failed) == {"a", "b"} and set(outcome.waiting) == {"c", "d"}
