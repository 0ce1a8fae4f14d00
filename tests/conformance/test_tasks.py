"""What holds for every registered downstream task, plugins' included."""

import collections
import dataclasses
import math
import os
import string
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import seqio

from electra_bench import registry
from electra_bench.core.batch import NO_LABEL
from electra_bench.data import run_context
from electra_bench.data.vocabularies import WordPieceVocabulary
from electra_bench.records import TaskCard
from electra_bench.tasks.fingerprints import data_sha256, preprocessing_sha256
from electra_bench.tasks.registration import load_task, output_features

DATA = Path(__file__).resolve().parents[3] / "shared/data"
# What shared/data has in part, and what it has not, as its README says.
SUBSETS = {
    "duorc": {"dev"},
    "mnli": {"train", "dev_matched", "dev_mismatched"},
    "naturalqs": {"train", "dev"},
    "newsqa": {"train"},
    "qnli": {"train"},
    "qqp": {"train", "dev"},
    "race": {"dev"},
    "relation_extraction": {"dev"},
    "searchqa": {"train", "dev"},
    "squad": {"train"},
    "squadv1": {"train"},
    "triviaqa": {"train", "dev"},
}
WITHOUT_DATA = {"bioasq", "drop", "ner", "textbookqa"}
# Samples, and one part of SQuAD's development set.
FILES = {
    "newsqa": {"train": "mrqa/newsqa/official-sample.jsonl"},
    "squad": {"train": "squad/dev-v2.0.cs224n-half.json"},
    # The whole is read in tests/tasks/test_qa.py.
    "squadv1": {"train": "squad/train-v1.1.subset.json"},
    **{
        task: dict.fromkeys(("train", "dev"), f"mrqa/{task}/sample.jsonl")
        for task in ("naturalqs", "searchqa", "triviaqa")
    },
}
ABSENT = {"mnli": {"test_matched", "test_mismatched"}, "qqp": {"test"}}
NUM_EXAMPLES = 300
SEQ_LENGTH = 128


def downstream_tasks() -> list[str]:
    """Names of the tasks that are fine-tuned on; corpora have a schema of their own."""
    names = registry.tasks.names()
    kinds = registry.kinds.names()
    downstream = [n for n in names if registry.tasks.get(n).kind in kinds]
    return [name for name in downstream if name not in WITHOUT_DATA]


class Loaded(NamedTuple):
    """A task in its surroundings."""

    card: TaskCard
    task: seqio.Task

    @property
    def splits(self) -> set[str]:
        """What is trained on and what is scored."""
        splits = {self.card.train_split, self.card.eval_split}
        return splits & set(self.task.splits)

    @property
    def has_targets(self) -> bool:
        """Whether what is scored has labels."""
        return self.card.trained_on is None

    def examples(self, split: str, limit: int | None = NUM_EXAMPLES) -> list[dict]:
        length = SEQ_LENGTH if limit else None
        dataset = self.task.get_dataset({"input_ids": length}, split, shuffle=False)
        if limit:
            dataset = dataset.take(limit)
        return list(dataset.as_numpy_iterator())


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    """Every printable ASCII character as a word and as a piece of one."""
    letters = [c for c in string.printable if not c.isspace()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join([*tokens, *(f"##{c}" for c in letters)]) + "\n")
    return WordPieceVocabulary(str(path))


@pytest.fixture(scope="module", params=downstream_tasks())
def loaded(request, vocabulary):
    name = request.param
    card, task = registry.tasks.get(name), load_task(name)
    files = FILES.get(name, {})
    with run_context.use(vocabulary=vocabulary, data_dir=str(DATA), files=files):
        try:
            task.source.get_dataset(card.eval_split, shuffle=False)
        except FileNotFoundError:
            if DATA.is_dir() or os.environ.get("CI"):
                raise
            pytest.skip(f"{DATA} is absent: {name} reads its files")
        yield Loaded(card, task)


