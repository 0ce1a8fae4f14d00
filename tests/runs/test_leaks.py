"""Runs say which of the examples that they are scored on they have seen."""

import gzip
import json

import pytest
from small_runs import merged

from electra_bench.cli.main import main
from electra_bench.runs.launch import launch


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))


def test_one_file_to_train_on_and_to_score(
    finetune_bindings, cola_dir, tmp_path, capsys
):
    more = ["EPOCHS = 0.1", "runs.finetune.splits = {'cola': ('train', 'train')}"]
    [record] = launch(
        "finetune", ["runs/finetune.gin"], merged(finetune_bindings, more)
    )
    [result] = record.results
    found = result.in_training
    assert (found.num_examples, found.exact, found.near, found.shared) == (
        320,
        320,
        0,
        0,
    )
    assert found.dirty_score == result.main_score and found.clean_score is None
    why = "of 320 examples 320 are in the training set, 0 more nearly"
    assert result.marks["seen in train"] == why
    assert f"warning: cola train: seen in train: {why}" in capsys.readouterr().out
    run_dir = tmp_path / "runs" / "small-cola-s0"
    with gzip.open(run_dir / result.leaks_path, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert len(lines) == 320
    assert lines[7] == {
        "id": "7",
        "in_training": "exact",
        "in_pretraining": 0.0,
        "too_short": False,
    }
    [text] = record.texts
    assert (text.name, text.split, record.texts_before) == ("cola", "train", ())

    # Other files later: the dev file with ten rows of the training file in capitals.
    rows = (cola_dir / "CoLA" / "train.tsv").read_text("utf-8").splitlines()[:10]
    other = (cola_dir / "CoLA" / "dev.tsv").read_text("utf-8")
    path = tmp_path / "other.tsv"
    path.write_text("".join(f"{row.upper()}\n" for row in rows) + other, "utf-8")
    arguments = [str(run_dir), "--gin.EVAL_SPLIT='dev'"]
    assert main(["evaluate", *arguments, f"--gin.FILES={{'dev': {str(path)!r}}}"]) == 0
    said = capsys.readouterr().out
    assert "cola, dev, 90 examples" in said
    assert said.count("seen in train: of 90 examples 1") == 1
    predict = ["predict", str(run_dir), "--split", "train", "--output", str(tmp_path)]
    assert main(predict) == 0
    assert capsys.readouterr().out.count("seen in train: of 320 examples 320") == 1
