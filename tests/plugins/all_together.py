"""The distributions of plugins/ at work in one benchmark, through the command line only.

Run by test_distributions.py where they are installed.
"""

import json
from pathlib import Path

import pytest

from electra_bench.cli.main import main
from electra_bench.records import read_predictions

HEADERS = {"paws": "id\tsentence1\tsentence2\tlabel", "sst5": "sentence\tlabel"}
SST5 = str(Path(__file__).parent / "plugins/kind/examples/sst5.py")
TEXT = "the old mill by the river burnt down and nobody knew why it had been so"
SIZES = [
    "--gin.models.albert.hidden_size=16",
    "--gin.models.albert.num_layers=2",
    "--gin.models.albert.num_heads=2",
    "--gin.models.albert.ffn_size=32",
]


def electra_bench(*arguments, status=0):
    assert main(list(arguments)) == status


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A work folder with a corpus, a vocabulary and the data of both tasks."""
    path = tmp_path_factory.mktemp("together")
    words = TEXT.split()
    lines = [" ".join(words[i % 7 :] + words[: i % 5]) for i in range(400)]
    (path / "corpus.txt").write_text("\n\n".join(lines))
    for name, row in {
        "paws": lambda i: f"{i}\t{lines[i]}\t{lines[i + i % 2]}\t{i % 2}",
        "sst5": lambda i: f"{lines[i]}\t{i % 5}",
    }.items():
        (path / name).mkdir()
        rows = [row(i) for i in range(48)]
        header = HEADERS[name]
        for split in ("train", "dev", "test"):
            (path / name / f"{split}.tsv").write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def runs(folder):
    """A pre-trained model, and one fine-tuned run for each task."""
    vocab, runs = folder / "vocab.txt", folder / "runs"
    corpus = str(folder / "corpus.txt")
    electra_bench("vocab", "train", "--output", str(vocab), "--size", "120", corpus)
    electra_bench(
        "pretrain", "gin/runs/pretrain.gin", "--workdir", str(runs), *SIZES,
        "--gin.MODEL='albert'", "--gin.OBJECTIVE='shuffled_tokens'",
        f"--gin.CORPORA={{'texts': {{'files': {corpus!r}, 'holdout': 0.1}}}}",
        "--gin.CORPUS='texts'", f"--gin.VOCAB={str(vocab)!r}", "--gin.LABEL='shared'",
        "--gin.TRAIN_STEPS=4", "--gin.BATCH_SIZE=8", "--gin.MAX_SEQ_LENGTH=32",
        "--gin.PRETRAIN_LEARNING_RATE=1e-3", "--gin.WARMUP_STEPS=2",
        "--gin.runs.pretrain.processes=1",
    )  # fmt: skip
    for task in ("paws", "sst5"):
        finetune(folder, task)
    return runs


def finetune(folder, task, *flags):
    init = str(folder / "runs" / "pretrain-shared-s0")
    electra_bench(
        "finetune", "gin/runs/finetune.gin", "--plugin", SST5,
        "--workdir", str(folder / "runs"), "--data_dir", str(folder),
        f"--gin.TASK={task!r}", f"--gin.INIT={init!r}", "--gin.EPOCHS=1", *flags,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task", "metric", "objective"),
    [("paws", "pr_auc", "classification"), ("sst5", "quadratic_kappa", "ordinal")],
)
def test_records_say_what_was_used(runs, task, metric, objective):
    record = json.loads((runs / f"shared-{task}-s0" / "record.json").read_text())
    [result] = record["results"]
    assert result["main_metric"] == metric
    assert -100 <= result["metrics"][metric] <= 100
    assert (record["model"], record["objective"]) == ("albert", objective)
    assert {"electra-bench-albert", "electra-bench-ordinal"} <= {*record["plugins"]}


def test_a_task_of_a_kind_from_a_plugin_is_planned_evaluated_and_predicted(
    folder, runs, capsys
):
    finetune(folder, "sst5", "--dry_run", "--gin.LABEL='planned'")
    assert "parameters trained" in capsys.readouterr().out
    assert not (runs / "planned-sst5-s0").exists()
    run = str(runs / "shared-sst5-s0")
    given = ["--plugin", SST5, "--data_dir", str(folder)]
    electra_bench("evaluate", run, "--gin.EVAL_SPLIT='test'", *given)
    assert "quadratic_kappa" in capsys.readouterr().out
    out = folder / "predictions"
    electra_bench("predict", run, "--split", "test", "--output", str(out), *given)
    [file] = out.iterdir()
    first = next(read_predictions(str(file)))
    assert first.target in "01234" and len(first.scores) == 4


def test_tables_have_their_columns(folder, runs, capsys):
    electra_bench("leaderboard", "build", str(runs))
    assert {"paws", "sst5"} <= {*capsys.readouterr().out.split()}
    out = str(folder / "report")
    electra_bench("leaderboard", "build", str(runs), "--report", "pareto", "--out", out)
    assert "| model | pretrain FLOPs | mean | beaten by |" in (
        (folder / "report" / "pareto.md").read_text()
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("task", "paws"),
        ("model", "albert"),
        ("objective", "shuffled_tokens"),
        ("kind", "ordinal"),
        ("report", "pareto"),
        ("optimizer", "lion"),
    ],
)
def test_names_say_where_they_come_from(kind, name, capsys):
    electra_bench("describe", kind, name, "--json")
    described = json.loads(capsys.readouterr().out)
    assert described["distribution"] == f"electra-bench-{name.replace('_', '-')}"
