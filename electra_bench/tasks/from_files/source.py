"""The data of a task without code: files or data sets whose columns a gin file names."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from etils import epath

from electra_bench.data.readers import locate
from electra_bench.data.readers.bad_rows import OnError, bad_row
from electra_bench.data.readers.column_source import sentence_dataset
from electra_bench.data.readers.columns import (
    CONLLU_COLUMNS,
    FORM,
    UPOS,
    Block,
    Sentence,
    is_unspecified,
    read_blocks,
    read_conllu_blocks,
    usual_width,
)
from electra_bench.data.readers.named_datasets import read_dataset
from electra_bench.data.readers.questions import question_dataset
from electra_bench.data.readers.records import Record, read_records
from electra_bench.data.readers.tables import Row, one_of, text_dataset, within
from electra_bench.data.readers.whole_file_source import WholeFileSource
from electra_bench.tasks.from_files.examples import Example, examples_of

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
            return sentence_dataset(items)
        return text_dataset([(str(row.idx), row) for row in items])

    def examples(self, split: str) -> list[Example]:
        """The examples of a split, checked against labels and range.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a bad row; says where.
        """
        kept: list[Example] = []
        ids = set()
        for example in self.usable(split):
            id = getattr(example.item, "id", len(ids))
            try:
                if id in ids:
                    raise _Unusable(example.where, f"id {id!r} is there twice")
                ids.add(id)
                kept.append(self._checked(example, split))
            except _Unusable as found:
                bad_row(str(found), self.definition.on_error)
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

    def _checked(self, example: Example, split: str) -> Example:
        """The example, without a label that says that there is none.

        Raises:
            _Unusable: what is to be predicted is missing or cannot be.
        """
        task, item = self.definition, example.item
        if task.kind == "span_qa":
            if example.misplaced and split == task.train_split:
                raise _Unusable(example.where, example.misplaced)
            return example
        if not self._is_labelled(example):
            if self._has_target(split):
                raise _Unusable(example.where, "no label")
            return _without_label(example)
        labels = item.tags if isinstance(item, Sentence) else [item.label]
        check = (
            within(*task.label_range)
            if task.kind == "regression"
            else one_of(task.labels)
        )
        places = example.places or [example.where] * len(labels)
        for where, label in zip(places, labels, strict=True):
            try:
                check(label)
            except ValueError as error:
                raise _Unusable(where, str(error)) from error
        return example

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
            columns = {"words": FORM, "tags": UPOS} | dict(self.definition.columns)
            blocks, width = read_conllu_blocks(path), CONLLU_COLUMNS
        else:
            columns = {"words": 0, "tags": -1} | dict(self.definition.columns)
            blocks = read_blocks(path)
            width = usual_width(block.words for block in blocks)
        for field, column in columns.items():
            if not isinstance(column, int) or not -width <= column < width:
                raise ValueError(
                    f"{path}: no column {column!r} for {field}, there are {width}, from 0"
                )
        if width == 1 or is_unspecified(blocks, columns["tags"]):
            del columns["tags"]
        records = [_sentence_record(path, block, columns) for block in blocks]
        return examples_of("tagging", records, {}, with_target)


def _without_label(example: Example) -> Example:
    """Tags that nobody has said are empty already."""
    item = example.item
    return (
        example._replace(item=item._replace(label=""))
        if isinstance(item, Row)
        else example
    )


def _sentence_record(
    path: epath.Path, block: Block, columns: Mapping[str, int]
) -> Record:
    if block.problem:
        line, problem = block.problem
        return Record(f"{path}, line {line}", {}, problem)
    places = tuple(f"{path}, line {line}" for line, _ in block.words)
    fields = {
        field: [cells[column] for _, cells in block.words]
        for field, column in columns.items()
    }
    return Record(places[0], fields, places=places)


class _Unusable(ValueError):
    """An example that cannot be used: where it stands, and why."""

    def __str__(self) -> str:
        return ": ".join(self.args)
