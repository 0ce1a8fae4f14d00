"""The data of a task without code: files or data sets whose columns a gin file names."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from etils import epath

from electra_bench.config.ranges import Length, NotNegative, Positive, PositiveShare
from electra_bench.config.roles import Content, Subject
from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import BadRows, note
from electra_bench.data.readers.columns import (
    FORM,
    MENDED,
    UPOS,
    is_span_tag,
    read_columns,
)
from electra_bench.data.readers.labelled_source import (
    GROUP,
    LabelledExamples,
    LabelledSource,
    Sentence,
    TextExample,
)
from electra_bench.data.readers.like_labels import like_labels
from electra_bench.data.readers.named_datasets import read_dataset
from electra_bench.data.readers.questions import squad_questions
from electra_bench.data.readers.records import read_records
from electra_bench.data.readers.tables import one_of, within
from electra_bench.tasks.from_files.examples import ReadExample, examples_of

# The file that `fractions` deals out.
ALL = "all"
COLUMN_FILES = (".conll", ".bio", ".iob", ".txt")
CONLLU = ".conllu"
SQUAD = ".json"
# The mark of scores behind labels that look alike.
ALIKE = "labels alike"
# How data sets of TensorFlow and Hugging Face write that a class is not known.
NO_CLASS = "-1"


class Definition(NamedTuple):
    """What a gin file may say of a task.

    Attributes:
        kind: classification, regression, tagging or span_qa.
        files: split to file, seen from here or from the data folder: .tsv, .csv, .jsonl,
            .parquet, .conllu, .json of questions as SQuAD has them, or .conll, .bio,
            .iob, .txt with columns between white space. With `dataset`, split to the name
            that it has there.
        columns: what holds what, by name, or by number, from 0, in files without header:
            text_a, text_b, label; words, tags; question, context, answers, answer_start,
            id; group, what an example belongs to with others ("document"). What is not
            named is in the column of its own name, but for the group: without a column it
            is as `tasks/groups.py` says.
        dataset: `tfds:NAME` or `hf:NAME` instead of files.
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
    files: Content[Mapping[str, str]]
    columns: Subject[Mapping[str, Any] | None] = None
    dataset: Subject[str | None] = None
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
        for message in like_labels(self._label_counts(kept)):
            note(ALIKE, f"{split}: {message}")
        return [found.example for found in kept]

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

    def _label_counts(self, examples: Iterable[ReadExample]) -> Mapping[str, int]:
        """How often every class occurs, of spans every type; of other kinds nothing."""
        if self.definition.labels is None:
            return {}
        # A class may be in another split only.
        counts = Counter(dict.fromkeys(self.definition.labels, 0))
        for example in (one.example for one in examples):
            if isinstance(example, TextExample):
                counts.update([example.label])
            elif isinstance(example, Sentence):
                counts.update(example.tags)
        del counts[""]
        is_tagging = self.definition.kind == "tagging"
        if not is_tagging or not all(map(is_span_tag, counts)):
            return counts
        types = Counter(dict.fromkeys((label[2:] for label in counts), 0))
        for label, count in counts.items():
            # A span begins with one of these.
            types[label[2:]] += count * label.startswith(("B-", "S-"))
        return types

    def _has_target(self, split: str) -> bool:
        """Whether what is to be predicted must be given."""
        return split in (self.definition.train_split, self.definition.eval_split)

    def _checked(self, found: ReadExample, split: str) -> ReadExample:
        """The example, without a label that stands for none; or where what is wrong."""
        task, example = self.definition, found.example
        if task.kind == "span_qa":
            if split != task.train_split:
                return found._replace(problem="")
            if found.repair:
                note(found.repair, f"{found.where}: {found.how}")
            return found._replace(problem=found.misplaced)
        labels = example.tags if task.kind == "tagging" else [example.label]
        is_no_class = (
            task.kind == "classification"
            and labels == [NO_CLASS]
            and NO_CLASS not in task.labels
        )
        if is_no_class or not any(labels):
            if task.kind != "tagging":
                found = found._replace(example=example._replace(label=""))
            return found._replace(problem="no label" if self._has_target(split) else "")
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
        task = self.definition
        if task.dataset:
            records = read_dataset(task.dataset, task.files[name])
            return examples_of(
                task.kind, records, task.columns, with_target, task.scheme
            )
        path = split_files.given(name, task.files[name])
        ending = split_files.extension(path)
        if ending == SQUAD and task.kind == "span_qa":
            return _questions(path)
        if ending in (CONLLU, *COLUMN_FILES):
            if task.kind != "tagging":
                raise ValueError(f"{path}: a file of columns holds a tagging task only")
            return self._of_columns(path, ending == CONLLU, with_target)
        numbers = any(isinstance(c, int) for c in task.columns.values())
        records = read_records(path, header=not numbers)
        return examples_of(task.kind, records, task.columns, with_target, task.scheme)

    def _of_columns(
        self, path: epath.Path, is_conllu: bool, with_target: bool
    ) -> list[ReadExample]:
        file = read_columns(path, is_conllu)
        if GROUP in self.definition.columns:
            raise ValueError(
                f"{path}: a file of columns has no column for {GROUP}; its documents begin "
                "at lines -DOCSTART-, in CoNLL-U # newdoc"
            )
        words, tags = (FORM, UPOS) if is_conllu else (0, -1)
        columns = {"words": words, "tags": tags, **self.definition.columns}
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
        scheme = self.definition.scheme
        return examples_of("tagging", records, {}, with_target, scheme)


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
