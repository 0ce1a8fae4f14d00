"""`evaluate` finds what training recorded."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small_runs import merged

from electra_bench import evaluate, registry
from electra_bench.cli.main import main
from electra_bench.records import read_predictions, read_record
from electra_bench.reports.collect.records import collect
from electra_bench.reports.leaderboard import leaderboard
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
    choice = {"trials": 2, "on": "others", "values": {"LEARNING_RATE": [1e-3, 2e-3]}}
    more = [f"runs.finetune.choice = {choice!r}"]
    bindings = merged(finetune_bindings, more)
    [trained] = launch("finetune", ["runs/finetune.gin"], bindings)
    run_dir = tmp_path / "runs" / "small-cola-s0"
    again = evaluate(run_dir)
    assert again.choice == trained.choice and again.choice["trials"] == 2
    assert (again.seed, again.pretrain_seed) == (trained.seed, trained.pretrain_seed)
    assert again.pretrain_fraction == trained.pretrain_fraction
    found = evaluated(capsys, run_dir)
    assert found == pytest.approx(recorded(run_dir))
    mirrored = "--gin.training.strategy.name='mirrored'"
    assert evaluated(capsys, run_dir, mirrored) == pytest.approx(found)
    assert main(["evaluate", str(run_dir), "--gin.EVAL_SPLIT='train'"]) == 0
    assert "cola, train, 320 examples" in capsys.readouterr().out
    assert main(["evaluate", str(run_dir), "--dry_run"]) == 0
    shown = capsys.readouterr().out
    assert "nothing is scored" in shown and "matthews" not in shown
    assert main(["evaluate", str(run_dir), "--gin.models.electra.ffn_size=48"]) == 2
    said = capsys.readouterr().err
    assert "electra/encoder/layer_0/intermediate/dense/kernel" in said and "48" in said


def test_another_task_of_its_kind_and_labels_is_scored(
    finetune_bindings, cola_dir, tmp_path, capsys
):
    shutil.copytree(cola_dir, tmp_path / "data")
    (tmp_path / "data" / "SST-2").mkdir()
    rows = ["sentence\tlabel", "A fine day.\t1", "A bad night.\t0"]
    (tmp_path / "data" / "SST-2" / "dev.tsv").write_text("\n".join(rows) + "\n")
    more = [f"DATA_DIR = {str(tmp_path / 'data')!r}", "EPOCHS = 0.1"]
    launch("finetune", ["runs/finetune.gin"], merged(finetune_bindings, more))
    run_dir = str(tmp_path / "runs" / "small-cola-s0")
    capsys.readouterr()
    assert main(["evaluate", run_dir, "--gin.EVAL_TASK='sst'"]) == 0
    out = capsys.readouterr().out
    assert "sst, dev, 2 examples" in out and "accuracy = " in out
    assert main(["evaluate", run_dir, "--gin.EVAL_TASK='sts'"]) == 2
    said = capsys.readouterr().err
    assert "'cola' (classification, 2 labels) cannot answer 'sts'" in said

    # A file of one's own, as a column of tables.
    mine = tmp_path / "mine.gin"
    mine.write_text(
        "tasks.theirs.kind = 'classification'\n"
        f"tasks.theirs.files = {{'dev': {str(tmp_path / 'theirs.tsv')!r}}}\n"
        "tasks.theirs.columns = {'text_a': 'sentence'}\n"
        "tasks.theirs.trained_on = 'cola'\n"
        "EVAL_TASK = 'theirs'\n"
    )
    (tmp_path / "theirs.tsv").write_text("\n".join(rows) + "\n")
    runs = str(tmp_path / "runs")
    assert main(["evaluate", run_dir, str(mine), "--workdir", runs]) == 0
    folder = tmp_path / "runs" / "small-cola-s0-on-theirs-dev"
    record = read_record(str(folder / "record.json"))
    trained = read_record(f"{run_dir}/record.json")
    assert (record.kind, record.label) == ("evaluate", "small")
    assert record.parent_run_id == trained.run_id and record.seed == trained.seed
    assert len(list(read_predictions(str(folder / record.results[0].predictions_path))))
    table = leaderboard()(collect([runs]))
    [row] = table.rows
    assert table.cell(row, "model") == "small"
    scores = [table.cell(row, name).value for name in ("cola (80 of 1043)", "theirs")]
    assert scores == [r.results[0].main_score for r in (trained, record)]
    capsys.readouterr()
    # The same command, and the one that a page gives, find it done.
    assert main(["evaluate", run_dir, str(mine), "--workdir", runs]) == 0
    assert "is done already" in capsys.readouterr().out
    assert main(["evaluate", run_dir, str(folder / "config.gin")]) == 0
    assert "is done already" in capsys.readouterr().out
    # Without a folder no record is kept.
    before = sorted((tmp_path / "runs").iterdir())
    assert main(["evaluate", run_dir, str(mine)]) == 0
    assert sorted((tmp_path / "runs").iterdir()) == before


def test_a_split_without_labels_has_no_scores(
    finetune_bindings, cola_dir, tmp_path, capsys
):
    shutil.copytree(cola_dir, tmp_path / "data")
    (tmp_path / "data" / "CoLA" / "test.tsv").write_text("index\tsentence\n0\tA day.\n")
    more = [f"DATA_DIR = {str(tmp_path / 'data')!r}", "EPOCHS = 0.1"]
    launch("finetune", ["runs/finetune.gin"], merged(finetune_bindings, more))
    test = [str(tmp_path / "runs" / "small-cola-s0"), "--gin.EVAL_SPLIT='test'"]
    capsys.readouterr()
    assert main(["evaluate", *test, "--dry_run"]) == 0
    assert "none without right answers" in capsys.readouterr().out
    assert main(["evaluate", *test]) == 0
    out = capsys.readouterr().out
    assert "cola, test, 1 examples" in out and "no scores" in out


def test_bad_rows_are_treated_as_in_training(finetune, cola_dir, tmp_path, capsys):
    shutil.copytree(cola_dir, tmp_path / "data")
    dev = tmp_path / "data" / "CoLA" / "dev.tsv"
    dev.write_text(dev.read_text() + "x\t7\t\tno such label\n")
    more = (f"DATA_DIR = {str(tmp_path / 'data')!r}", "EPOCHS = 0.1")
    assert main(finetune(*more, flags=("--on_error", "skip"))) == 0
    run_dir = tmp_path / "runs" / "small-cola-s0"
    assert evaluated(capsys, run_dir) == pytest.approx(recorded(run_dir))
    predict = ["predict", str(run_dir), "--split", "dev", "--output", str(tmp_path)]
    assert main(predict) == 0
    for verb in (["evaluate", str(run_dir)], [*predict, "--overwrite"]):
        capsys.readouterr()
        assert main([*verb, "--on_error", "raise"]) == 2
        assert "line 81: unknown label '7'" in capsys.readouterr().err


def fractions(metrics):
    """Of a record, as they are printed: like the original's."""
    return {
        name: value if name.endswith("_loss") else value / 100
        for name, value in metrics.items()
    }


