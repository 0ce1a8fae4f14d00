"""A suite of real trainings: killed half-way and resumed, skipped, run through Ray."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import psutil
import pytest
from small_runs import SMALL_MODEL

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.records import find_records, read_record
from electra_bench.reports.collect.records import MEASURED
from electra_bench.runs import suite as root
from electra_bench.runs import suite_check
from electra_bench.suites.attempts import FILE_NAME

# Two models, two tasks, two seeds.
SUITE = """
include 'runs/suite.gin'
SUITE = 'small'
SEEDS = (0, 1)
suites.grid.models = {
    'mlm': {'files': ('SIZES',), 'pretrain': {'OBJECTIVE': 'mlm'}},
    'untrained': {'files': ('SIZES',)},
}
suites.grid.tasks = ('cola', 'sst')
suites.grid.pretrain_seed = 0
suites.grid.pretrain = {
    'CORPORA': {'stdlib': {'files': 'TEXT', 'holdout': 0.1}},
    'CORPUS': 'stdlib',
    'runs.pretrain.processes': 1,
    'training.loop.checkpoint_every': 2,
}
suites.grid.finetune = {'EPOCHS': 8.0, 'training.loop.checkpoint_every': 2}
"""
SIZES = """
TRAIN_STEPS = 24
BATCH_SIZE = 16
MAX_SEQ_LENGTH = 32
PRETRAIN_LEARNING_RATE = 1e-3
WARMUP_STEPS = 4
"""
CELLS = 9
# Times, the machine, and what is installed.
MAY_DIFFER = (*MEASURED, "packages", "run_id", "checksum")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, text_file, vocab_file, cola_dir):
    """A folder with the suite's gin file and data."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "sizes.gin").write_text("\n".join([*SMALL_MODEL, SIZES]))
    text = SUITE.replace("SIZES", "sizes.gin").replace("TEXT", str(text_file))
    (folder / "small.gin").write_text(text)
    for name in ("CoLA", "SST-2"):
        (folder / "data" / name).mkdir(parents=True)
    for split in ("train", "dev"):
        rows = (cola_dir / "CoLA" / f"{split}.tsv").read_text()
        (folder / "data" / "CoLA" / f"{split}.tsv").write_text(rows)
        fields = [row.split("\t") for row in rows.splitlines()]
        lines = ["sentence\tlabel", *(f"{f[3]}\t{f[1]}" for f in fields)]
        (folder / "data" / "SST-2" / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "vocab.txt").write_text(vocab_file.read_text())
    return folder


ARGUMENTS = [
    *("suite", "run", "small.gin", "--workdir", "work", "--data_dir", "data"),
    *("--gin.VOCAB='vocab.txt'", "--cores", "2"),
]


def environment(folder):
    return {**os.environ, "ELECTRA_BENCH_CACHE": str(folder / "cache")}


def start(folder, arguments=ARGUMENTS):
    command = [sys.executable, "-m", "electra_bench", *arguments]
    with open(folder / "output", "a") as output:
        return subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=output, stderr=output
        )


def events(folder, workdir="work"):
    path = folder / workdir / FILE_NAME
    return [json.loads(line) for line in path.read_text().splitlines()]


def half_way(folder):
    """Whether four cells are done and a running one has a checkpoint."""
    if not (folder / "work" / FILE_NAME).exists():
        return False
    log = events(folder)
    ended = {event["cell_id"] for event in log if event["event"] == "ended"}
    running = {event["cell_id"] for event in log} - ended
    return len(ended) >= 4 and any(has_checkpoint(folder, name) for name in running)


def has_checkpoint(folder, cell_id):
    run_dir = folder / "work" / "runs" / cell_id
    begun = (run_dir / "checkpoints" / "checkpoint").exists()
    return begun and not (run_dir / "record.json").exists()


