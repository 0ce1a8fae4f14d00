"""What must load neither TensorFlow nor seqio, each in a process of its own."""

import json
import subprocess
import sys
import time

import pytest
from run_records import run_record, save_predicted, save_records

HEAVY = ("tensorflow", "tensorflow_text", "seqio", "t5", "jax", "torch", "sacrebleu")

PROGRAM = """
import json, sys
from electra_bench.cli.main import main
status = main(sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([status, loaded]), file=sys.stderr)
"""


def loaded_by(argv):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv], capture_output=True, text=True
    )
    status, modules = json.loads(run.stderr.splitlines()[-1])
    assert status == 0, run.stderr
    return set(modules)


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["--version"],
        ["list", "tasks"],
        ["list", "models", "--json"],
        ["list", "plugins"],
        ["describe", "task", "cola"],
        ["describe", "report", "leaderboard"],
        ["leaderboard", "--help"],
        ["leaderboard", "build", "--help"],
        ["pretrain", "--help"],
        ["finetune", "--help"],
        ["score", "--help"],
        ["rerank", "--help"],
        ["predict", "--help"],
        ["validate", "--help"],
        ["compare", "--help"],
        ["doctor", "--help"],
        ["fetch", "--help"],
        ["fetch", "--list"],
        ["cache", "--help"],
        ["cache", "ls"],
        ["list", "suites"],
        ["describe", "suite", "grid"],
        ["suite", "run", "--help"],
        ["suite", "status", "--help"],
    ],
    ids=" ".join,
)
def test_light_verbs(argv):
    assert not loaded_by(argv) & set(HEAVY)


def test_leaderboard_build(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    save_records(tmp_path / "runs", [run_record("a", "cola", 0, 60.0)])
    argv = ["leaderboard", "build", str(tmp_path / "runs"), "--out", str(tmp_path)]
    assert not loaded_by(argv) & set(HEAVY)


def test_fetch(tmp_path):
    (tmp_path / "vocab.txt").touch()
    argv = ["fetch", "electra_vocab", "--data_dir", str(tmp_path)]
    assert not loaded_by(argv) & set(HEAVY)


def test_compare(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    for label in ("a", "b"):
        record = run_record(label, "cola", 0, 50.0)
        save_predicted(tmp_path / label, record, ["x", "y"], ["x", "z"])
    loaded = loaded_by(["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    # scikit-learn and scipy.stats would take most of two seconds.
    assert not loaded & {*HEAVY, "sklearn", "pandas"}


def test_suite_status(tmp_path):
    argv = ["suite", "status", "gin/suites/table5.gin", "--workdir", str(tmp_path)]
    argv += ["--gin.TEXT='x'", "--gin.VOCAB='x'"]
    assert not loaded_by(argv) & set(HEAVY)


@pytest.mark.parametrize("argv", [["--help"], ["list", "tasks"]], ids=" ".join)
def test_answers_in_about_a_second(argv):
    durations = []
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "electra_bench", *argv],
            check=True,
            capture_output=True,
        )
        durations.append(time.monotonic() - start)
    # The best of three: the machine may be busy with other tests.
    assert min(durations) < 1.5
