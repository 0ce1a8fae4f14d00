"""What a downstream task and its data have to do."""

import collections
import contextlib
import functools
import math
import re
import string
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import seqio

from electra_bench import registry
from electra_bench.conformance import check, specimens
from electra_bench.conformance.check import NotChecked, Violation, require
from electra_bench.core import TaskKind, Variables
from electra_bench.core.batch import NO_LABEL
from electra_bench.data import run_context
from electra_bench.records import TaskCard
from electra_bench.tasks.fingerprints import (
    data_sha256,
    preprocessing_sha256,
    raw_examples,
)
from electra_bench.tasks.registration import load_task, output_features
from electra_bench.tasks.scores import task_metrics
from electra_bench.training.build import task_objective
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

NUM_EXAMPLES = 300
SEQ_LENGTH = 128


class Loaded:
    """A task in its surroundings; checks run within `surroundings`.

    Attributes:
        name: registered name.
        card: its card.
        examples: from a split to its first examples, read once for several checks.
        size: from a split to its number of raw examples; None if the source does not
            count them.
    """

    def __init__(self, name: str):
        """Reads nothing."""
        self.name = name
        self.card: TaskCard = registry.tasks.get(name)
        self.examples = functools.cache(self.read)
        self.size = functools.cache(lambda split: self.task.num_input_examples(split))

    @functools.cached_property
    def task(self) -> seqio.Task:
        """What seqio knows."""
        return load_task(self.name)

    @functools.cached_property
    def kind(self) -> TaskKind:
        """Its kind, on a small encoder."""
        specimens.bind_sizes("electra")
        vocabulary = run_context.current().vocabulary
        return task_objective([self.card], "electra", Variables(1), vocabulary)

    @property
    def splits(self) -> list[str]:
        """What is trained on and what is scored."""
        wanted = {self.card.train_split, self.card.eval_split}
        return sorted(wanted & set(self.task.splits))

    @property
    def has_targets(self) -> bool:
        """Whether what is scored has labels."""
        return self.card.trained_on is None

    def read(self, split: str, limit: int | None = NUM_EXAMPLES) -> list[dict]:
        """Encoded examples of a split; without a limit whole texts of all of them."""
        length = SEQ_LENGTH if limit else None
        dataset = self.task.get_dataset(
            {"input_ids": length}, split, shuffle=False, try_in_mem_cache=False
        )
        return [dict(row) for row in raw_examples(dataset.take(limit or -1))]