def test_the_card_is_the_tasks(loaded):
    card, task = loaded
    assert task.name == card.name
    assert {card.eval_split, *card.further_splits} <= set(task.splits)
    assert (card.train_split in task.splits) == (card.trained_on is None)
    assert set(card.splits) <= set(task.splits)
    assert card.version >= 1 and card.epochs > 0 and card.max_seq_length > 2
    for text in (card.summary, card.source, card.licence, card.citation):
        assert text
    assert card.floor is None or 0 <= card.floor <= 100
    assert all(0 <= reference.score <= 100 for reference in card.references)


def test_published_sizes_are_the_files(loaded):
    name = loaded.card.name
    for split, size in loaded.card.splits.items():
        if split in ABSENT.get(name, ()):
            with pytest.raises(FileNotFoundError):
                loaded.task.num_input_examples(split)
            continue
        found = loaded.task.num_input_examples(split)
        if split in SUBSETS.get(name, ()):
            assert 0 < found < size, split
        else:
            assert found in (size, None), split


def test_features_have_the_schema(loaded):
    schema = output_features()
    assert loaded.task.output_features == schema
    for split in loaded.splits:
        examples = loaded.examples(split)
        assert examples
        for example in examples:
            for name, feature in schema.items():
                assert example[name].dtype == feature.dtype.as_numpy_dtype, name
                assert example[name].ndim == 1, name
            check_rows(loaded, example)


def check_rows(loaded, example):
    ids, segments = example["input_ids"], example["segment_ids"]
    special = run_context.current().vocabulary.special_ids
    assert 2 < len(ids) == len(segments) <= SEQ_LENGTH
    assert ids[0] == special.cls and ids[-1] == special.sep
    assert ids.min() > special.pad and ids.max() < special.size
    assert set(segments.tolist()) <= {0, 1}
    assert example["task_id"].tolist() == [0]
    assert len(example["example_id"]) == 1 and example["example_id"][0] >= 0
    labels = example["labels"]
    if not loaded.has_targets:
        assert len(labels) == len(example["values"]) == 0
        return
    if loaded.card.kind in ("classification", "tagging"):
        assert labels.max() < len(loaded.card.labels)
    if loaded.card.kind == "classification":
        assert len(labels) == 1 and labels[0] >= 0
    if loaded.card.kind == "regression":
        assert len(example["values"]) == 1 and 0 <= example["values"][0] <= 1
    if loaded.card.kind == "tagging":
        assert len(labels) == len(ids)
    if loaded.card.kind == "span_qa":
        first, last, is_impossible = labels
        assert 0 <= first <= last < len(ids) and is_impossible in (0, 1)


def test_examples_have_one_id_each(loaded):
    rows = loaded.examples(loaded.card.eval_split)
    numbers = collections.defaultdict(set)
    for row in rows:
        numbers[row.get("id")].add(int(row["example_id"][0]))
    if None not in numbers:
        assert all(len(found) == 1 for found in numbers.values())
        assert len(numbers) == len(set.union(*numbers.values()))


def test_plain_seqio_reads_it(loaded):
    task = seqio.get_mixture_or_task(loaded.card.name)
    dataset = task.get_dataset(
        sequence_length={"input_ids": SEQ_LENGTH},
        split=sorted(loaded.splits)[-1],
        shuffle=True,
        seed=1,
    )
    [example] = dataset.take(1).as_numpy_iterator()
    assert set(task.output_features) <= set(example)
    assert seqio.Mixture("unregistered", [task], 1.0).get_dataset(
        {"input_ids": SEQ_LENGTH}, loaded.card.eval_split, num_epochs=1
    )


class AsItIs(seqio.PassThroughFeatureConverter):
    """seqio's evaluator asks for these attributes, which its own class lacks."""

    TASK_FEATURES: dict = {}
    pack = False