@pytest.fixture(scope="module")
def resumed(folder):
    """The suite, killed when it was half-way and resumed; what was found meanwhile."""
    process = start(folder)
    deadline = time.monotonic() + 400
    while not half_way(folder):
        assert process.poll() is None, (folder / "output").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(below, timeout=10)
    log = events(folder)
    ended = {event["cell_id"] for event in log if event["event"] == "ended"}
    interrupted = {event["cell_id"] for event in log} - ended
    begun = {name for name in interrupted if has_checkpoint(folder, name)}
    assert start(folder).wait() == 0, (folder / "output").read_text()
    return {
        "below": below,
        "alive": alive,
        "interrupted": interrupted,
        "begun": begun,
    }


def test_no_process_outlives_the_killed_suite(resumed):
    # A guard and a training for every cell that had a checkpoint; others just began.
    assert len(resumed["below"]) >= 2 * len(resumed["begun"]) >= 2
    assert resumed["alive"] == []


def test_only_interrupted_cells_have_two_attempts_and_go_on(resumed, folder):
    log = events(folder)
    counts = Counter(e["cell_id"] for e in log if e["event"] == "started")
    assert len(counts) == CELLS
    assert {name for name, n in counts.items() if n == 2} == resumed["interrupted"]
    assert max(counts.values()) == 2
    assert resumed["begun"]
    for name in counts:
        text = (folder / "work" / "logs" / f"{name}.log").read_text()
        first, _, second = text.partition("# attempt 2")
        assert "goes on after step" not in first
        assert ("goes on after step" in second) == (name in resumed["begun"])


def test_every_cell_has_a_record_that_names_it(resumed, folder):
    records = [read_record(path) for path in find_records(str(folder / "work"))]
    assert len(records) == CELLS
    assert {record.suite for record in records} == {"small"}
    for record in records:
        assert (folder / "work" / "runs" / record.cell_id / "record.json").exists()
    [pretrained] = [r for r in records if r.kind == "pretrain"]
    parents = {r.label: r.parent_run_id for r in records if r.kind == "finetune"}
    assert parents == {"mlm": pretrained.run_id, "untrained": None}


# Two cells that write no checkpoint while they train.
STOPPED = """
include 'small.gin'
SEEDS = (0,)
suites.grid.models = {'untrained': {'files': ('sizes.gin',)}}
suites.grid.finetune = {
    'EPOCHS': 60.0,
    'training.loop.checkpoint_every': 100000,
    'training.loop.log_every': 1,
}
"""


def test_a_stopped_suite_keeps_every_step_of_its_cells(folder):
    (folder / "stopped.gin").write_text(STOPPED)
    arguments = [*ARGUMENTS, "--workdir", "stopped"]
    arguments[2] = "stopped.gin"
    names = ["untrained-cola-s0", "untrained-sst-s0"]
    runs = folder / "stopped" / "runs"
    process = start(folder, arguments)
    deadline = time.monotonic() + 200
    while not all((runs / name / "metrics.jsonl").exists() for name in names):
        assert process.poll() is None, (folder / "output").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 1, (folder / "output").read_text()
    last = {event["cell_id"]: event for event in events(folder, "stopped")}
    for name in names:
        assert last[name]["event"] == "interrupted"
        text = (folder / "stopped" / "logs" / f"{name}.log").read_text()
        [step] = re.findall(r"stopped after step (\d+)", text)
        assert (runs / name / "checkpoints" / f"model.ckpt-{step}.index").exists()
    assert start(folder, arguments).wait() == 0, (folder / "output").read_text()
    for name in names:
        text = (folder / "stopped" / "logs" / f"{name}.log").read_text()
        [step] = re.findall(r"stopped after step (\d+)", text)
        assert f"goes on after step {step}" in text
        assert (runs / name / "record.json").exists()


