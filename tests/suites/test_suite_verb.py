"""What is wrong with a suite is one sentence before any work; what a plan shows."""

import inspect
import json
import os
import subprocess
import sys

import pytest
from run_records import run_record
from small_runs import SMALL_MODEL, the_sentence

from electra_bench import config
from electra_bench.cli.main import main
from electra_bench.cli.suite import FLAGS
from electra_bench.config import gin_root
from electra_bench.records import write_record
from electra_bench.runs import suite as root
from electra_bench.runs import suite_check
from electra_bench.runs.identity import config_sha256
from electra_bench.runs.lifecycle import Stored
from electra_bench.runs.suite import configure, suite

SUITE = """
include 'runs/suite.gin'
SUITE = 'small'
SEEDS = (0, 1)
suites.grid.models = {
    'mlm': {'files': ('sizes.gin',), 'pretrain': {'OBJECTIVE': 'mlm'}},
    'untrained': {'files': ('sizes.gin',)},
}
suites.grid.tasks = ('cola',)
suites.grid.pretrain = {
    'CORPORA': {'stdlib': {'files': 'TEXT', 'holdout': 0.1}},
    'CORPUS': 'stdlib',
    'TRAIN_STEPS': 4,
    'BATCH_SIZE': 16,
    'MAX_SEQ_LENGTH': 32,
    'PRETRAIN_LEARNING_RATE': 1e-3,
    'WARMUP_STEPS': 4,
}
"""


@pytest.fixture(autouse=True)
def check_in_this_process(monkeypatch):
    """Checks do not start a process, which would load TensorFlow again."""

    def check(suite):
        return suite_check.check(suite.cells, suite.plugins)

    monkeypatch.setattr(root, "check", check)


@pytest.fixture
def arguments(tmp_path, text_file, vocab_file, cola_dir, monkeypatch):
    """Makes the arguments of `suite run`; further flags follow."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sizes.gin").write_text("\n".join(SMALL_MODEL))
    (tmp_path / "small.gin").write_text(SUITE.replace("TEXT", str(text_file)))

    def make(*more, action="run"):
        given = ["suite", action, "small.gin", "--workdir", "work"]
        given += ["--data_dir", str(cola_dir), f"--gin.VOCAB={str(vocab_file)!r}"]
        return [*given, *more]

    return make


def test_the_plan_says_what_there_is_to_do(arguments, tmp_path, capsys):
    assert main(arguments("--dry_run", "--cores", "3", "--memory", "5")) == 0
    out = capsys.readouterr().out
    assert "budget: 3 cores, 5.0 GB" in out
    rows = [line.split() for line in out.splitlines() if line[:1].isdigit()]
    assert [row[1:3] for row in rows[:3]] == [
        ["pretrain-mlm-s0", "to"],
        ["mlm-cola-s0", "waits"],
        ["untrained-cola-s0", "to"],
    ]
    commands = [x for x in out.splitlines() if x.startswith("electra-bench ")]
    assert len(commands) == 6
    assert commands[0].startswith("electra-bench pretrain runs/pretrain.gin sizes.gin")
    assert out.splitlines()[-1] == "6 to run"
    assert not (tmp_path / "work").exists(), "a plan writes nothing"


def test_a_command_of_the_plan_can_be_typed(arguments, capsys):
    assert main(arguments("--dry_run")) == 0
    out = capsys.readouterr().out.splitlines()
    [command] = [x for x in out if x.endswith("--cell_id untrained-cola-s1")]
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True
    ).stdout.splitlines()
    assert main([*words[1:], "--dry_run"]) == 0
    assert "work/runs/untrained-cola-s1" in capsys.readouterr().out


def test_overwriting_and_accepting_are_refused_together(arguments, capsys):
    assert main(arguments("--dry_run", "--overwrite", "--accept_code")) == 2
    assert "give one of them" in the_sentence(capsys.readouterr().err, "suite")


def test_fractions_of_pretraining_are_no_cells(arguments, capsys):
    bound = "--gin.suites.grid.finetune={'runs.finetune.init_at': 0.5}"
    assert main(arguments("--dry_run", bound)) == 2
    error = capsys.readouterr().err
    assert "runs.finetune.init_at is 0.5, which cells of a suite do not take" in error


def test_status_of_a_suite_that_was_not_started(arguments, capsys):
    words = arguments(action="status")
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 6
    assert {s["state"] for s in found} == {"missing"}
    assert found[0]["reason"] == "not started"
    assert found[1]["reason"] == "waits for pretrain-mlm-s0, which is missing"
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "small: 0 done, 0 outdated, 0 running, 0 failed, 6 missing of 6" in out
    assert "not compared: data, vocabularies, " in out


def leave_run(cell, start=None):
    """Writes what a cell's run would leave, with one default of the code."""
    bindings = config.read(cell.files, cell.overrides())
    literals = {b.key: bindings.value(b.key) for b in bindings.bindings if b.parameter}
    known = {"data of cola train": "d"}
    if start is not None:
        known |= {"init": start.checkpoint_sha256, "vocabulary": start.vocab_sha256}
    lines = [f"#= {name} {sha}" for name, sha in known.items()]
    lines += [f"{key} = {value!r}" for key, value in literals.items()]
    text = "\n".join([*lines, "training.loop.log_every = 7"])
    os.makedirs(cell.run_dir)
    with open(os.path.join(cell.run_dir, "config.gin"), "w") as file:
        file.write(text)
    record = run_record(
        cell.label,
        "cola",
        cell.seed,
        60.0,
        config_sha256=config_sha256(*Stored.of(text)[1:3]),
        checkpoint_sha256="c",
        vocab_sha256="v",
    )
    write_record(cell.run_dir, record)
    return record


