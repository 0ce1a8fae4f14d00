"""The tagging tasks: from their cards to seqio tasks."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import seqio

from electra_bench.data.readers import columns
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.tagging import span_f1, tag_accuracy
from electra_bench.tasks.text_tasks import add_labelled_task

_WHOLE = {name: columns.SplitPart((name,)) for name in ("train", "dev", "test")}


def chunk(card: TaskCard) -> seqio.Task:
    """Registers CoNLL-2000 chunking.

    The files `train` and `test` are published. What lies as `dev` in the original's layout
    is the published test file, so it is read as test where there is no `test`. Tags that
    contradict one another are read as the original does.
    """
    parts = {
        "train": columns.SplitPart(("train",), "rest"),
        "dev": columns.SplitPart(("train",), "held_out"),
        "train_all": columns.SplitPart(("train",)),
        "test": columns.SplitPart(("test", "dev")),
    }
    return _add_spans(card, 3, (), parts, find_spans=columns.original_spans)


def ner(card: TaskCard) -> seqio.Task:
    """Registers names in the format of CoNLL-2003: word, two columns, tag."""
    return _add_spans(card, 4, ("ner/conll2003", "conll2003"), _WHOLE)


def wnut17(card: TaskCard) -> seqio.Task:
    """Registers WNUT-17: word and tag."""
    return _add_spans(card, 2, ("ner/wnut17",), _WHOLE)


def wikigold(card: TaskCard) -> seqio.Task:
    """Registers WikiGold: word and tag, one file."""
    parts = {
        "train": columns.SplitPart(("all",), "rest"),
        "dev": columns.SplitPart(("all",), "held_out"),
    }
    return _add_spans(card, 2, ("ner/wikigold",), parts)


def pos(card: TaskCard) -> seqio.Task:
    """Registers universal parts of speech in CoNLL-U."""
    read = functools.partial(columns.read_conllu, labels=card.labels)
    source = columns.ColumnSource(card.name, (), _WHOLE, read, extension=".conllu")
    return add_labelled_task(card, source, [tag_accuracy])


def _add_spans(
    card: TaskCard,
    num_columns: int,
    folders: Sequence[str],
    parts: Mapping[str, columns.SplitPart],
    **reading: Any,
) -> seqio.Task:
    """Registers a task of spans; `reading` is what else `read_sentences` takes."""
    read = functools.partial(
        columns.read_sentences, num_columns=num_columns, labels=card.labels, **reading
    )
    source = columns.ColumnSource(card.name, folders, parts, read)
    return add_labelled_task(card, source, [span_f1, tag_accuracy])