@contextlib.contextmanager
def surroundings(data_dir: str | None) -> Iterator[None]:
    """Where tasks find their data, and a vocabulary that every text has tokens of.

    Args:
        data_dir: folder with data sets; None for `ELECTRA_BENCH_DATA`.
    """
    letters = [c for c in string.printable if not c.isspace()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    tokens += [f"##{c}" for c in letters]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vocab.txt")
        path.write_text("\n".join(tokens) + "\n", "utf-8")
        vocabulary = WordPieceVocabulary(str(path))
        data_dir = data_dir or run_context.current().data_dir
        with run_context.use(vocabulary=vocabulary, data_dir=data_dir):
            yield


def the_card_is_complete(loaded: Loaded) -> None:
    """All that tables and `describe` show is said, and within its range."""
    card = loaded.card
    sentence = f"the card of {loaded.name!r} says name {card.name!r}"
    require(card.name == loaded.name, sentence)
    kinds = registry.kinds.names()
    require(card.kind in kinds, f"no kind {card.kind!r}; all: {kinds}")
    for field in ("summary", "source", "licence", "citation", "main_metric"):
        require(getattr(card, field), f"the card says no {field}")
    sentence = f"the card's version is {card.version}, expected 1 or more"
    require(card.version >= 1, sentence)
    sentence = f"the card's epochs are {card.epochs}, expected more than 0"
    require(card.epochs > 0, sentence)
    length = card.max_seq_length
    require(length > 2, f"the card's max_seq_length is {length}, which holds no text")
    scores = [(f"reference of {r.model}", r.score) for r in card.references]
    for what, score in [("floor", card.floor), *scores]:
        sentence = f"the card's {what} is {score}, expected a percentage"
        require(score is None or -100 <= score <= 100, sentence)


def seqio_knows_its_splits(loaded: Loaded) -> None:
    """The card's splits are the task's, and its features are the one schema."""
    card, task = loaded.card, loaded.task
    require(task.name == card.name, f"seqio knows it as {task.name!r}")
    named = {card.eval_split, *card.further_splits, *card.splits}
    named |= {card.train_split} if card.trained_on is None else set()
    missing = sorted(named - set(task.splits))
    require(
        not missing,
        f"the card names the splits {missing}, the source has {sorted(task.splits)}",
    )
    require(
        card.trained_on is None or card.train_split not in task.splits,
        f"the card says trained_on {card.trained_on!r}, but there is a training split",
    )
    sentence = "its features are not those of tasks.registration.output_features"
    require(task.output_features == output_features(), sentence)
    require(task.metric_fns, "it has no metric_fns")


def its_data_are_there(loaded: Loaded) -> None:
    """An example can be read of what it is trained and scored on."""
    for split in loaded.splits:
        try:
            dataset = loaded.task.source.get_dataset(split, shuffle=False)
            found = list(dataset.take(1))
        except Exception as error:  # a source raises what its reader raises
            # TensorFlow's name of the operation tells an author nothing.
            why = re.sub(r"{{.*?}} ?| \[Op:.*", "", str(error), flags=re.DOTALL)
            raise Violation(f"split {split!r} cannot be read: {why}") from error
        require(found, f"split {split!r} has no examples")


def sizes_are_those_published(loaded: Loaded) -> None:
    """No split has more examples than its card says; fewer are a part of it."""
    parts = []
    for split, size in loaded.card.splits.items():
        try:
            found = loaded.size(split)
        except FileNotFoundError:
            parts.append(f"{split} is absent")
            continue
        sentence = f"split {split!r} has {found} examples, published are {size}"
        require(found is None or found <= size, sentence)
        if found not in (None, size):
            parts.append(f"{split} has {found} of {size} examples")
    if parts or not loaded.card.splits:
        raise NotChecked("; ".join(parts) or "the card says no published sizes")


def examples_have_the_schema(loaded: Loaded) -> None:
    """Names, types and ranks, [CLS] and [SEP], ids within the vocabulary."""
    dtypes = {name: feature.dtype.name for name, feature in output_features().items()}
    special = run_context.current().vocabulary.special_ids
    for split in loaded.splits:
        examples = loaded.examples(split)
        require(examples, f"split {split!r} has no examples")
        for row in examples:
            for name, due in dtypes.items():
                found = row[name].dtype.name if name in row else "missing"
                sentence = f"{split}: feature {name!r} is {found}, expected {due}"
                require(found == due, sentence)
                require(row[name].ndim == 1, f"{split}: feature {name!r} has no rank 1")
            ids, segments = row["input_ids"], row["segment_ids"]
            require(
                2 < len(ids) == len(segments) <= SEQ_LENGTH
                and ids[0] == special.cls
                and ids[-1] == special.sep
                and special.pad < ids.min()
                and ids.max() < special.size,
                f"{split}: input_ids must be [CLS] ... [SEP], at most {SEQ_LENGTH} with as "
                f"many segment_ids, got {ids[:4]} ... {ids[-2:]} ({len(ids)}), "
                f"{len(segments)} segment_ids",
            )
            are_known = set(segments.tolist()) <= {0, 1}
            require(are_known, f"{split}: segment_ids beyond 0 and 1")
            require(
                row["task_id"].tolist() == [0]
                and len(row["example_id"]) == 1
                and row["example_id"][0] >= 0,
                f"{split}: task_id must be [0] and example_id one number of 0 or more",
            )


def labels_are_its_kinds(loaded: Loaded) -> None:
    """As many labels as an example of this kind has, within their range."""
    kind, card = loaded.kind, loaded.card
    sample, along = specimens.labelled(kind), specimens.labels_run_along(kind)
    for row in loaded.examples(loaded.card.eval_split):
        labels, values = row["labels"], row["values"]
        if not loaded.has_targets:
            require(
                len(labels) == len(values) == 0,
                "examples have labels, but the card says that another task is trained on",
            )
            continue
        expected = len(row["input_ids"]) if along else sample.labels.shape[1]
        require(
            len(labels) == expected and len(values) == sample.values.shape[1],
            f"an example has {len(labels)} labels and {len(values)} values, one of kind "
            f"{card.kind} has {expected} and {sample.values.shape[1]}",
        )
        smallest = labels.min(initial=0)
        require(smallest >= (NO_LABEL if along else 0), f"a label is {smallest}")
        if card.kind in ("classification", "tagging"):
            largest, size = labels.max(), len(card.labels)
            require(largest < size, f"a label is {largest}, the card has {size} labels")
        if card.kind == "multi_label":
            require(labels.max() <= 1, f"a label is {labels.max()}, expected 0 or 1")
        if card.kind == "span_qa":
            first, last, is_impossible = labels
            require(
                first <= last < len(row["input_ids"]) and is_impossible <= 1,
                f"the labels are {labels}, expected first and last token and 0 or 1",
            )
        if card.kind == "regression":
            require(0 <= values[0] <= 1, f"a value is {values[0]}, expected 0 to 1")


def reading_twice_gives_the_same(loaded: Loaded) -> None:
    """Rows come in one order, with the same features."""
    for split in loaded.splits:
        pairs = zip(loaded.examples(split), loaded.read(split), strict=True)
        for number, (row, again) in enumerate(pairs):
            for name in row:
                require(
                    np.array_equal(row[name], again[name]),
                    f"{split}: {name!r} of example {number} differs when it is read again",
                )


def examples_have_one_id_each(loaded: Loaded) -> None:
    """Predictions of two models can be compared by `id`."""
    numbers = collections.defaultdict(set)
    for row in loaded.examples(loaded.card.eval_split):
        numbers[row.get("id")].add(int(row["example_id"][0]))
    if None in numbers:
        raise NotChecked("examples have no id; rows are numbered")
    for name, found in numbers.items():
        require(len(found) == 1, f"id {name!r} stands for examples {sorted(found)}")
    are_different = len(numbers) == len(set.union(*numbers.values()))
    require(are_different, "one example_id stands for several ids")


def plain_seqio_reads_it(loaded: Loaded) -> None:
    """Shuffled, and as a part of a mixture."""
    task = seqio.get_mixture_or_task(loaded.name)
    lengths = {"input_ids": SEQ_LENGTH}
    dataset = task.get_dataset(lengths, loaded.splits[-1], shuffle=True, seed=1)
    [example] = dataset.take(1).as_numpy_iterator()
    is_whole = set(task.output_features) <= set(example)
    require(is_whole, "a shuffled example lacks features")
    mixture = seqio.Mixture("unregistered", [task], 1.0)
    mixture.get_dataset(lengths, loaded.card.eval_split, num_epochs=1)


class _AsItIs(seqio.PassThroughFeatureConverter):
    """seqio's evaluator asks for these attributes, which its own class lacks."""

    TASK_FEATURES: dict = {}
    pack = False


def seqios_evaluator_scores_it(loaded: Loaded) -> None:
    """Metrics and postprocessing are seqio's, so its evaluator gives the best score."""
    field = {"classification": "labels", "regression": "values"}.get(loaded.card.kind)
    if field is None or not loaded.has_targets:
        raise NotChecked(
            "seqio makes one array of all targets, so they need one length"
        )
    evaluator = seqio.Evaluator(
        loaded.name,
        _AsItIs(),
        eval_split=loaded.card.eval_split,
        num_examples=NUM_EXAMPLES,
        target_field_name=field,
    )

    def answers(part: int):
        def answer(dataset, model_feature_shapes=None):
            rows = dataset.as_numpy_iterator()
            return [(i, loaded.kind.right_answer(row)[part]) for i, row in rows]

        return answer

    metrics, _ = evaluator.evaluate(
        compute_metrics=True, predict_fn=answers(0), score_fn=answers(1)
    )
    _check_best(loaded, metrics.result()[loaded.name][loaded.card.main_metric])


def right_answers_score_best(loaded: Loaded) -> None:
    """What a perfect model decodes has the best main metric there is."""
    examples = loaded.examples(loaded.card.eval_split)
    if not loaded.has_targets:
        raise NotChecked("its right answers are not known")
    answers = [loaded.kind.right_answer(example) for example in examples]
    if None in answers:
        raise NotChecked("right_answer of its kind is None: labels alone do not tell")
    _check_best(loaded, score(loaded, examples, answers))


def _check_best(loaded: Loaded, found: float) -> None:
    metric = loaded.card.main_metric
    best = 100.0 if loaded.card.higher_is_better else 0.0
    sentence = f"right answers have {metric} {found:.4g}, expected {best:.4g}"
    require(abs(found - best) < 1e-3, sentence)


def score(
    loaded: Loaded, examples: Sequence[Mapping], answers: Sequence[tuple[Any, Any]]
) -> float:
    """The main metric of answers as a kind decodes them.

    Raises:
        Violation: it is not among the metrics, or one is no percentage.
    """
    task = loaded.task
    targets, predictions = [], []
    for example, (value, _) in zip(examples, answers, strict=True):
        stored = example["values"] if len(example["values"]) else example["labels"]
        targets.append(task.postprocess_fn(stored, example=example, is_target=True))
        predictions.append(task.postprocess_fn(value, example=example))
    metrics = task_metrics(task, targets, predictions, [s for _, s in answers])
    for name, value in metrics.items():
        sentence = f"metric {name!r} is {value}, expected a percentage"
        require(math.isnan(value) or -100 <= value <= 100, sentence)
    main = loaded.card.main_metric
    sentence = f"the card's main_metric is {main!r}, metric_fns give {sorted(metrics)}"
    require(main in metrics, sentence)
    return metrics[main]


def the_floor_is_that_of_the_most_frequent_answer(loaded: Loaded) -> None:
    """A model that always says the same has the card's floor."""
    card = loaded.card
    if card.kind not in ("classification", "tagging") or not loaded.has_targets:
        raise NotChecked(
            "there is a most frequent answer to classification and tagging"
        )
    if card.floor is None:
        raise NotChecked("the card says no floor: tables cannot mark collapsed runs")
    for split in loaded.splits:
        size = card.splits.get(split)
        found = loaded.size(split)
        if size and found not in (size, None):
            raise NotChecked(f"{split} has {found} of {size} published examples")
    counts = collections.Counter()
    for example in loaded.read(card.train_split, limit=3000):
        labels = example["labels"]
        counts.update(labels[labels != NO_LABEL].tolist())
    most = min(counts, key=lambda label: (-counts[label], label))
    examples = loaded.read(card.eval_split, limit=None)
    constant = [
        {**row, "labels": np.where(row["labels"] == NO_LABEL, NO_LABEL, most)}
        for row in examples
    ]
    found = score(loaded, examples, list(map(loaded.kind.right_answer, constant)))
    # A floor may be written with one decimal; without published sizes the data differ from
    # machine to machine.
    tolerance = 0.05 if card.splits else 2.5
    require(
        abs(found - card.floor) <= tolerance,
        f"always {card.labels[most]!r} has {card.main_metric} {found:.4g}, the card's "
        f"floor is {card.floor:.4g}",
    )


def hashes_follow_source_and_preprocessing(loaded: Loaded) -> None:
    """A cache of other data or of another preprocessor is another one."""
    task, split = loaded.task, loaded.card.eval_split
    first = seqio.helpers.TruncatedDatasetProvider(task.source, {split: 2})
    shorter = task.replace(source=first)
    other = task.replace(preprocessors=[*task.preprocessors, lambda dataset: dataset])
    data, again, fewer = (data_sha256(x, split) for x in (task, task, shorter))
    steps, same, more = map(preprocessing_sha256, (task, shorter, other))
    for holds, sentence in (
        (
            data == again,
            "the hash of the raw examples differs when they are read again",
        ),
        (data != fewer, "fewer raw examples have the same hash"),
        (steps == same, "the hash of the preprocessors depends on the source"),
        (steps != more, "another preprocessor has the same hash"),
    ):
        require(holds, sentence)


# What can be said without any data, and what is said of the data.
CARD_CHECKS = (the_card_is_complete, seqio_knows_its_splits)
_ALL = check.defined_in(__name__, Loaded)
DATA_CHECKS = tuple(one for one in _ALL if one not in CARD_CHECKS)