@pytest.fixture
def done(arguments, capsys):
    """The status of the suite with all cells done, under further flags."""
    planned = configure(["small.gin"], bindings_of(arguments()), [])
    records = {}
    for cell in planned.cells:
        records[cell.cell_id] = leave_run(cell, records.get(cell.needs))

    def status(*more):
        assert main(arguments("--json", *more, action="status")) == 0
        found = json.loads(capsys.readouterr().out)
        return {cell["name"]: (cell["state"], cell["reason"]) for cell in found}

    return status


def bindings_of(words):
    """The bindings that flags stand for."""
    bindings = [w.removeprefix("--gin.") for w in words if w.startswith("--gin.")]
    flags = {"--workdir": "WORKDIR", "--data_dir": "DATA_DIR"}
    given = zip(words, words[1:], strict=False)
    return bindings + [f"{flags[w]} = {v!r}" for w, v in given if w in flags]


def test_status_names_what_is_outdated(done, tmp_path):
    assert set(done().values()) == {("done", "")}
    found = done("--gin.suites.grid.finetune={'EPOCHS': 2.5}")
    for name, said in found.items():
        changed = ("outdated", "runs.finetune.epochs is None there, 2.5 here")
        assert said == (("done", "") if "pretrain" in name else changed), name
    sizes = tmp_path / "sizes.gin"
    text = sizes.read_text()
    sizes.write_text(text.replace("hidden_size = 16", "hidden_size = 24"))
    found = done()
    state, reason = found["pretrain-mlm-s0"]
    assert state == "outdated"
    assert reason.endswith("hidden_size is 16 there, 24 here")
    builds = "builds on pretrain-mlm-s0, which is outdated"
    assert found["mlm-cola-s0"] == ("outdated", builds)
    sizes.unlink()
    state, reason = done()["pretrain-mlm-s0"]
    assert state == "done"
    assert reason.startswith("not compared: no gin file 'sizes.gin'")


def test_status_says_what_lies_in_a_folder_instead_of_the_run(
    done, arguments, tmp_path, capsys
):
    runs = tmp_path / "work" / "runs"
    path = runs / "mlm-cola-s0" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "failed"}))
    (runs / "mlm-cola-s1" / "config.gin").unlink()
    found = done()
    assert found.pop("mlm-cola-s0") == ("failed", "its record's status is 'failed'")
    said = "it holds a record of the finetune run 'mlm-cola-1', no config.gin"
    assert found.pop("mlm-cola-s1") == ("outdated", said)
    assert set(found.values()) == {("done", "")}
    assert main(arguments("--json", action="status")) == 0
    scores = {s["name"]: s["score"] for s in json.loads(capsys.readouterr().out)}
    assert scores["mlm-cola-s1"] is None
    assert scores["untrained-cola-s0"] == 60.0


