"""The data of a task without code: files or data sets whose columns a gin file names."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from etils import epath

from electra_bench.data import locate
from electra_bench.data.bad_rows import OnError, bad_row
from electra_bench.data.column_files import (
    Sentence,
    read_blocks,
    read_conllu_blocks,
    sentence_dataset,
)
from electra_bench.data.question_files import question_dataset
from electra_bench.data.record_files import Record, read_dataset, read_records
from electra_bench.data.table_files import Row, one_of, text_dataset, within
from electra_bench.data.whole_file_source import WholeFileSource
from electra_bench.tasks.record_examples import Example, examples_of

# The file that `fractions` deals out.
ALL = "all"
COLUMN_FILES = (".conll", ".bio", ".iob", ".txt")
CONLLU = ".conllu"
# How data sets of TensorFlow and Hugging Face write that a class is not known.
NO_CLASS = "-1"


class Definition(NamedTuple):
    """What is said of a task; see `file_tasks.declare`."""

    kind: str
    files: Mapping[str, str]
    columns: Mapping[str, Any]
    dataset: str | None
    fractions: Mapping[str, float] | None
    split_seed: int
    labels: tuple[str, ...] | None
    label_range: tuple[float, float] | None
    unanswerable: bool | None
    metric: str | None
    floor: float | None
    train_split: str
    eval_split: str
    epochs: float
    max_seq_length: int
    version: int
    summary: str
    on_error: OnError


class FileTaskSource(WholeFileSource):
    """Splits as files that a gin file names."""

    def __init__(self, name: str, definition: Definition):
        """Describes the files; reads nothing."""
        self.name = name
        self.definition = definition
        super().__init__(splits=list(definition.fractions or definition.files))

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to."""
        return [] if self.definition.dataset else list(self.definition.files)

    def rows(self, split: str) -> tf.data.Dataset:
        """See `WholeFileSource`."""
        items = [example.item for example in self.examples(split)]
        kind = self.definition.kind
        if kind == "span_qa":
            return question_dataset(items)
        if kind == "tagging":
            return sentence_dataset(list(enumerate(items)))
        return text_dataset([(str(row.idx), row) for row in items])

    def examples(self, split: str) -> list[Example]:
        """The examples of a split, checked against labels and range.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a bad row; says where.
        """
        read = self.read(split)
        if not self._has_target(split) and not any(map(self._is_labelled, read)):
            read = [_without_label(example) for example in read]
        kept: list[Example] = []
        ids = set()
        for example in read:
            id = getattr(example.item, "id", len(ids))
            twice = f"id {id!r} is there twice" if id in ids else ""
            ids.add(id)
            problem = example.problem or twice or self._problem(example, split)
            if problem:
                bad_row(f"{example.where}: {problem}", self.definition.on_error)
            else:
                kept.append(example)
        if not kept:
            raise ValueError(f"split {split!r} has no rows that can be used")
        return kept

    def _has_target(self, split: str) -> bool:
        """Whether what is to be predicted must be given."""
        return split in (self.definition.train_split, self.definition.eval_split)

    def _is_labelled(self, example: Example) -> bool:
        """Whether an example says what is right, be it that there is no answer."""
        item = example.item
        if isinstance(item, Sentence):
            return any(item.tags)
        label = getattr(item, "label", None)
        if label == NO_CLASS and NO_CLASS not in (self.definition.labels or ()):
            return self.definition.kind != "classification"
        return label is None or bool(label)

    def _problem(self, example: Example, split: str) -> str:
        task = self.definition
        if task.kind == "span_qa":
            return example.misplaced if split == task.train_split else ""
        if not self._is_labelled(example):
            return "no label" if self._has_target(split) else ""
        labels = [example.item.label] if task.kind != "tagging" else example.item.tags
        check = (
            within(*task.label_range)
            if task.kind == "regression"
            else one_of(task.labels)
        )
        try:
            for label in labels:
                check(label)
        except ValueError as error:
            return str(error)
        return ""

    def usable(self, split: str) -> list[Example]:
        """Examples that hold something, labels as they are written.

        Raises:
            ValueError: one holds nothing; says where and why.
        """
        found = []
        for example in self.read(split):
            if example.item is None:
                bad_row(f"{example.where}: {example.problem}", self.definition.on_error)
            else:
                found.append(example)
        return found

    def read(self, split: str) -> list[Example]:
        """An example a record, or a sentence of a column file, usable or not."""
        task, with_target = self.definition, self._has_target(split)
        if not task.fractions:
            return self._whole(split, with_target)
        whole = self._whole(ALL, True)
        order = np.random.default_rng(task.split_seed).permutation(len(whole))
        bounds = np.cumsum([0, *task.fractions.values()])
        first, last = (
            round(bounds[self.splits.index(split) + i] * len(whole)) for i in (0, 1)
        )
        return [whole[i] for i in sorted(order[first:last])]

    def _whole(self, name: str, with_target: bool) -> list[Example]:
        task = self.definition
        if task.dataset:
            records = read_dataset(task.dataset, task.files[name])
            return examples_of(task.kind, records, task.columns, with_target)
        path = locate.given(name, task.files[name])
        ending = locate.extension(path)
        if ending in (CONLLU, *COLUMN_FILES):
            if task.kind != "tagging":
                raise ValueError(f"{path}: a file of columns holds a tagging task only")
            return self._of_columns(path, ending, with_target)
        numbers = any(isinstance(c, int) for c in task.columns.values())
        records = read_records(path, header=not numbers)
        return examples_of(task.kind, records, task.columns, with_target)

    def _of_columns(
        self, path: epath.Path, ending: str, with_target: bool
    ) -> list[Example]:
        if ending == CONLLU:
            columns = {"words": 1, "tags": 3} | dict(self.definition.columns)
            blocks = [
                (words[0][0], [fields for _, fields in words])
                for words in read_conllu_blocks(path)
            ]
        else:
            columns = {"words": 0, "tags": -1} | dict(self.definition.columns)
            blocks = read_blocks(path)
            if len(blocks[0][1][0]) == 1:
                del columns["tags"]  # a word a line has none
        records = [
            Record(
                f"{path}, sentence at line {line}",
                {
                    field: [_cell(row, column, path, line) for row in rows]
                    for field, column in columns.items()
                },
            )
            for line, rows in blocks
        ]
        return examples_of("tagging", records, {}, with_target)


def _without_label(example: Example) -> Example:
    item = example.item
    return (
        example._replace(item=item._replace(label=""))
        if isinstance(item, Row)
        else example
    )


def _cell(row: list[str], column: int, path: epath.Path, line: int) -> str:
    try:
        return row[column]
    except (IndexError, TypeError):
        raise ValueError(
            f"{path}, line {line}: no column {column!r}, there are {len(row)}, from 0"
        ) from None
