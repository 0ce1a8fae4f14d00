"""What fine-tuning may start from and train: fractions, tasks before it, frozen layers."""

import gzip
import json
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from small_runs import the_sentence

from electra_bench import evaluate
from electra_bench.cli.main import main
from electra_bench.records import read_record
from electra_bench.training.checkpoint_files import checkpoint_steps


def record(run):
    return read_record(str(run / "record.json"))


def weights(run):
    reader = tf.train.load_checkpoint(str(run / "checkpoints"))
    return {n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map()}


@pytest.fixture(scope="module")
def rte_dir(cola_dir, tmp_path_factory):
    """CoLA's small files, and pairs of their sentences as RTE's."""
    folder = tmp_path_factory.mktemp("more")
    shutil.copytree(cola_dir / "CoLA", folder / "CoLA")
    (folder / "RTE").mkdir()
    for split in ("train", "dev"):
        lines = (folder / "CoLA" / f"{split}.tsv").read_text().splitlines()[:80]
        texts = [line.split("\t")[3] for line in lines]
        rows = ["index\tsentence1\tsentence2\tlabel"]
        for i, text in enumerate(texts):
            other = text.split()[0] if i % 2 else texts[i - 1]
            label = "entailment" if i % 2 else "not_entailment"
            rows.append(f"{i}\t{text}\t{other}\t{label}")
        (folder / "RTE" / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_learning_curve_fine_tunes_from_kept_checkpoints(
    pretrain, finetune, tmp_path, capsys
):
    curve = ["runs/learning_curve.gin"]
    assert main([*pretrain("CURVE = (0.25, 0.5, 1.0)"), "--gin_file", *curve]) == 0
    run = tmp_path / "runs" / "pretrain-small-s0"
    assert checkpoint_steps(str(run)) == [6, 12, 22, 24]

    start = (f"INIT = {str(run)!r}", "EPOCHS = 0.5", "CURVE = (0.25, 1.0)")
    assert main([*finetune(*start), "--gin_file", *curve]) == 0
    out = capsys.readouterr().out
    assert "at 0.25 of pre-training  seed 0" in out
    early = record(tmp_path / "runs" / "small-cola-at0.25-s0")
    late = record(tmp_path / "runs" / "small-cola-at1-s0")
    assert (early.pretrain_fraction, late.pretrain_fraction) == (0.25, 1.0)
    before = record(run).train_flops
    assert late.total_flops - late.train_flops == pytest.approx(before)
    assert early.total_flops - early.train_flops == pytest.approx(before / 4)

    # One recipe, from one recipe, on data that are told.
    assert early.recipe == late.recipe != record(run).recipe
    assert early.parent_recipe == late.parent_recipe == record(run).recipe
    assert len(early.train_data_sha256["cola train"]) == 64
    assert len(record(run).train_data_sha256) == 1

    # A fraction that was not kept is named, with those that were.
    missing = finetune(*start[:2], "runs.finetune.init_at = 0.75")
    assert main(missing) == 2
    sentence = the_sentence(capsys.readouterr().err, "finetune")
    assert "no checkpoint of step 18" in sentence and "[6, 12, 22, 24]" in sentence


def test_frozen_variables_stay_bit_identical(pretrain, finetune, tmp_path, capsys):
    assert main(pretrain("TRAIN_STEPS = 2")) == 0
    run = tmp_path / "runs" / "pretrain-small-s0"
    start = (f"INIT = {str(run)!r}", "EPOCHS = 0.5")
    frozen = "runs.finetune.frozen = ('embeddings', 'layer_0/attention')"
    assert main(finetune(*start, frozen)) == 0
    before, after = weights(run), weights(tmp_path / "runs" / "small-cola-s0")
    names = [n for n in after if n.startswith("electra/") and "adam" not in n]
    kept = {n for n in names if np.array_equal(before[n], after[n])}
    assert kept == {n for n in names if "embeddings" in n or "layer_0/attention" in n}
    assert not any("adam" in n and n.removesuffix("/adam_m") in kept for n in after)

    capsys.readouterr()
    wrong = "runs.finetune.frozen = ('layer_7',)"
    assert main(finetune(*start, wrong, "LABEL = 'other'")) == 2
    assert "'layer_7' is found in no variable" in capsys.readouterr().err


def test_an_intermediate_task_gives_its_encoder_and_a_row_of_its_own(
    finetune, rte_dir, tmp_path
):
    data = f"DATA_DIR = {str(rte_dir)!r}"
    first = tmp_path / "runs" / "small-rte-s0"
    assert main(finetune(data, "TASK = 'rte'", "EPOCHS = 1.0")) == 0
    start = (data, f"INIT = {str(first)!r}", "LABEL = None", "EPOCHS = 0.5")
    assert main(finetune(*start)) == 0
    second = record(tmp_path / "runs" / "small+rte-cola-s0")
    assert second.label == "small+rte"
    assert second.parent_run_id == record(first).run_id
    assert second.total_flops == pytest.approx(
        record(first).total_flops + second.train_flops
    )


def test_several_tasks_share_an_encoder(finetune, rte_dir, tmp_path, capsys):
    both = ("TASK = ('cola', 'rte')", f"DATA_DIR = {str(rte_dir)!r}", "EPOCHS = 1.0")
    assert main(finetune(*both)) == 0
    run = tmp_path / "runs" / "small-cola+rte-s0"
    cola, rte = record(run).results
    assert (cola.task, rte.task) == ("cola", "rte")
    assert record(run).train_examples == 320 + 80

    # plain seqio reads the mixture; the rates are the sizes.
    import seqio

    mixture = seqio.get_mixture_or_task("cola_and_rte")
    assert [mixture.get_rate(t) for t in mixture.tasks] == [320.0, 80.0]

    # Each head answers alone, with the same scores.
    capsys.readouterr()
    flags = ["--data_dir", str(rte_dir), "--gin.EVAL_TASK='rte'"]
    assert main(["evaluate", str(run), *flags]) == 0
    [printed] = re.findall(r"accuracy = (\S+)", capsys.readouterr().out)
    assert float(printed) == pytest.approx(rte.metrics["accuracy"], abs=0.01)
    flags = ["--task", "rte", "--split", "dev", "--output", str(tmp_path / "out")]
    assert main(["predict", str(run), "--data_dir", str(rte_dir), *flags]) == 0
    [output] = (tmp_path / "out").iterdir()
    lines = [json.loads(x) for x in gzip.decompress(output.read_bytes()).splitlines()]
    right = [line["target"] == line["prediction"] for line in lines]
    assert 100 * np.mean(right) == pytest.approx(rte.metrics["accuracy"])


def test_mixing_rates():
    from electra_bench.tasks.mixtures import mixing_rates

    assert mixing_rates("proportional", [100, 25]) == [100, 25]
    assert mixing_rates("equal", [100, 25]) == [1, 1]
    assert mixing_rates(2, [100, 25]) == [10, 5]
    with pytest.raises(ValueError, match="a temperature of at least 1, got 0.5"):
        mixing_rates(0.5, [100, 25])


def test_the_best_checkpoint_is_scored_and_said(finetune, tmp_path):
    best = (
        "training.loop.eval_every = 3",
        "training.loop.best_metric = 'mcc'",
        "EPOCHS = 1.0",
    )
    assert main(finetune(*best)) == 0
    run = tmp_path / "runs" / "small-cola-s0"
    lines = [
        json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()
    ]
    seen = {x["step"]: x["mcc"] for x in lines if x["phase"] == "eval"}
    found = record(run)
    [result] = found.results
    assert result.metrics["mcc"] == pytest.approx(max(seen.values()))
    assert seen[found.chosen_step] == max(seen.values())
    mark = f"best of {len(seen)} on it"
    assert mark in result.marks
    # Scored again, it is still the split that chose.
    assert evaluate(run).results[0].marks[mark] == result.marks[mark]
    assert mark not in evaluate(run, split="train").results[0].marks
