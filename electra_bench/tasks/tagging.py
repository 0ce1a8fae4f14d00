"""Builders of the tagging tasks: from their cards to seqio tasks."""

import seqio

from electra_bench.data.column_files import ColumnSource, Part
from electra_bench.records import TaskCard
from electra_bench.tasks import metrics, postprocessors, preprocessors
from electra_bench.tasks.registration import add_task


def chunk(card: TaskCard) -> seqio.Task:
    """Registers CoNLL-2000 chunking.

    The files `train` and `test` are published. What lies as `dev` in the original's layout
    is the published test file, so it is read as test where there is no `test`.

    Args:
        card: the task's card.
    """
    parts = {
        "train": Part(("train",), "rest"),
        "dev": Part(("train",), "held_out"),
        "train_all": Part(("train",)),
        "test": Part(("test", "dev")),
    }
    source = ColumnSource(card.name, (), parts, num_columns=3, labels=card.labels)
    return add_task(
        card,
        source,
        [preprocessors.encode_words(card.labels), preprocessors.complete],
        postprocessors.word_tags(card.labels),
        [metrics.span_f1, metrics.tag_accuracy],
    )