@pytest.fixture
def here(folder, monkeypatch):
    """The suite's folder; checks are made in this process, which has TensorFlow."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(folder / "cache"))

    def check(suite):
        return suite_check.check(suite.cells, suite.plugins)

    monkeypatch.setattr(root, "check", check)
    return folder


def test_what_has_its_record_is_not_run_again(resumed, here, capsys):
    before = events(here)
    assert main(ARGUMENTS) == 0
    assert "0 done now, 9 before, 0 failed" in capsys.readouterr().out
    assert events(here) == before
    assert main(["suite", "status", "work", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {status["state"] for status in found} == {"done"}
    assert all(s["score"] is not None for s in found if "pretrain" not in s["name"])


def plan_of(capsys, *more):
    """States of a dry run."""
    assert main([*ARGUMENTS, "--dry_run", *more]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {line[1]: line[2] for line in lines if len(line) > 2 and line[0].isdigit()}


def test_what_changed_is_found_before_any_work(resumed, here, capsys):
    assert set(plan_of(capsys).values()) == {"answered"}
    data = here / "data" / "SST-2" / "dev.tsv"
    text = data.read_text()
    data.write_text(text.replace("\t1\n", "\t0\n", 1))
    assert main([*ARGUMENTS, "--dry_run"]) == 2
    error = capsys.readouterr().err
    assert "holds another run: its data of sst dev has another content" in error
    assert "(cell mlm-sst-s0)" in error
    states = plan_of(capsys, "--overwrite")
    assert {n for n, s in states.items() if s == "other"} == {
        f"{model}-sst-s{seed}" for model in ("mlm", "untrained") for seed in (0, 1)
    }
    data.write_text(text)
    record = here / "work" / "runs" / "mlm-cola-s0" / "record.json"
    text = record.read_text()
    record.write_text(text[:-20])
    # What was not written whole is written again, from the run's checkpoint.
    assert plan_of(capsys)["mlm-cola-s0"] == "interrupted"
    record.write_text(text)
    sizes = here / "sizes.gin"
    text = sizes.read_text()
    sizes.write_text(text.replace("TRAIN_STEPS = 24", "TRAIN_STEPS = 25"))
    assert main([*ARGUMENTS, "--dry_run"]) == 2
    assert "runs.pretrain.train_steps is 24 there, 25 here" in capsys.readouterr().err
    assert main(["suite", "status", "work", "--json"]) == 0
    found = {s["name"]: s["state"] for s in json.loads(capsys.readouterr().out)}
    outdated = {name for name, state in found.items() if state == "outdated"}
    assert outdated == {name for name in found if "mlm" in name}
    states = plan_of(capsys, "--overwrite")
    assert states["pretrain-mlm-s0"] == "other"
    assert states["mlm-cola-s0"] == "waits"
    assert states["untrained-cola-s0"] == "answered"
    sizes.write_text(text)
    assert set(plan_of(capsys).values()) == {"answered"}


@pytest.mark.parametrize(
    "seeds", ["(0,)", pytest.param("(0, 1)", marks=pytest.mark.slow)]
)
def test_the_same_records_through_ray(resumed, here, capsys, seeds):
    local = _records(here)
    os.rename("work", "work-local")
    try:
        assert main([*ARGUMENTS, "--executor=ray", f"--gin.SEEDS={seeds}"]) == 0
        through_ray = _records(here)
    finally:
        shutil.move("work", f"work-ray-{seeds}")
        os.rename("work-local", "work")
    assert " 0 before, 0 failed" in capsys.readouterr().out
    assert len(through_ray) == 1 + 4 * len(ast.literal_eval(seeds))
    for name, record in through_ray.items():
        assert record == local[name], name


def _records(folder):
    found = {}
    for path in find_records(str(folder / "work")):
        with open(path) as file:
            record = json.load(file)
        for field in MAY_DIFFER:
            record.pop(field)
        found[record["cell_id"]] = record
    return found


def test_a_newer_version_of_a_task_makes_another_run(
    resumed, here, capsys, monkeypatch
):
    card = replace(registry.tasks.get("sst"), version=2)
    monkeypatch.setitem(registry.tasks._things, "sst", card)
    assert main([*ARGUMENTS, "--dry_run"]) == 2
    error = capsys.readouterr().err
    assert "holds another run: it was made without data of sst version 2 dev" in error