def test_status_knows_the_checkpoint_that_a_cell_started_from(done, tmp_path):
    path = tmp_path / "work" / "runs" / "pretrain-mlm-s1" / "record.json"
    changed = {"checkpoint_sha256": "another"}
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    found = done()
    assert found.pop("mlm-cola-s1") == ("outdated", "its init has another content")
    assert set(found.values()) == {("done", "")}


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--gin.suites.grid.tasks=('colla',)"],
            "no tasks 'colla'; near: ['cola'",
        ),
        (["--gin.suites.grid.tasks=('ax',)"], "task 'ax' has no training set"),
        (
            ["--gin.suites.grid.protocols=('fixd',)"],
            "no gin file 'protocols/fixd.gin'",
        ),
        (
            ["--gin.suites.grid.finetune={'EPOCS': 1}"],
            "nothing uses the macro EPOCS; near: ['EPOCHS']",
        ),
        (
            ["--gin.suites.grid.finetune={'training.adamw.peek_lr': 1}"],
            "training.adamw has no parameter 'peek_lr'; near: ['peak_lr']",
        ),
        (
            ["--gin.suites.grid.models={'a': {'pretrain': {'OBJECTIVE': 'mml'}}}"],
            "no objectives 'mml'; near: ['mlm'",
        ),
        (
            ["--gin.suites.grid.models={'a': {'finetune': {'MODEL': 'elektra'}}}"],
            "no models 'elektra'; near: ['electra']",
        ),
        (
            ["--gin.suites.grid.models={'a': {}}"],
            "models.electra needs hidden_size",
        ),
        (
            ["--gin.suites.grid.models={'a': {'init': 'nowhere'}}"],
            "no checkpoint at",
        ),
        (["--gin.VOCAB='gone.txt'"], "no vocabulary file 'gone.txt'"),
        (["--gin.suites.grid.seeds=()"], "seeds is empty: the grid has no cells"),
        (["--gin.suites.grid.sedes=(0,)"], "has no parameter 'sedes'"),
        (
            ["--gin.training.adamw.peak_lr=1.0"],
            "a suite's gin file binds runs.suite and suites.*",
        ),
        (["--gin.runs.suite.suite='gird'"], "no suites 'gird'; near: ['grid']"),
        (["--executor=rya"], "no executor 'rya'; all: local, ray"),
        (["--ray_address=auto"], "--ray_address goes with --executor=ray"),
        (["--gin.runs.suite.cores=0"], "runs.suite.cores = 0: expected int above 0"),
        (["--memory", "0.5"], "needs about 1.3 GB, the budget is 0.5 GB"),
        (
            ["--gin.runs.suite.threads=2", "--cores", "1"],
            "a cell has 2 threads (runs.suite.threads), the budget is 1 cores",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_is_wrong_is_found_before_any_work(
    arguments, flags, sentence, tmp_path, capsys
):
    given = [
        word
        for word in arguments()
        if word.partition("=")[0] not in {f.partition("=")[0] for f in flags}
    ]
    assert main([*given, *flags, "--dry_run"]) == 2
    assert sentence in the_sentence(capsys.readouterr().err, "suite")
    assert not (tmp_path / "work").exists()


def test_missing_data_is_named_or_left_out(arguments, capsys):
    tasks = "--gin.suites.grid.tasks=('cola', 'rte')"
    assert main(arguments(tasks)) == 2
    said = the_sentence(capsys.readouterr().err, "suite")
    assert said.startswith("rte: split 'train': none of ") and "and 3 more" in said
    assert said.endswith("--skip_missing leaves such tasks out")
    assert main(arguments(tasks, "--skip_missing", "--dry_run")) == 0
    out = capsys.readouterr().out
    assert out.count("left out") == 4 + 1 and "4 left out" in out


def test_a_second_suite_in_one_folder_is_refused(arguments, tmp_path, capsys):
    (tmp_path / "work").mkdir()
    lock = tmp_path / "work" / ".suite.lock"
    lock.write_text("123\n")
    program = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); "
    program += "print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        assert main(arguments()) == 2
        other.stdin.close()
    said = the_sentence(capsys.readouterr().err, "suite")
    assert said.startswith("another suite is at work in work (process 123); wait")
    assert os.listdir("work") == [".suite.lock"]


def test_flags_are_parameters_of_the_root():
    assert set(FLAGS.values()) <= set(inspect.signature(suite).parameters)


@pytest.mark.parametrize("name", ["smoke", "table5", "glue", "five_tasks"])
def test_every_suite_of_the_project_is_a_grid(name, capsys, tmp_path):
    assert (gin_root() / "suites" / f"{name}.gin").is_file()
    given = {
        "smoke": ["--gin.VOCAB='v'"],
        "table5": ["--gin.VOCAB='v'", "--gin.TEXT='t'"],
        "glue": ["--gin.INIT='i'"],
        "five_tasks": ["--gin.MODELS={'a': {'init': 'i'}, 'b': {'init': 'j'}}"],
    }
    cells = {"smoke": 14, "table5": 18 + 7 * 4 * 3, "glue": 45, "five_tasks": 50}
    workdir = ["--workdir", str(tmp_path)]
    verb = ["suite", "status", f"gin/suites/{name}.gin", *workdir, *given[name]]
    assert main([*verb, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == cells[name]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["status"], "a suite's folder or gin file is needed"),
        (["status", "nowhere"], "no suite in 'nowhere': it has no suite.json"),
        (["status", "a", "x.gin"], "give a folder or gin files, got both"),
        (["run"], "a gin file is needed"),
    ],
)
def test_arguments_that_are_none(words, sentence, capsys):
    assert main(["suite", *words]) == 2
    assert sentence in the_sentence(capsys.readouterr().err, "suite")


PLUGIN = """
from electra_bench.registry import suites
from electra_bench.suites.cell import Cell

@suites.register("lonely")
def lonely(task: str):
    def plan(workdir):
        return [Cell("it", "finetune", (), {}, f"{workdir}/it", "it", task, 0, workdir)]
    return plan
"""


def test_a_suite_of_a_plugin(tmp_path, capsys):
    plugin = tmp_path / "suites_test_plugin.py"
    plugin.write_text(PLUGIN)
    (tmp_path / "lonely.gin").write_text(
        "runs.suite.name = 'lonely'\nruns.suite.suite = 'lonely'\n"
        f"runs.suite.workdir = '{tmp_path}'\nsuites.lonely.task = 'rte'\n"
    )
    words = ["--plugin", str(plugin), str(tmp_path / "lonely.gin"), "--json"]
    assert main(["suite", "status", *words]) == 0
    [cell] = json.loads(capsys.readouterr().out)
    assert (cell["name"], cell["state"]) == ("it", "missing")
    assert f"--plugin {plugin} --suite lonely --cell_id it" in cell["command"]
