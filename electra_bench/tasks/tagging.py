"""Builders of the tagging tasks: from their cards to seqio tasks."""

import functools

import seqio

from electra_bench.data.readers.column_source import ColumnSource, Part
from electra_bench.data.readers.columns import read_conllu, read_sentences
from electra_bench.records import TaskCard
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.metrics.tagging import span_f1, tag_accuracy
from electra_bench.tasks.registration import add_task

WHOLE = {name: Part((name,)) for name in ("train", "dev", "test")}


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
    return _add_spans(card, ColumnSource(card.name, (), parts, _read(card, 3)))


def ner(card: TaskCard) -> seqio.Task:
    """Registers names in the format of CoNLL-2003: word, two columns, tag.

    Args:
        card: the task's card.
    """
    folders = ("ner/conll2003", "conll2003")
    return _add_spans(card, ColumnSource(card.name, folders, WHOLE, _read(card, 4)))


def wnut17(card: TaskCard) -> seqio.Task:
    """Registers WNUT-17: word and tag.

    Args:
        card: the task's card.
    """
    folders = ("ner/wnut17",)
    return _add_spans(card, ColumnSource(card.name, folders, WHOLE, _read(card, 2)))


def wikigold(card: TaskCard) -> seqio.Task:
    """Registers WikiGold: word and tag, one file.

    Args:
        card: the task's card.
    """
    parts = {
        "train": Part(("all",), "rest"),
        "dev": Part(("all",), "held_out"),
    }
    folders = ("ner/wikigold",)
    return _add_spans(card, ColumnSource(card.name, folders, parts, _read(card, 2)))


def pos(card: TaskCard) -> seqio.Task:
    """Registers universal parts of speech in CoNLL-U.

    Args:
        card: the task's card.
    """
    read = functools.partial(read_conllu, labels=card.labels)
    source = ColumnSource(card.name, (), WHOLE, read, extension=".conllu")
    return _add(card, source, [tag_accuracy])


def _read(card: TaskCard, num_columns: int) -> functools.partial:
    return functools.partial(
        read_sentences, num_columns=num_columns, labels=card.labels
    )


def _add_spans(card: TaskCard, source: seqio.DataSource) -> seqio.Task:
    return _add(card, source, [span_f1, tag_accuracy])


def _add(card: TaskCard, source: seqio.DataSource, metric_fns: list) -> seqio.Task:
    return add_task(
        card,
        source,
        [preprocessors.encode_words(card.labels), preprocessors.complete],
        postprocessors.word_tags(card.labels),
        metric_fns,
    )
