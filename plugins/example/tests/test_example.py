"""The plugin at work, through the command line of electra-bench only."""

import ast
import json
import subprocess
import sysconfig
from pathlib import Path

import pytest


def electra_bench(*arguments, cwd):
    """Runs a command; its output, standard error included, goes into a failure."""
    done = subprocess.run(
        ["electra-bench", *arguments], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A work folder with a corpus and a vocabulary."""
    path = tmp_path_factory.mktemp("example")
    texts = []
    for module in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:120]:
        text = ast.get_docstring(ast.parse(module.read_bytes()))
        texts.append(text or module.stem)
    (path / "corpus.txt").write_text("\n\n".join(texts * 4), encoding="utf-8")
    electra_bench(
        "vocab",
        "train",
        "--output",
        "vocab.txt",
        "--size",
        "500",
        "corpus.txt",
        cwd=path,
    )
    return path


def test_names_are_known_and_say_where_they_come_from(folder):
    listed = json.loads(electra_bench("list", "plugins", "--json", cwd=folder))
    assert "electra-bench-example" in {row["name"] for row in listed}
    for kind, name in {
        "task": "stdlib_kind",
        "model": "convolution",
        "objective": "mlm_smoothed",
        "report": "score_per_flop",
    }.items():
        text = electra_bench("describe", kind, name, cwd=folder)
        assert "electra-bench-example" in text


def test_model_objective_task_and_report_work_together(folder):
    electra_bench(
        "pretrain", "gin/runs/pretrain.gin", "--workdir", "runs",
        "--gin.MODEL='convolution'", "--gin.OBJECTIVE='mlm_smoothed'",
        "--gin.models.convolution.hidden_size=32",
        "--gin.CORPORA={'docs': {'files': 'corpus.txt', 'holdout': 0.1}}",
        "--gin.CORPUS='docs'", "--gin.VOCAB='vocab.txt'", "--gin.LABEL='conv'",
        "--gin.TRAIN_STEPS=20", "--gin.BATCH_SIZE=8", "--gin.MAX_SEQ_LENGTH=64",
        "--gin.PRETRAIN_LEARNING_RATE=1e-3", "--gin.WARMUP_STEPS=2",
        "--gin.training.loop.log_every=10", "--gin.training.loop.checkpoint_every=20",
        cwd=folder,
    )  # fmt: skip
    lines = (folder / "runs/pretrain-conv-s0/metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["step"] == 10

    output = electra_bench(
        "finetune", "gin/runs/finetune.gin", "--workdir", "runs",
        "--gin.TASK='stdlib_kind'", "--gin.INIT='runs/pretrain-conv-s0'",
        cwd=folder,
    )  # fmt: skip
    assert "stdlib_kind  dev  seed 0: accuracy" in output

    electra_bench(
        "leaderboard", "build", "runs", "--report", "score_per_flop", "--out", "report",
        "--format", "json",
        cwd=folder,
    )  # fmt: skip
    [report] = (folder / "report").glob("*.json")
    assert "conv" in report.read_text()
