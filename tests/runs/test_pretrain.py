"""Pre-training and fine-tuning as roots: folders, records, what is refused."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from small_runs import merged

from electra_bench.runs.launch import launch
from electra_bench.runs.lifecycle import AnotherRun
from electra_bench.vocabularies.training import train_sentencepiece


@pytest.fixture
def pretrain(pretrain_bindings):
    def run(*more, **options):
        return launch(
            "pretrain",
            ["runs/pretrain.gin"],
            merged(pretrain_bindings, more),
            **options,
        )

    return run


@pytest.fixture
def finetune(finetune_bindings):
    def run(*more, **options):
        return launch(
            "finetune",
            ["runs/finetune.gin"],
            merged(finetune_bindings, more),
            **options,
        )

    return run


def test_a_run_leaves_folder_and_record(pretrain, tmp_path):
    record = pretrain("OBJECTIVE = 'electra'")
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    for name in (
        "config.gin",
        "record.json",
        "metrics.jsonl",
        "vocab.txt",
        "model.gin",
    ):
        assert (run_dir / name).is_file(), name
    written = json.loads((run_dir / "record.json").read_text())
    assert written["status"] == "done" and written["train_steps"] == 24
    assert written["train_flops"] == record.train_flops > 0
    assert written["paper_flops"] == record.paper_flops > 0
    assert written["flops_method"] == "v2"
    metrics = written["results"][0]["metrics"]
    assert {"masked_lm_loss", "disc_auc", "disc_recall"} <= set(metrics)
    assert record.tokens == sum_of_tokens(run_dir)


def sum_of_tokens(run_dir):
    lines = [
        json.loads(x) for x in (run_dir / "metrics.jsonl").read_text().splitlines()
    ]
    return [line for line in lines if line["phase"] == "train"][-1]["tokens"]


def test_the_saved_configuration_repeats_the_run(pretrain, tmp_path):
    first = pretrain()
    config = tmp_path / "runs" / "pretrain-small-s0" / "config.gin"
    again = launch(
        "pretrain",
        [str(config)],
        [f"runs.pretrain.workdir = {str(tmp_path / 'again')!r}"],
    )
    assert again.checkpoint_sha256 == first.checkpoint_sha256
    assert again.config_sha256 == first.config_sha256


def test_another_run_is_never_overwritten(pretrain, tmp_path):
    first = pretrain("TRAIN_STEPS = 2")
    with pytest.raises(
        AnotherRun, match="holds another run: 'TRAIN_STEPS = 2' only there"
    ) as shorter:
        pretrain("TRAIN_STEPS = 4")
    assert "give INIT = '" in str(shorter.value) and "LABEL" in str(shorter.value)
    with pytest.raises(AnotherRun, match="only there; choose another --workdir"):
        pretrain("TRAIN_STEPS = 1")
    assert pretrain("TRAIN_STEPS = 2").run_id == first.run_id
    assert pretrain("TRAIN_STEPS = 4", overwrite=True).train_steps == 4


def test_equal_flops_fix_the_steps(pretrain):
    electra = pretrain("OBJECTIVE = 'electra'", "TRAIN_STEPS = 4")
    mlm = pretrain(
        "LABEL = 'mlm'",
        "TRAIN_STEPS = None",
        f"TRAIN_FLOPS = {electra.train_flops}",
    )
    assert mlm.train_flops == pytest.approx(electra.train_flops, rel=0.5)
    assert mlm.train_flops <= electra.train_flops


def test_fine_tuning_takes_model_and_vocabulary_from_the_checkpoint(
    pretrain, finetune_bindings, tmp_path
):
    pretrained = pretrain("TRAIN_STEPS = 4")
    bindings = [
        b for b in finetune_bindings if not b.startswith(("models.", "VOCAB", "LABEL"))
    ]
    [record] = launch(
        "finetune",
        ["runs/finetune.gin"],
        [*bindings, f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"],
    )
    assert record.label == "small"
    assert record.parent_run_id == pretrained.run_id
    assert record.vocab_sha256 == pretrained.vocab_sha256
    assert record.results[0].num_examples == 80
    assert record.results[0].subset == "80 of 1043"
    assert set(record.results[0].metrics) >= {"mcc", "accuracy"}


def test_a_checkpoint_of_half_the_training_has_half_the_history(
    pretrain, finetune, tmp_path
):
    pretrained = pretrain("TRAIN_STEPS = 8", "training.loop.keep = 9")
    checkpoints = tmp_path / "runs" / "pretrain-small-s0" / "checkpoints"
    half, whole = (
        finetune(f"INIT = {str(checkpoints / f'model.ckpt-{step}')!r}", label)[0]
        for step, label in ((4, "LABEL = 'half'"), (8, "LABEL = 'whole'"))
    )
    assert (half.pretrain_fraction, whole.pretrain_fraction) == (0.5, 1.0)
    assert whole.total_flops == pretrained.train_flops + whole.train_flops
    assert half.total_flops == pretrained.train_flops / 2 + half.train_flops
    assert whole.paper_flops == pretrained.paper_flops == 2 * half.paper_flops


def test_a_misspelt_best_metric_can_be_mended(pretrain):
    with pytest.raises(
        ValueError, match=r"has no metric 'disc_auk'; it has .*disc_auc"
    ):
        pretrain("training.loop.best_metric = 'disc_auk'", "OBJECTIVE = 'electra'")
    mended = pretrain("training.loop.best_metric = 'disc_auc'", "OBJECTIVE = 'electra'")
    assert mended.status == "done"


def test_a_mixture_with_a_sentencepiece_vocabulary(pretrain, text_file, tmp_path):
    lines = text_file.read_text(encoding="utf-8").splitlines()
    (tmp_path / "vocab.model").write_bytes(train_sentencepiece(lines, 300))
    corpora = {
        f"mixed_{documents}": {
            "files": str(text_file),
            "holdout": 0.1,
            "documents": documents,
        }
        for documents in ("line", "blank_line")
    }
    record = pretrain(
        f"CORPORA = {corpora!r}",
        "CORPUS = {'mixed_line': 3.0, 'mixed_blank_line': 1.0}",
        f"VOCAB = {str(tmp_path / 'vocab.model')!r}",
        "TRAIN_STEPS = 4",
    )
    assert {r.task for r in record.results} == set(corpora)
    # Tables rank by the loss of a corpus.
    assert all(r.higher_is_better is False for r in record.results)


def test_several_seeds_equal_single_ones(finetune, tmp_path):
    both = finetune("SEED = [1, 2]")
    alone = finetune("SEED = 2", f"WORKDIR = {str(tmp_path / 'alone')!r}")
    assert [record.seed for record in both] == [1, 2]
    assert both[1].checkpoint_sha256 == alone[0].checkpoint_sha256
    assert both[0].checkpoint_sha256 != both[1].checkpoint_sha256


def test_a_checkpoint_of_another_size_is_refused(pretrain, finetune, tmp_path):
    pretrain("TRAIN_STEPS = 2")
    init = f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"
    with pytest.raises(ValueError, match="is of another size"):
        finetune(init, "models.electra.hidden_size = 32")


def test_dry_run_shows_the_plan_and_trains_nothing(pretrain, tmp_path, capsys):
    pretrain(dry_run=True)
    shown = capsys.readouterr().out
    assert "parameters of the encoder" in shown and "loss as it is now" in shown
    assert not (tmp_path / "runs").exists()
    # It has made some updates to say so; docs/performance.md has how near that comes.
    for name, unit in (("an update", "s"), ("peak memory", "MiB")):
        found = re.search(rf"{name}\W+([\d.,e-]+) {unit}", shown)
        assert float(found[1].replace(",", "")) > 0


def test_another_vocabulary_keeps_the_rows_of_shared_tokens(
    pretrain, finetune, vocab_file, tmp_path, capsys
):
    init = f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"
    pretrain("TRAIN_STEPS = 2")
    before = vocab_file.read_text().splitlines()
    # Another order, some tokens gone, three that are new.
    now = [*before[5:-20:-1], *before[:5], *(f"new{i}" for i in range(3))]
    now += before[6:300]
    other = tmp_path / "other.txt"
    other.write_text("".join(f"{token}\n" for token in dict.fromkeys(now)))
    vocab = f"VOCAB = {str(other)!r}"
    capsys.readouterr()
    # A learning rate of nothing leaves the values as they were carried over.
    record = pretrain(
        init, vocab, "LABEL = 'on'", "TRAIN_STEPS = 1", "PRETRAIN_LEARNING_RATE = 1e-30"
    )
    tokens = list(dict.fromkeys(now))
    assert record.new_tokens == 3
    assert f"{len(tokens) - 3} tokens are in" in capsys.readouterr().out
    first, second = (
        tf.train.load_checkpoint(str(tmp_path / "runs" / name / "checkpoints"))
        for name in ("pretrain-small-s0", "pretrain-on-s0")
    )
    names = (
        "electra/embeddings/word_embeddings",
        "generator_predictions/output_bias",
    )
    for name in names:
        rows = dict(zip(before, first.get_tensor(name), strict=True))
        for token, row in zip(tokens, second.get_tensor(name), strict=True):
            if token in rows:
                np.testing.assert_array_equal(row, rows[token], err_msg=token)
    with pytest.raises(ValueError, match="3 tokens that the vocabulary in .* lacks"):
        finetune(init, vocab)


def test_the_same_tokens_elsewhere_change_no_row(pretrain, vocab_file, tmp_path):
    pretrain("TRAIN_STEPS = 2")
    copy = tmp_path / "copy.txt"
    copy.write_bytes(vocab_file.read_bytes())
    init = f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"
    record = pretrain(init, f"VOCAB = {str(copy)!r}", "LABEL = 'on'", "TRAIN_STEPS = 1")
    assert record.new_tokens is None


def test_scores_are_marked_with_what_pretraining_was(
    pretrain, finetune, tmp_path, capsys
):
    first = pretrain(
        "TRAIN_STEPS = 2",
        "runs.pretrain.contaminated = {'cola': 'its sentences'}",
        "MAX_SEQ_LENGTH = 16",
    )
    assert first.positions_seen == 16
    inside = str(tmp_path / "runs" / "pretrain-small-s0")
    second = pretrain(
        f"INIT = {inside!r}",
        "runs.pretrain.contaminated = {'rte': 'the news'}",
        "TRAIN_STEPS = 2",
        "LABEL = 'on'",
        "MAX_SEQ_LENGTH = 8",
    )
    assert second.positions_seen == 16
    assert second.contaminated == {"cola": "its sentences", "rte": "the news"}
    on = str(tmp_path / "runs" / "pretrain-on-s0")
    [record] = finetune(f"INIT = {on!r}", "LABEL = 'tuned'", "EPOCHS = 0.1")
    marks = record.results[0].marks
    seen = record.results[0].in_pretraining
    assert marks["contaminated"] == (
        f"its sentences; {seen.dirty} of 80 examples are in text that it was trained on "
        "before: stdlib"
    )
    assert [text.name for text in record.texts_before] == ["stdlib", "stdlib"]
    assert 10 < seen.dirty < 40 and seen.clean_score is not None
    assert "longer than the 16 tokens" in marks["unseen positions"]
    assert f"warning: cola: {marks['unseen positions']}" in capsys.readouterr().out
    [record] = finetune("LABEL = 'untrained'", "EPOCHS = 0.1")
    assert record.results[0].marks["other training set"] == "train: 320 of 8551"
    assert record.results[0].in_pretraining.not_checked == ""
    assert record.results[0].in_pretraining.dirty == 0