def test_seqios_evaluator_scores_it(loaded):
    field = {"classification": "labels", "regression": "values"}.get(loaded.card.kind)
    if field is None or not loaded.has_targets:
        # seqio makes one array of all predictions, so they need one length.
        assert loaded.card.kind in registry.kinds.names()
        return
    evaluator = seqio.Evaluator(
        loaded.card.name,
        AsItIs(),
        eval_split=loaded.card.eval_split,
        num_examples=NUM_EXAMPLES,
        target_field_name=field,
    )

    def predict(dataset, model_feature_shapes=None):
        return [(i, row[field]) for i, row in dataset.as_numpy_iterator()]

    metrics, _ = evaluator.evaluate(compute_metrics=True, predict_fn=predict)
    found = metrics.result()[loaded.card.name][loaded.card.main_metric]
    assert found == pytest.approx(100.0)


def targets_of(loaded, examples):
    """Targets as metrics see them, one an example."""
    targets = {}
    for example in examples:
        stored = example["values"] if len(example["values"]) else example["labels"]
        target = loaded.task.postprocess_fn(stored, example=example, is_target=True)
        targets.setdefault(int(example["example_id"][0]), target)
    return list(targets.values())


def score(loaded, targets, predictions):
    scores = {}
    for function in loaded.task.metric_fns:
        scores |= function(targets, predictions)
    assert all(math.isnan(value) or -100 <= value <= 100 for value in scores.values())
    return scores[loaded.card.main_metric]


def test_right_answers_score_100(loaded):
    decoded = {
        "classification": lambda example: int(example["labels"][0]),
        "regression": lambda example: float(example["values"][0]),
        "tagging": lambda example: [
            int(label) for label in example["labels"] if label != NO_LABEL
        ],
    }.get(loaded.card.kind)
    if decoded is None or not loaded.has_targets:
        # How spans are decoded is tested with their kind.
        assert loaded.card.main_metric
        return
    examples = loaded.examples(loaded.card.eval_split)
    predictions = [
        loaded.task.postprocess_fn(decoded(example), example=example)
        for example in examples
    ]
    found = score(loaded, targets_of(loaded, examples), predictions)
    assert found == pytest.approx(100.0)


def test_the_floor_is_that_of_the_most_frequent_answer(loaded):
    card = loaded.card
    if card.kind not in ("classification", "tagging") or card.floor is None:
        assert card.kind not in ("classification", "tagging") or card.trained_on
        return
    if {card.train_split, card.eval_split} & SUBSETS.get(card.name, set()):
        assert card.floor < 100
        return
    counts = collections.Counter()
    for example in loaded.examples(card.train_split, limit=3000):
        labels = example["labels"]
        counts.update(labels[labels != NO_LABEL].tolist())
    most = min(counts, key=lambda label: (-counts[label], label))
    examples = loaded.examples(card.eval_split, limit=None)
    targets = targets_of(loaded, examples)
    constant = [
        loaded.task.postprocess_fn(
            np.where(example["labels"] == NO_LABEL, NO_LABEL, most), example=example
        )
        for example in examples
    ]
    # Without published sizes the data differ from machine to machine.
    tolerance = 0.01 if card.splits else 2.5
    assert score(loaded, targets, constant) == pytest.approx(card.floor, abs=tolerance)


def test_hashes_follow_source_and_preprocessing(loaded):
    task, split = loaded.task, loaded.card.eval_split
    assert data_sha256(task, split) == data_sha256(task, split)
    shorter = task.replace(source=FirstExamples(task.source))
    assert data_sha256(shorter, split) != data_sha256(task, split)
    assert preprocessing_sha256(shorter) == preprocessing_sha256(task)
    other = task.replace(preprocessors=[*task.preprocessors, lambda dataset: dataset])
    assert preprocessing_sha256(other) != preprocessing_sha256(task)
    assert dataclasses.replace(loaded.card) == loaded.card


class FirstExamples(seqio.DataSource):
    """The first two examples of another source."""

    supports_arbitrary_sharding = False

    def __init__(self, source):
        super().__init__(splits=source.splits)
        self._source = source

    def list_shards(self, split):
        return [split]

    def get_dataset(self, split, shuffle=True, seed=None, shard_info=None, **_):
        return self._source.get_dataset(split, shuffle=shuffle, seed=seed).take(2)
