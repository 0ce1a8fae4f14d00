"""Fine-tuning of every kind under every protocol, from files to records."""

import numpy as np
import pytest
from small_runs import merged

from electra_bench.cli.main import main
from electra_bench.records import read_predictions
from electra_bench.runs.launch import launch

PROTOCOLS = ("code_v1", "paper", "fixed")


@pytest.fixture(scope="module")
def data_dir(text_file, tmp_path_factory):
    """Small STS and chunking files, filled with words of real text."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    words = [w for w in text_file.read_text(encoding="utf-8").split() if w.isalpha()]

    def sentence():
        start = rng.integers(len(words) - 12)
        return words[start : start + rng.integers(4, 12)]

    (folder / "STS-B").mkdir()
    header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2"
    for split, size in (("train", 60), ("dev", 20)):
        rows = [f"{header}\tsentence1\tsentence2\tscore"]
        for i in range(size):
            texts = "\t".join(" ".join(sentence()) for _ in "ab")
            rows.append(f"{i}\tg\tf\t2012\t{i}\ts\ts\t{texts}\t{rng.integers(6)}.0")
        (folder / "STS-B" / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    (folder / "chunk").mkdir()
    for split, size in (("train", 80), ("test", 20)):
        lines = []
        for _ in range(size):
            tags = ["B-NP", "I-NP", "B-VP", "O"] * 3
            chosen = sentence()
            lines += [f"{w} NN {t}" for w, t in zip(chosen, tags, strict=False)] + [""]
        (folder / "chunk" / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("task", "metrics", "num_scored"),
    [
        ("sts", {"spearman", "pearson"}, {p: 20 for p in PROTOCOLS}),
        ("chunk", {"f1"}, {"code_v1": 20, "paper": 20}),
    ],
)
def test_a_kind_under_a_protocol(
    task, metrics, num_scored, protocol, data_dir, finetune_bindings, tmp_path
):
    [record] = launch(
        "finetune",
        ["runs/finetune.gin", f"protocols/{protocol}.gin"],
        merged(
            finetune_bindings,
            [f"TASK = {task!r}", f"DATA_DIR = {str(data_dir)!r}", "EPOCHS = 2.0"],
        ),
    )
    [result] = record.results
    assert (record.protocol, record.protocol_changes) == (protocol, {})
    assert metrics <= set(result.metrics)
    assert result.higher_is_better is True
    # Under `fixed`, chunking is scored on a tenth of the training file.
    assert result.num_examples == num_scored.get(protocol, result.num_examples) > 0
    path = tmp_path / "runs" / f"small-{task}-s0" / result.predictions_path
    assert len(list(read_predictions(str(path)))) == result.num_examples


def test_a_trial_is_scored_on_a_part_of_its_training_set(
    finetune_bindings, tmp_path, capsys
):
    more = ["runs.finetune.held_out = 0.25", "EPOCHS = 0.5"]
    [trial] = launch("finetune", ["runs/finetune.gin"], merged(finetune_bindings, more))
    [result] = trial.results
    assert result.split == "train_held_out" and trial.is_trial
    assert 60 < result.num_examples < 100
    assert trial.train_examples == 320 - result.num_examples
    assert "not looked up" not in capsys.readouterr().out
    # No split of its own name: the card's is scored.
    assert main(["evaluate", str(tmp_path / "runs" / "small-cola-s0")]) == 0
    assert "cola, dev, 80 examples" in capsys.readouterr().out


def test_a_record_says_how_its_settings_were_chosen(finetune_bindings, tmp_path):
    choice = {"trials": 3, "on": "0.1 of it", "values": {"LEARNING_RATE": [1, 2, 3]}}
    bindings = merged(finetune_bindings, ["EPOCHS = 0.5"])
    [plain] = launch("finetune", ["runs/finetune.gin"], bindings)
    more = [f"runs.finetune.choice = {choice}", f"WORKDIR = {str(tmp_path / 'b')!r}"]
    [chosen] = launch("finetune", ["runs/finetune.gin"], merged(bindings, more))
    assert chosen.choice["trials"] == 3 and not chosen.is_trial
    assert "training.adamw.peak_lr" in chosen.choice["parameters"]
    # Another run, so that its record says how it came about; the same scores and recipe.
    assert plain.choice == {} and plain.identity != chosen.identity
    assert (plain.recipe, plain.checkpoint_sha256) == (
        chosen.recipe,
        chosen.checkpoint_sha256,
    )


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("runs.finetune.held_out = 1.0", "at least 0 and below 1, got 1.0"),
        ("runs.finetune.choice = {'trials': 3}", "choice lacks on, values"),
    ],
)
def test_no_trial_and_no_choice(binding, message, finetune_bindings):
    with pytest.raises(ValueError, match=message):
        launch("finetune", ["runs/finetune.gin"], merged(finetune_bindings, [binding]))
