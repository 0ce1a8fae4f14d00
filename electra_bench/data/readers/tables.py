"""TSV files as a seqio source: one row, one text or pair of texts, one label."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import BadRows, OnError
from electra_bench.data.readers.labelled_source import (
    LabelledSource,
    TextExample,
    numbered_on,
)
from electra_bench.data.readers.numbers import parsed_number
from electra_bench.system.near_names import near_and_all


class Columns(NamedTuple):
    """Where things stand in a table; positions count from 0.

    Attributes:
        count: number of columns of every row.
        text_a: the text, or the first of two.
        text_b: the second text; None if there is one only.
        label: the label; None in files without labels.
        header: whether the first line is a header.
    """

    count: int
    text_a: int
    text_b: int | None = None
    label: int | None = None
    header: bool = True


class TableLine(NamedTuple):
    """One line of a table.

    Attributes:
        line: its number, from 1.
        fields: between the tabs; none in a blank line.
        problem: why there are no fields; empty if the line can be read.
    """

    line: int
    fields: list[str]
    problem: str = ""


def read_fields(path: epath.Path) -> Iterator[TableLine]:
    """Yields the lines of a table. Quotes are text, as in the original.

    So a line is a row, and needs no `csv.reader`, which limits the length of a field and
    stops at a carriage return inside one.

    Raises:
        ValueError: see `split_files.read_lines`.
    """
    for number, text, problem in split_files.read_lines(path):
        if "\r" in text:
            problem = "a carriage return inside a field"
        fields = text.split("\t") if text and not problem else []
        yield TableLine(number, fields, problem)


def read_table(
    path: epath.Path,
    columns: Columns,
    check_label: Callable[[str], None],
    on_error: OnError = "raise",
) -> list[TextExample]:
    """Reads a table.

    Args:
        path: the file.
        columns: its columns.
        check_label: raises ValueError for a label that cannot be.
        on_error: "raise" stops at a bad row; "skip" leaves it out, as the original does,
            see `bad_row`. Row numbers keep counting.

    Raises:
        ValueError: a row with another number of columns, a bad label (file and line), a
            row in place of the header, or no row that can be used.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `read_tsv` and `_load_glue`. Differs: a bad row is an error unless asked otherwise.
    """
    rows, idx, first_problem, bad = [], -1, "", BadRows(on_error)
    for line, fields, unreadable in read_fields(path):
        if columns.header and line == 1:
            if unreadable:
                raise ValueError(f"{path}, line 1: {unreadable}")
            _refuse_row(path, fields, columns, check_label)
            continue
        idx += 1
        try:
            if unreadable:
                raise ValueError(unreadable)
            label = _label(fields, columns, check_label)
        except ValueError as error:
            problem = f"line {line}: {error}"
            # The original reads no such file.
            bad.add(f"{path}, {problem}", "raise" if unreadable else None)
            first_problem = first_problem or problem
            continue
        text_b = "" if columns.text_b is None else fields[columns.text_b]
        rows.append(TextExample(idx, fields[columns.text_a], text_b, label))
    if first_problem and not rows:
        raise ValueError(
            f"{path}: no row can be used; the first problem: {first_problem}"
        )
    if not rows:
        raise ValueError(
            f"{path}: no rows{' below the header' if columns.header else ''}"
        )
    bad.check(str(path), len(rows))
    return rows


def _label(
    fields: Sequence[str], columns: Columns, check_label: Callable[[str], None]
) -> str:
    """The label of a row; empty in files without labels.

    Raises:
        ValueError: another number of columns, or a label that cannot be.
    """
    if len(fields) != columns.count:
        raise ValueError(f"got {len(fields)} columns, expected {columns.count}")
    if columns.label is None:
        return ""
    check_label(fields[columns.label])
    return fields[columns.label]


def _refuse_row(
    path: epath.Path,
    header: Sequence[str],
    columns: Columns,
    check_label: Callable[[str], None],
) -> None:
    """Checks that a header is none of the rows, as far as labels tell.

    Raises:
        ValueError: it is a row, which would be lost.
    """
    if columns.label is None:
        return
    try:
        label = _label(header, columns, check_label)
    except ValueError:
        return
    raise ValueError(
        f"{path}, line 1: got a row with the label {label!r}, expected a header"
    )


def one_of(labels: Sequence[str]) -> Callable[[str], None]:
    """Checks that a label is among `labels`."""

    def check(label: str) -> None:
        if label not in labels:
            raise ValueError(f"unknown label {label!r}; {near_and_all(label, labels)}")

    return check


def within(smallest: float, largest: float) -> Callable[[str], None]:
    """Checks that a label is a number from `smallest` to `largest`."""

    def check(label: str) -> None:
        try:
            value = parsed_number(label)
        except ValueError as error:
            raise ValueError(f"label {error}") from None
        if not smallest <= value <= largest:
            raise ValueError(f"label {label} is outside [{smallest}, {largest}]")

    return check


class TableSource(LabelledSource):
    """A task's splits as TSV files, looked up and read when a dataset is built."""

    def __init__(
        self,
        task: str,
        folders: Sequence[str],
        columns: Mapping[str, Columns],
        check_label: Callable[[str], None],
        doubled: Mapping[str, str] | None = None,
        on_error: OnError = "raise",
    ):
        """Describes the files; reads nothing.

        Args:
            task: name of the task, the folder in the original's layout.
            folders: further folders that may hold the files.
            columns: columns of every split's file `<split>.tsv`.
            check_label: see `one_of` and `within`.
            doubled: name of a further split to the split that it consists of, each pair
                of texts once as it is and once in the other order.
            on_error: what to do about bad rows, see `read_table`.
        """
        self._task = task
        self._folders = tuple(folders)
        self._columns = dict(columns)
        self._check_label = check_label
        self._doubled = dict(doubled or {})
        self._on_error = on_error
        super().__init__(splits=[*columns, *self._doubled])

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to: the splits that have one of their own."""
        return list(self._columns)

    def candidates(self, name: str, extension: str = ".tsv") -> list[str]:
        """Paths below the data folder under which a file may lie."""
        return split_files.layouts(self._task, name, extension, *self._folders)

    def read(self, path: epath.Path, split: str) -> list[TextExample]:
        """The rows of a file that holds a split."""
        columns = self._columns[split]
        return read_table(path, columns, self._check_label, self._on_error)

    def table(self, split: str) -> list[TextExample]:
        """The rows of a split that has files of its own.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad row.
        """
        paths = split_files.find(split, self.candidates(split))
        return numbered_on(self.read(path, split) for path in paths)

    def examples(self, split: str) -> list[TextExample]:
        """All examples of a split in the order of its file."""
        if split not in self._doubled:
            return self.table(split)
        rows = self.table(self._doubled[split])
        # As in the original, copies are numbered on from the number of rows kept.
        return rows + [
            TextExample(len(rows) + idx, text_b, text_a, label, f"{idx}-swapped")
            for idx, text_a, text_b, label, *_ in rows
        ]
