"""The data of a task without code: files or data sets whose columns a gin file names."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from etils import epath

from electra_bench.config.ranges import Length, NotNegative, Positive, PositiveShare
from electra_bench.config.roles import Content, Subject
from electra_bench.data.readers import split_files
from electra_bench.data.readers.answer_places import NOWHERE, nowhere
from electra_bench.data.readers.bad_rows import BadRows, note
from electra_bench.data.readers.columns import (
    FORM,
    MENDED,
    UPOS,
    is_span_tag,
    read_columns,
)
from electra_bench.data.readers.forms import UTF_8, WHOLE_LINE, Form
from electra_bench.data.readers.labelled_source import (
    GROUP,
    LabelledExamples,
    LabelledSource,
    Question,
    read_labels,
)
from electra_bench.data.readers.like_labels import like_labels
from electra_bench.data.readers.named_datasets import read_dataset
from electra_bench.data.readers.questions import squad_questions
from electra_bench.data.readers.records import Record, is_known, read_records
from electra_bench.data.readers.tables import one_of, within
from electra_bench.tasks.from_files.examples import Columns, ReadExample, examples_of

# The file that `fractions` deals out.
ALL = "all"
COLUMN_FILES = (".conll", ".bio", ".iob", ".txt")
CONLLU = ".conllu"
# The mark of scores behind labels that look alike.
ALIKE = "labels alike"
# That behind texts of which nothing is there.
EMPTY = "texts empty"
# That behind labels of which there is one example to learn from.
ONCE = "labels seen once"
# How data sets of TensorFlow and Hugging Face write that a class is not known.
NO_CLASS = "-1"


class Definition(NamedTuple):
    """What a gin file may say of a task.

    Attributes:
        kind: classification, multi_label, regression, tagging or span_qa.
        files: split to its files, names or globs, one or several, seen from here or from
            the data folder: .tsv, .csv, .jsonl, .json, .parquet, .conllu, or .conll,
            .bio, .iob, .txt with columns between white space. With `dataset`, split to
            the name or names that it has there.
        columns: what holds what, by name, or by number, from 0, in files without header:
            text_a, text_b, label; words, tags; question, context, answers, answer_start,
            id; group, what an example belongs to with others ("document"). What is not
            named is in the column of its own name, but for the group: without a column it
            is as `tasks/groups.py` says. The label of multi_label may be a list of names of
            columns that hold 0 or 1, one a class.
        dataset: `tfds:NAME` or `hf:NAME` instead of files.
        sep: what separates the columns of tables and of column files, a character or a
            regular expression; None for what the name says. If it matches a blank, the
            last column that `columns` numbers takes the rest of the line. Tables with
            `sep` may be called anything.
        quote: the character that encloses fields of tables, empty for none; None for what
            the name says.
        encoding: of the characters of text files.
        comment: what lines begin with that are left out.
        label_sep: what separates the labels of a text in a column, for multi_label.
        label_from_file: pattern of a path, as `*.pos`, to the label of all its rows; a
            file of another ending then holds a text a line, in column 0.
        fractions: split to its share, at most 1 together, of the file that `files` binds
            to 'all'.
        split_seed: of dealing them out.
        labels: class names, or tags, in the order of their ids; None takes those of the
            training set.
        scheme: of tags that mark spans, IOB1, IOB2, BIOES, BILOU, BMES or BMEWO; "none" if
            they mark none; None finds that of every file, see `tag_schemes.read_tags`.
        label_range: smallest and largest value of a regression target; None takes those
            of the training set.
        unanswerable: whether questions may have no answer; None looks.
        metric: the one that tables show; None takes the first one of the kind.
        floor: the metric of the majority baseline; None computes it.
        train_split: split to train on.
        eval_split: split that is scored.
        trained_on: task of the same kind whose runs answer this one, which has no split
            to train on; labels and range are those of that task.
        epochs: passes over the training set.
        max_seq_length: token limit.
        version: to be raised with any change to the data or their meaning.
        summary: one sentence.
        on_error: "raise" stops at a bad row; "skip" leaves it out and counts.
    """

    kind: Subject[str]
    files: Content[Mapping[str, str | Sequence[str]]]
    columns: Subject[Mapping[str, Any] | None] = None
    dataset: Subject[str | None] = None
    sep: Subject[str | None] = None
    quote: Subject[str | None] = None
    encoding: Subject[str] = UTF_8
    comment: Subject[str] = ""
    label_sep: Subject[str] = ","
    label_from_file: Subject[Mapping[str, str] | None] = None
    fractions: Subject[Mapping[str, PositiveShare[float]] | None] = None
    split_seed: Subject[NotNegative[int]] = 0
    labels: Subject[Sequence[str] | None] = None
    scheme: Subject[str | None] = None
    label_range: Subject[Sequence[float] | None] = None
    unanswerable: Subject[bool | None] = None
    metric: Subject[str | None] = None
    floor: Subject[float | None] = None
    train_split: Subject[str] = "train"
    eval_split: Subject[str] = "dev"
    trained_on: Subject[str | None] = None
    epochs: Subject[Positive[float]] = 3.0
    max_seq_length: Subject[Length[int]] = 128
    version: Subject[Positive[int]] = 1
    summary: Subject[str] = ""
    on_error: Subject[str] = "raise"

    @property
    def form(self) -> Form:
        """How its files are written."""
        form = Form(self.sep, self.quote, self.encoding, self.comment)
        numbers = [c for c in (self.columns or {}).values() if isinstance(c, int)]
        return (
            form._replace(last=max(numbers))
            if numbers and form.separates_words
            else form
        )


class FileTaskSource(LabelledSource):
    """Splits as files that a gin file names."""

    def __init__(self, definition: Definition, told: Iterable[str] = ()):
        """Describes the files; reads nothing.

        Args:
            definition: what a gin file says.
            told: fields of it that are not given there but taken from the data.
        """
        self.definition = definition
        self.told = set(told)
        super().__init__(splits=list(definition.fractions or definition.files))

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to."""
        return [] if self.definition.dataset else list(self.definition.files)

    @property
    def read_off(self) -> str:
        """The split that tells what the definition leaves open."""
        task = self.definition
        return task.eval_split if task.trained_on else task.train_split

    def examples(self, split: str) -> LabelledExamples:
        """The examples of a split that can be used, checked against labels and range.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a bad row; says where.
        """
        checked, bad = [], BadRows(self.definition.on_error)
        ids: set[str | int] = set()
        for found in self._without_problem(self.read(split), bad):
            id = found.example.id or len(ids)
            if id in ids:
                found = found._replace(problem=f"id {id!r} is there twice")
            else:
                ids.add(id)
                found = self._checked(found, split)
            checked.append(found)
        kept = self._without_problem(checked, bad)
        bad.check(f"split {split!r}", len(kept))
        if not kept:
            raise ValueError(f"split {split!r} has no rows that can be used")
        for message in itertools.chain.from_iterable(found.mended for found in kept):
            note(MENDED, message)
        for found in kept:
            if empty := _empty_text(found.example):
                note(EMPTY, f"{found.where}: {empty} is empty")
        self._note_labels(kept, split)
        return [found.example for found in kept]

    def _note_labels(self, examples: Sequence[ReadExample], split: str) -> None:
        """Tells of labels that are hardly meant as they are."""
        if self.definition.labels is None:
            return
        places: dict[str, list[str]] = {}
        for found in examples:
            for label in self._classes(self.labels_of(found.example)):
                places.setdefault(label, []).append(found.where)
        counts = {label: len(found) for label, found in places.items()}
        if split == self.definition.train_split and max(counts.values(), default=0) > 1:
            for label in sorted(label for label in counts if counts[label] == 1):
                where = places[label][0]
                note(
                    ONCE, f"{where}: {label!r} is the label of nothing else in {split}"
                )
        # A class may be in another split only.
        known = dict.fromkeys(self._classes(self.definition.labels), 0)
        for message in like_labels(known | counts):
            note(ALIKE, f"{split}: {message}")

    def _without_problem(
        self, examples: Iterable[ReadExample], bad: BadRows
    ) -> list[ReadExample]:
        kept = []
        for found in examples:
            if found.problem or found.example is None:
                bad.add(f"{found.where}: {found.problem}")
            else:
                kept.append(found)
        return kept

    def labels_of(self, example: Any) -> list[str]:
        """The labels of a text, or the tags of a sentence; empty where none is known."""
        if self.definition.kind == "tagging":
            return list(example.tags)
        if self.definition.kind == "multi_label":
            return read_labels(example.label) or []
        return [example.label]

    def _classes(self, labels: Iterable[str]) -> list[str]:
        """The classes that labels name, where tags of spans name types, once a span."""
        labels = list(filter(None, labels))
        is_tagging = self.definition.kind == "tagging"
        if not is_tagging or not all(map(is_span_tag, self.definition.labels)):
            return labels
        # A span begins with one of these.
        return [label[2:] for label in labels if label.startswith(("B-", "S-"))]

    def _has_target(self, split: str) -> bool:
        """Whether what is to be predicted must be given."""
        return split in (self.definition.train_split, self.definition.eval_split)

    def _checked(self, found: ReadExample, split: str) -> ReadExample:
        """The example, without a label that stands for none; or where what is wrong."""
        task, example = self.definition, found.example
        if isinstance(example, Question):
            if split != task.train_split:
                if why := nowhere(example):
                    note(NOWHERE, f"{found.where}: {why}")
                return found._replace(problem="")
            if found.repair:
                note(found.repair, f"{found.where}: {found.how}")
            return found._replace(problem=found.misplaced)
        labels = self.labels_of(example)
        is_no_class = (
            task.kind == "classification"
            and labels == [NO_CLASS]
            and NO_CLASS not in task.labels
        )
        # That a text has none of many labels is known.
        is_none = task.kind == "multi_label" and example.label != ""
        if is_no_class or not (any(labels) or is_none):
            if task.kind != "tagging":
                found = found._replace(example=example._replace(label=""))
            problem = self._no_label() if self._has_target(split) else ""
            return found._replace(problem=problem)
        is_number = task.kind == "regression"
        check = within(*task.label_range) if is_number else one_of(task.labels)
        places = found.places or [found.where] * len(labels)
        for place, label in zip(places, labels, strict=True):
            try:
                check(label)
            except ValueError as error:
                problem = f"{error}{self._cure(split)}"
                return found._replace(where=place, problem=problem)
        return found

    def _no_label(self) -> str:
        """What is said where a label is needed and none is given."""
        task = self.definition
        columns = (task.columns or {}).get("label")
        if isinstance(columns, (list, tuple)):
            return f"no label in {', '.join(map(repr, columns))}, expected 0 or 1"
        return f"no label{'; [] says none' if task.kind == 'multi_label' else ''}"

    def _cure(self, split: str) -> str:
        """What to do about a label that the training set does not have."""
        field = "label_range" if self.definition.kind == "regression" else "labels"
        if field not in self.told or split == self.definition.train_split:
            return ""
        return f", as read off the training set; if it is right, give `{field}`"

    def usable(self, split: str) -> list[ReadExample]:
        """Examples that hold something, labels as they are written.

        Raises:
            ValueError: one holds nothing; says where and why.
        """
        bad = BadRows(self.definition.on_error)
        kept = self._without_problem(self.read(split), bad)
        bad.check(f"split {split!r}", len(kept))
        return kept

    def read(self, split: str) -> list[ReadExample]:
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

    def _whole(self, name: str, with_target: bool) -> list[ReadExample]:
        """The examples of all files of a split, numbered on from file to file."""
        task = self.definition
        found: list[ReadExample] = []
        parts = (
            split_files.named(name, task.files[name])
            if task.dataset
            else split_files.given(name, task.files[name])
        )
        for part in parts:
            if task.kind == "span_qa" and not task.dataset and _is_squad(part):
                found += _questions(part)
                continue
            records, columns = self._records(part)
            found += examples_of(
                task.kind,
                records,
                columns,
                with_target,
                scheme=task.scheme,
                label_sep=task.label_sep,
                first=len(found),
            )
        return found

    def _records(self, part: str | epath.Path) -> tuple[Sequence[Record], Columns]:
        """The records of a file, or of a data set's split; what their columns hold."""
        task = self.definition
        columns: Columns = task.columns or {}
        if task.dataset:
            return read_dataset(task.dataset, part), columns
        ending, form = split_files.extension(part), task.form
        if task.kind == "tagging" and ending in (CONLLU, *COLUMN_FILES):
            return self._of_columns(part, ending == CONLLU), {}
        is_table = form.sep is not None or task.label_from_file is not None
        if ending in (CONLLU, *COLUMN_FILES) and not is_table:
            raise ValueError(
                f"{part}: a file of columns holds a tagging task only; of a table called "
                "so, give `sep`"
            )
        numbers = any(isinstance(c, int) for c in columns.values())
        if task.label_from_file is None:
            return read_records(part, not numbers, form), columns
        if form.sep is None and not is_known(ending):
            form = form._replace(sep=WHOLE_LINE, quote="")
        label = self._label_of(part)
        records = [
            record._replace(fields={**record.fields, "label": label})
            for record in read_records(part, not numbers, form)
        ]
        return records, {**columns, "label": "label"}

    def _label_of(self, path: epath.Path) -> str:
        """The label of all rows of a file."""
        patterns = self.definition.label_from_file or {}
        for pattern, label in patterns.items():
            if path.match(pattern):
                return label
        raise ValueError(
            f"{path}: label_from_file has no pattern for this file, only {list(patterns)}"
        )

    def _of_columns(self, path: epath.Path, is_conllu: bool) -> list[Record]:
        """A record a sentence, with the fields `words` and `tags`."""
        form = self.definition.form._replace(last=None)
        if form.quote is not None:
            raise ValueError(f"{path}: quote says nothing of a file of columns")
        file = read_columns(path, is_conllu, form)
        given: Columns = self.definition.columns or {}
        if GROUP in given:
            raise ValueError(
                f"{path}: a file of columns has no column for {GROUP}; its documents begin "
                "at lines -DOCSTART-, in CoNLL-U # newdoc"
            )
        words, tags = (FORM, UPOS) if is_conllu else (0, -1)
        columns = {"words": words, "tags": tags, **given}
        for field, column in columns.items():
            if not isinstance(column, int) or not -file.width <= column < file.width:
                raise ValueError(
                    f"{path}: no column {column!r} for {field}, there are {file.width}, "
                    "from 0"
                )
            columns[field] = column % file.width
        if file.width == 1 or file.is_unspecified(columns["tags"]):
            del columns["tags"]
        records = []
        for record in file.sentences:
            fields = {name: record.fields.get(c, ()) for name, c in columns.items()}
            records.append(record._replace(fields=fields))
        return records


def _empty_text(example: Any) -> str:
    """Which text of an example is there, but for blanks, in name only."""
    names = ("text_a", "question", "context")
    return next((n for n in names if not getattr(example, n, n).strip()), "")


def _is_squad(path: epath.Path) -> bool:
    """Whether questions stand in a file as SQuAD has them, not as records."""
    if split_files.extension(path) != ".json":
        return False
    text = split_files.read_text(path)
    return '"data"' in text and not text.lstrip().startswith("[")


def _questions(path: epath.Path) -> list[ReadExample]:
    """The questions of a file as SQuAD has them, of either version."""
    try:
        return [
            ReadExample(str(path), None, found)
            if isinstance(found, str)
            else ReadExample(str(path), found.question, "", *found[1:])
            for found in squad_questions(path, unanswerable=None)
        ]
    except ValueError as error:
        text = str(error)
        named = text if text.startswith(str(path)) else f"{path}: {text}"
        raise ValueError(named) from error