BATCH = "--gin.runs.evaluate.batch_size=16"


def test_a_pre_trained_checkpoint_is_evaluated_on_its_corpus_and_others(
    pretrain_bindings, text_file, tmp_path, capsys
):
    kept = "features.pretraining.cut_tokens = 'kept'"
    launch("pretrain", ["runs/pretrain.gin"], [*pretrain_bindings, kept])
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    found = evaluated(capsys, run_dir, BATCH)
    assert found == pytest.approx(fractions(recorded(run_dir)), rel=1e-5)
    dropped = "--gin.features.pretraining.cut_tokens='dropped'"
    assert evaluated(capsys, run_dir, BATCH, dropped) != found
    other = f"{{'other': {{'files': {str(text_file)!r}, 'holdout': 0.5}}}}"
    task = ["--gin.EVAL_TASK='other'", f"--gin.CORPORA={other}"]
    assert evaluated(capsys, run_dir, BATCH, *task) != found


@pytest.mark.parametrize("objective", registry.objectives.names())
def test_every_objective_pre_trains_and_is_evaluated(
    objective, pretrain_bindings, tmp_path, capsys
):
    more = [f"OBJECTIVE = {objective!r}", "TRAIN_STEPS = 6"]
    launch("pretrain", ["runs/pretrain.gin"], merged(pretrain_bindings, more))
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    expected = recorded(run_dir)
    assert expected["masked_lm_loss"] > 0
    found = evaluated(capsys, run_dir, BATCH)
    assert found == pytest.approx(fractions(expected), rel=1e-5)


def test_a_unigram_generator_has_the_frequencies_of_the_training_text(
    pretrain_bindings, tmp_path, capsys
):
    more = [
        "OBJECTIVE = 'electra'",
        "objectives.electra.generator = 'unigram'",
        "TRAIN_STEPS = 6",
    ]
    launch("pretrain", ["runs/pretrain.gin"], merged(pretrain_bindings, more))
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    reader = tf.train.load_checkpoint(str(run_dir / "checkpoints"))
    counts = reader.get_tensor("generator_predictions/counts")
    vocab = (run_dir / "vocab.txt").read_text().splitlines()
    never = [vocab.index(token) for token in ("[CLS]", "[SEP]", "[PAD]", "[MASK]")]
    assert counts[never].sum() == 0 and counts.sum() > 1000
    assert {"the", "."} <= {vocab[i] for i in np.argsort(counts)[-8:]}
    # Its loss is the entropy of words, below that of a uniform choice.
    assert recorded(run_dir)["masked_lm_loss"] < np.log(len(vocab)) - 0.3
    found = evaluated(capsys, run_dir, BATCH)
    assert found == pytest.approx(fractions(recorded(run_dir)), rel=1e-5)
