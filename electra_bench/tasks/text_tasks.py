"""Registering tasks whose examples are a text or a pair of texts."""

from collections.abc import Callable, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench.records import TaskCard
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.metrics.weighted import Metric
from electra_bench.tasks.registration import add_task


def add_text_task(
    card: TaskCard,
    source: seqio.DataSource,
    encode_labels: Callable[[tf.data.Dataset], tf.data.Dataset],
    postprocess_fn: Callable[..., Any],
    metric_fns: Sequence[Metric],
) -> seqio.Task:
    """Registers a task of texts.

    Args:
        card: what is known of it.
        source: examples with `idx`, `id`, `text_a`, `text_b` and `label`, as those of
            `TableSource`.
        encode_labels: preprocessor that adds `labels` or `values`.
        postprocess_fn: see `add_task`.
        metric_fns: see `add_task`.
    """
    return add_task(
        card,
        source,
        [preprocessors.encode_texts, encode_labels, preprocessors.complete],
        postprocess_fn,
        metric_fns,
    )


def add_classification(
    card: TaskCard, source: seqio.DataSource, metric_fns: Sequence[Metric]
) -> seqio.Task:
    """Registers a task of kind `classification`.

    Args:
        card: what is known of it; `labels` are its classes.
        source: see `add_text_task`; `label` is a class's name.
        metric_fns: see `add_task`; targets and predictions are class names.
    """
    return add_text_task(
        card,
        source,
        preprocessors.class_labels(card.labels),
        postprocessors.class_label(card.labels),
        metric_fns,
    )
