"""TSV files as a seqio source: one row, one text or pair of texts, one label."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import BadRows, OnError
from electra_bench.data.readers.forms import Form
from electra_bench.data.readers.labelled_source import (
    LabelledSource,
    TextExample,
    numbered_on,
)
from electra_bench.data.readers.numbers import parsed_number
from electra_bench.system.near_names import near_and_all

TABS = Form("\t")


class Columns(NamedTuple):
    """Where things stand in a table; positions count from 0.

    Attributes:
        count: number of columns of every row.
        text_a: the text, or the first of two.
        text_b: the second text; None if there is one only.
        label: the label; None in files without labels.
        header: what a header calls these, in this order, however they are cased; it may be
            missing where there are labels. True if a header is there whose names are not
            known; False if there is none.
    """

    count: int
    text_a: int
    text_b: int | None = None
    label: int | None = None
    header: bool | tuple[str, ...] = True

    @property
    def named(self) -> dict[int, str]:
        """Position to the name that a header has there, as far as it is known."""
        if isinstance(self.header, bool):
            return {}
        used = [c for c in (self.text_a, self.text_b, self.label) if c is not None]
        return dict(zip(used, self.header, strict=False))


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


def read_fields(path: epath.Path, form: Form = TABS) -> Iterator[TableLine]:
    """Yields the lines of a table. Quotes are text, as in the original.

    So a line is a row, and needs no `csv.reader`, which limits the length of a field and
    stops at a carriage return inside one.

    Raises:
        ValueError: see `split_files.read_lines`.
    """
    lines = split_files.read_lines(path, form.encoding, form.comment)
    for number, text, problem in lines:
        if "\r" in text:
            problem = "a carriage return inside a field"
        fields = form.cells(text) if text and not problem else []
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
            first line that is neither header nor row, or no row that can be used.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `read_tsv` and `_load_glue`. Differs: a bad row is an error unless asked otherwise.
    """
    rows, first_problem, bad = [], "", BadRows(on_error)
    lines = below_header(path, columns, check_label)
    for idx, (line, fields, unreadable) in enumerate(lines):
        try:
            if unreadable:
                raise ValueError(unreadable)
            if _is_named(fields, columns):
                raise ValueError("the header again")
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


def below_header(
    path: epath.Path, columns: Columns, check_label: Callable[[str], None]
) -> list[TableLine]:
    """The lines of a table without its header, if it has one.

    Args:
        path: the file.
        columns: its columns.
        check_label: see `read_table`.

    Raises:
        ValueError: the first line is neither header nor row, so that nobody knows what
            stands where.
    """
    first, *rest = read_fields(path)
    if not columns.header:
        return [first, *rest]
    if _is_named(first.fields, columns):
        return rest
    problem = first.problem
    if not problem and columns.label is None:
        problem = "this is no header"
    elif not problem:
        try:
            _label(first.fields, columns, check_label)
        except ValueError as error:
            problem = f"neither a header nor a row ({error})"
        else:
            return [first, *rest]
    if not columns.named and _may_be_names(first.fields, columns, check_label):
        return rest
    expected = ", ".join(f"{name!r} ({i + 1})" for i, name in columns.named.items())
    expected = f"; a header has {expected} in these columns, from 1" if expected else ""
    raise ValueError(f"{path}, line {first.line}: {problem}{expected}")


def _is_named(fields: Sequence[str], columns: Columns) -> bool:
    """Whether a line is the header whose names are known."""
    return bool(columns.named) and all(
        i < len(fields) and fields[i].strip().casefold() == name.casefold()
        for i, name in columns.named.items()
    )


def _may_be_names(
    fields: Sequence[str], columns: Columns, check_label: Callable[[str], None]
) -> bool:
    """Whether a line may be a header: it has all columns, and a label in none."""
    for field in fields:
        try:
            check_label(field)
        except ValueError:
            continue
        return False
    return len(fields) == columns.count


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

    def lines(self, path: epath.Path, split: str) -> list[TableLine]:
        """The lines of such a file without its header; `idx` of a row counts them."""
        return below_header(path, self._columns[split], self._check_label)

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
