"""`evaluate` finds what training recorded."""

import json

import pytest

from electra_bench.cli.main import main
from electra_bench.runs.launch import launch


def evaluated(capsys, *arguments):
    """Metrics that the verb prints."""
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments)]) == 0
    lines = capsys.readouterr().out.splitlines()
    pairs = [line.split(" = ") for line in lines if " = " in line]
    return {name.strip(): float(value) for name, value in pairs}


def recorded(run_dir):
    return json.loads((run_dir / "record.json").read_text())["results"][0]["metrics"]


def test_a_fine_tuned_checkpoint_scores_as_recorded(
    finetune_bindings, tmp_path, capsys
):
    launch("finetune", ["runs/finetune.gin"], finetune_bindings)
    run_dir = tmp_path / "runs" / "small-cola-s0"
    found = evaluated(capsys, run_dir)
    assert found == pytest.approx(recorded(run_dir))
    assert main(["evaluate", str(run_dir), "--gin.EVAL_SPLIT='train'"]) == 0
    assert "cola, train, 320 examples" in capsys.readouterr().out
    assert main(["evaluate", str(run_dir), "--dry_run"]) == 0
    shown = capsys.readouterr().out
    assert "nothing is scored" in shown and "matthews" not in shown
    assert main(["evaluate", str(run_dir), "--gin.models.electra.ffn_size=48"]) == 2
    said = capsys.readouterr().err
    assert "electra/encoder/layer_0/intermediate/dense/kernel" in said and "48" in said


def test_a_pre_trained_checkpoint_is_evaluated_on_its_corpus_and_others(
    pretrain_bindings, text_file, tmp_path, capsys
):
    launch("pretrain", ["runs/pretrain.gin"], pretrain_bindings)
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    batch = "--gin.runs.evaluate.batch_size=16"
    found = evaluated(capsys, run_dir, batch)
    # Printed as the original prints them: fractions.
    expected = {
        name: value if name.endswith("_loss") else value / 100
        for name, value in recorded(run_dir).items()
    }
    assert found == pytest.approx(expected, rel=1e-5)
    other = f"{{'other': {{'files': {str(text_file)!r}, 'holdout': 0.5}}}}"
    task = ["--gin.EVAL_TASK='other'", f"--gin.CORPORA={other}"]
    assert evaluated(capsys, run_dir, batch, *task) != found
