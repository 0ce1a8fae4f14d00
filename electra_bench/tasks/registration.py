"""From a TaskCard to a registered seqio task."""

import functools
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.weighted import Metric, list_form
from electra_bench.vocabularies.run_vocabulary import RunVocabulary


def output_features() -> dict[str, seqio.Feature]:
    """The schema that every downstream task emits.

    One schema, all of rank 1: a seqio mixture needs the same keys, types and equal
    vocabularies in all its tasks, and seqio's evaluator cannot handle rank 0.

    Returns:
        `input_ids`, `segment_ids`, `labels`, `task_id`, `example_id` int32, `values`
        float32; what they mean is said at `core.Batch`.
    """
    feature = functools.partial(seqio.Feature, add_eos=False, rank=1)
    numbers = seqio.PassThroughVocabulary(size=0)
    integers = ("segment_ids", "labels", "task_id", "example_id")
    return {
        "input_ids": feature(RunVocabulary(), dtype=tf.int32),
        "values": feature(numbers, dtype=tf.float32),
        **{name: feature(numbers, dtype=tf.int32) for name in integers},
    }


def add_task(
    card: TaskCard,
    source: seqio.DataSource,
    preprocessors: Sequence[Callable[..., tf.data.Dataset]],
    postprocess_fn: Callable[..., Any],
    metric_fns: Sequence[Metric],
) -> seqio.Task:
    """Registers a task with seqio, and its card if a plugin has not declared it.

    Args:
        card: what is known of the task; its name becomes seqio's name.
        source: raw examples.
        preprocessors: from raw examples to the features of `output_features`.
        postprocess_fn: `(value, example=None, is_target=False)` to what metrics compare:
            `value` is the stored labels or values of an example if `is_target`, otherwise
            the prediction that the task kind decoded.
        metric_fns: `(targets, predictions)` or `(targets, scores)` to percentages, or to
            what is weighted (see `metrics.weighted`), of which seqio gets the form of
            lists; the names of the parameters count. Scores are what the task kind decodes
            beside its predictions, for classification the probabilities of all classes.

    Raises:
        ValueError: another card has this name.
    """
    declare(card, f"task {card.name!r}")
    return seqio.TaskRegistry.add(
        card.name,
        source=source,
        preprocessors=list(preprocessors),
        output_features=output_features(),
        postprocess_fn=postprocess_fn,
        metric_fns=list(map(list_form, metric_fns)),
    )


def declare(card: TaskCard, name: str) -> None:
    """Registers a card unless it is there.

    Args:
        card: of a task or a corpus.
        name: as messages have it.

    Raises:
        ValueError: another card has this name.
    """
    if card.name not in registry.tasks.names():
        registry.tasks.add(card.name, card)
    elif registry.tasks.get(card.name) != card:
        taker = registry.tasks.origin(card.name).target
        raise ValueError(f"{name} is taken by {taker}; choose another name")


def load_task(name: str) -> seqio.Task | seqio.Mixture:
    """The seqio task or mixture, registered on first use by its card's builder.

    Raises:
        UnknownName: no task or mixture has this name; lists near ones.
        ValueError: the builder registered nothing under this name.
    """
    if not _is_registered(name):
        in_mixtures = name in registry.mixtures.names()
        things = registry.mixtures if in_mixtures else registry.tasks
        card = things.get(name)
        pkgutil.resolve_name(card.builder)(card)
        if not _is_registered(name):
            raise ValueError(
                f"{card.builder} registered no seqio task or mixture {name!r}"
            )
    return seqio.get_mixture_or_task(name)


def _is_registered(name: str) -> bool:
    return name in {*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names()}
