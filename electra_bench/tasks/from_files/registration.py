"""Tasks without code: a gin file says where the data are and what their columns hold.

    tasks.reviews.kind = 'classification'
    tasks.reviews.files = {'train': 'train.csv', 'dev': 'dev.csv'}
    tasks.reviews.columns = {'text_a': 'review', 'label': 'stars'}

What is not given is taken from the data and bound, so that the configuration that a run
saves says all of it.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin
import seqio

from electra_bench import registry
from electra_bench.data.readers.columns import is_span_tag
from electra_bench.records import TaskCard
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.features.windows import (
    answer_or_none,
    answer_texts,
    encode_windows,
)
from electra_bench.tasks.from_files import defaults
from electra_bench.tasks.from_files.examples import FIELDS
from electra_bench.tasks.from_files.source import ALL, Definition, FileTaskSource
from electra_bench.tasks.registration import add_task


def _new_definition() -> Callable[..., Definition]:
    # gin wants a function of its own under every name.
    def definition(
        *,
        kind: str,
        files: Mapping[str, str],
        columns: Mapping[str, Any] | None = None,
        dataset: str | None = None,
        fractions: Mapping[str, float] | None = None,
        split_seed: int = 0,
        labels: Sequence[str] | None = None,
        label_range: Sequence[float] | None = None,
        unanswerable: bool | None = None,
        metric: str | None = None,
        floor: float | None = None,
        train_split: str = "train",
        eval_split: str = "dev",
        epochs: float = 3.0,
        max_seq_length: int = 128,
        version: int = 1,
        summary: str = "",
        on_error: str = "raise",
    ) -> Definition:
        """What a gin file may say of a task.

        Args:
            kind: classification, regression, tagging or span_qa.
            files: split to file, seen from here or from the data folder: .tsv, .csv,
                .jsonl, .parquet, .conllu, or .conll, .bio, .iob, .txt with columns between
                white space. With `dataset`, split to the name that it has there.
            columns: what holds what, by name, or by number, from 0, in files without
                header: text_a, text_b, label; words, tags; question, context, answers,
                answer_start, id. What is not named is in the column of its own name.
            dataset: `tfds:NAME` or `hf:NAME` instead of files.
            fractions: split to its share, at most 1 together, of the file that `files`
                binds to 'all'.
            split_seed: of dealing them out.
            labels: class names, or tags, in the order of their ids; None takes those of
                the training set.
            label_range: smallest and largest value of a regression target; None takes
                those of the training set.
            unanswerable: whether questions may have no answer; None looks.
            metric: the one that tables show; None takes the first one of the kind.
            floor: the metric of the trivial answer; None computes that of the most
                frequent class or tag.
            train_split: split to train on.
            eval_split: split that is scored.
            epochs: passes over the training set.
            max_seq_length: token limit.
            version: to be raised with any change to the data or their meaning.
            summary: one sentence.
            on_error: "raise" stops at a bad row; "skip" leaves it out and counts.
        """
        return Definition(
            kind,
            files,
            columns or {},
            dataset,
            fractions,
            split_seed,
            None if labels is None else tuple(map(str, labels)),
            None if label_range is None else tuple(label_range),
            unanswerable,
            metric,
            floor,
            train_split,
            eval_split,
            epochs,
            max_seq_length,
            version,
            summary,
            on_error,
        )

    return definition


# Every name that gin knows, and its source once it is registered.
_declared: dict[str, FileTaskSource | None] = {}


def declare(name: str) -> None:
    """Makes `tasks.<name>` known to gin, so that a configuration may say what it is.

    Raises:
        KeyError: a task with code has this name.
    """
    if name in _declared:
        return
    if name in registry.tasks.names():
        raise KeyError(
            f"task {name!r} has code, which gin does not bind; a task without code needs "
            "another name"
        )
    gin.register(name, module="tasks")(_new_definition())
    _declared[name] = None


def register(name: str) -> None:
    """Registers a task as gin holds it, in place of an earlier one of its name.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a definition that cannot be, or data that do not suit it.
    """
    definition = gin.get_configurable(f"tasks.{name}")()
    try:
        _check(definition)
        source = FileTaskSource(name, _completed(name, definition))
    except ValueError as error:
        raise ValueError(f"task {name!r}: {error}") from error
    _declared[name] = source
    registry.tasks.replace(name, _card(name, source.definition))
    if name in seqio.TaskRegistry.names():
        seqio.TaskRegistry.remove(name)


def _check(task: Definition) -> None:
    if task.kind not in FIELDS:
        raise ValueError(f"kind {task.kind!r} is none that files hold: {list(FIELDS)}")
    known = FIELDS[task.kind].all
    unknown = sorted(set(task.columns) - set(known))
    if unknown:
        raise ValueError(
            f"columns: a {task.kind} task has no {unknown[0]!r}; it has {list(known)}"
        )
    shares = list((task.fractions or {}).values())
    if task.fractions is not None and (
        list(task.files) != [ALL]
        or not all(share > 0 for share in shares)
        or not 0 < sum(shares) <= 1 + 1e-9
    ):
        raise ValueError(
            f"fractions deal out files = {{'{ALL}': ...}} and are above 0, at most 1 "
            f"together; got files {dict(task.files)} and fractions {task.fractions}"
        )
    if task.on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {task.on_error!r}")
    bounds = task.label_range
    if bounds is not None and (len(bounds) != 2 or not bounds[0] < bounds[1]):
        raise ValueError(f"label_range must be (smallest, largest), got {bounds}")
    if task.labels is not None and len(set(task.labels)) < max(2, len(task.labels)):
        raise ValueError(
            f"labels must be two or more different ones, got {task.labels}"
        )
    for split in (task.train_split, task.eval_split):
        if split not in (task.fractions or task.files):
            raise ValueError(f"no file for the split {split!r}; files: {task.files}")


def _completed(name: str, task: Definition) -> Definition:
    """What the definition leaves open is taken from the data.

    It is bound with gin, so that a run's configuration holds it.
    """
    if task.kind == "tagging" and all(map(is_span_tag, task.labels or ("",))):
        task = task._replace(labels=defaults.span_labels(task.labels))
    source = FileTaskSource(name, task)
    # Several things are asked of the same splits.
    source.read = functools.cache(source.read)
    for field, find in defaults.FIND.items():
        if getattr(source.definition, field) is None:
            value = find(source)
            source.definition = source.definition._replace(**{field: value})
            if value is not None:
                gin.bind_parameter(f"tasks.{name}.{field}", value)
    # Again: only what a call has taken counts as operative.
    gin.get_configurable(f"tasks.{name}")()
    return source.definition


def _card(name: str, task: Definition) -> TaskCard:
    return TaskCard(
        name=name,
        version=task.version,
        kind=task.kind,
        summary=task.summary or "A task of a gin file.",
        builder=f"{__name__}:build",
        splits={},
        main_metric=task.metric,
        source=task.dataset or ", ".join(task.files.values()),
        licence="not stated",
        citation="none",
        floor=task.floor,
        labels=task.labels or (),
        label_range=task.label_range,
        train_split=task.train_split,
        eval_split=task.eval_split,
        epochs=task.epochs,
        max_seq_length=task.max_seq_length,
    )


def build(card: TaskCard) -> seqio.Task:
    """Registers the task with seqio.

    Args:
        card: as `register` made it.
    """
    source = _declared[card.name]
    steps, postprocess = _FEATURES[card.kind](card, source.definition)
    return add_task(
        card,
        source,
        [*steps, preprocessors.complete],
        postprocess,
        defaults.metric_fns(source.definition),
    )


def _class_features(card: TaskCard, task: Definition) -> tuple:
    steps = [preprocessors.encode_texts, preprocessors.class_labels(card.labels)]
    return steps, postprocessors.class_label(card.labels)


def _value_features(card: TaskCard, task: Definition) -> tuple:
    bounds = card.label_range
    steps = [preprocessors.encode_texts, preprocessors.scaled_values(*bounds)]
    return steps, postprocessors.scaled_value(*bounds)


def _tag_features(card: TaskCard, task: Definition) -> tuple:
    steps = [preprocessors.encode_words(card.labels)]
    return steps, postprocessors.word_tags(card.labels)


def _answer_features(card: TaskCard, task: Definition) -> tuple:
    return [encode_windows()], answer_or_none if task.unanswerable else answer_texts


_FEATURES = {
    "classification": _class_features,
    "regression": _value_features,
    "tagging": _tag_features,
    "span_qa": _answer_features,
}
