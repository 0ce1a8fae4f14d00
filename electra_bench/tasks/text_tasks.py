"""Registering tasks whose examples are texts, sentences or questions with labels."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench.records import TaskCard
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.features.windows import encode_windows
from electra_bench.tasks.features.words import encode_words
from electra_bench.tasks.metrics.weighted import Metric
from electra_bench.tasks.postprocessors import answer_or_none, answer_texts
from electra_bench.tasks.registration import add_task


def add_labelled_task(
    card: TaskCard,
    source: seqio.DataSource,
    metric_fns: Sequence[Metric],
    *,
    unanswerable: bool = False,
    doc_stride: int | None = None,
) -> seqio.Task:
    """Registers a task of one of the kinds that come with this project.

    The card says how its examples become features, and predictions what metrics compare:
    `kind` with `labels`, the classes or tags, or `label_range`.

    Args:
        card: what is known of the task.
        source: examples as `labelled_dataset` makes them: texts for the kinds
            `classification`, `multi_label` and `regression`, sentences for `tagging`,
            questions for `span_qa`.
        metric_fns: see `add_task`; targets and predictions are class names, lists of
            them, numbers of the label's range, lists of tags, or as `answer_texts` has
            them.
        unanswerable: whether questions may have no answer.
        doc_stride: see `encode_windows`.

    Raises:
        ValueError: the card is of another kind.
    """
    match card.kind:
        case "classification":
            encode = preprocessors.class_labels(card.labels)
            decode = postprocessors.class_label(card.labels)
            return add_text_task(card, source, encode, decode, metric_fns)
        case "multi_label":
            encode = preprocessors.label_sets(card.labels)
            decode = postprocessors.label_names(card.labels)
            return add_text_task(card, source, encode, decode, metric_fns)
        case "regression":
            encode = preprocessors.scaled_values(*card.label_range)
            decode = postprocessors.scaled_value(*card.label_range)
            return add_text_task(card, source, encode, decode, metric_fns)
        case "tagging":
            encode = functools.partial(encode_words, labels=card.labels)
            decode = postprocessors.word_tags(card.labels)
        case "span_qa":
            encode = functools.partial(encode_windows, doc_stride=doc_stride)
            decode = answer_or_none if unanswerable else answer_texts
        case _:
            raise ValueError(
                f"task {card.name!r} is of kind {card.kind!r}, expected classification, "
                "multi_label, regression, tagging or span_qa; add_task registers others"
            )
    steps = [encode, preprocessors.complete]
    return add_task(card, source, steps, decode, metric_fns)


def add_text_task(
    card: TaskCard,
    source: seqio.DataSource,
    encode_labels: Callable[[tf.data.Dataset], tf.data.Dataset],
    postprocess_fn: Callable[..., Any],
    metric_fns: Sequence[Metric],
) -> seqio.Task:
    """Registers a task of texts or pairs of texts with labels of any sort.

    Args:
        card: what is known of it.
        source: examples with `idx`, `id`, `text_a`, `text_b` and `label`, as those of
            `TableSource`.
        encode_labels: preprocessor that adds `labels` or `values`.
        postprocess_fn: see `add_task`.
        metric_fns: see `add_task`.
    """
    steps = [preprocessors.encode_texts, encode_labels, preprocessors.complete]
    return add_task(card, source, steps, postprocess_fn, metric_fns)
