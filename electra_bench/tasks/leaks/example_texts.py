"""The texts of a split's examples, whatever its task."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import seqio

from electra_bench.data.readers.labelled_source import (
    LabelledSource,
    Question,
    Sentence,
    TextExample,
)
from electra_bench.tasks.fingerprints import raw_examples

# Strings of raw examples that are no text of theirs, but a name or what is to be predicted.
NOT_TEXT = frozenset(("id", "label", "labels", "tags", "target", "targets", "answers"))

Row = tuple[str, tuple[str, ...]]


class ExampleTexts(NamedTuple):
    """Texts of examples, equal ones once.

    Attributes:
        ids: of the examples, as predictions have them.
        texts: all different ones.
        examples: the numbers of the texts of every example, without empty texts.
    """

    ids: list[str]
    texts: list[str]
    examples: list[tuple[int, ...]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "ExampleTexts":
        """Those of examples, each with its id."""
        ids: list[str] = []
        numbers: dict[str, int] = {}
        examples = []
        for identity, texts in rows:
            ids.append(identity)
            kept = filter(str.strip, texts)
            examples.append(tuple(numbers.setdefault(t, len(numbers)) for t in kept))
        return cls(ids, list(numbers), examples)

    @classmethod
    def read(cls, task: seqio.Task, split: str) -> "ExampleTexts":
        """All texts of a split, in the order of its source.

        A text or two, the words of a sentence as one text, a question and its context; of
        sources that are not this project's all strings other than `NOT_TEXT`.

        Args:
            task: a seqio task, not a corpus.
            split: one of its splits.
        """
        source = task.source
        if isinstance(source, LabelledSource):
            # seqio gives the same, but millions of tensors take long.
            return cls.of(map(_row, source.examples(split)))
        return cls.of(_foreign_rows(source, split))


def _row(example: TextExample | Sentence | Question) -> Row:
    match example:
        case Question():
            return example.id, (example.question, example.context)
        case Sentence():
            return example.id or str(example.number), (" ".join(example.words),)
        case TextExample():
            return example.id or str(example.idx), (example.text_a, example.text_b)


def _foreign_rows(source: seqio.DataSource, split: str) -> Iterator[Row]:
    for number, row in enumerate(
        raw_examples(source.get_dataset(split, shuffle=False))
    ):
        texts = {
            name: text
            for name in sorted(row)
            if name.rpartition("/")[2] not in NOT_TEXT
            and (text := _text(row[name])) is not None
        }
        yield _identity(row, number), tuple(texts.values())


def _identity(row: Mapping[str, Any], number: int) -> str:
    # As in a store, see `groups.identity_of`.
    known = row.get("id", row.get("idx", number))
    return known.decode() if isinstance(known, bytes) else str(known)


def _text(value: Any) -> str | None:
    """Bytes, or bytes in an array or in rows of any length, as text; None of all else."""
    if hasattr(value, "to_list"):  # as ragged features are here
        value = value.to_list()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return None
    parts = list(_flat(value))
    if not parts or not all(isinstance(part, bytes) for part in parts):
        return None
    return " ".join(part.decode(errors="replace") for part in parts)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | np.ndarray):
        for item in value:
            yield from _flat(item)
    else:
        yield value
