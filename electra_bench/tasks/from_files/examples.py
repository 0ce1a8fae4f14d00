"""From records of named fields to texts, sentences and questions, by the kind of task."""

import decimal
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from electra_bench.data.readers.answer_places import located
from electra_bench.data.readers.bad_rows import replaced_in
from electra_bench.data.readers.cells import words_of
from electra_bench.data.readers.columns import contradiction
from electra_bench.data.readers.labelled_source import (
    GROUP,
    Question,
    Sentence,
    TextExample,
    written_labels,
)
from electra_bench.data.readers.records import Record
from electra_bench.data.readers.schema import checked
from electra_bench.data.readers.tag_schemes import NO_SPANS, ReadTags, read_tags
from electra_bench.data.text.json_lines import json_value


class KindFields(NamedTuple):
    """What a kind reads.

    Attributes:
        inputs: fields that are always needed.
        target: what is to be predicted; needed where it is trained on or scored.
        further: fields that are taken if they are there; a group only if it is named.
    """

    inputs: tuple[str, ...]
    target: str
    further: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every field."""
        return (*self.inputs, self.target, *self.further)


FIELDS = {
    "classification": KindFields(("text_a",), "label", ("text_b", GROUP)),
    "multi_label": KindFields(("text_a",), "label", ("text_b", GROUP)),
    "regression": KindFields(("text_a",), "label", ("text_b", GROUP)),
    "tagging": KindFields(("words",), "tags", (GROUP,)),
    "span_qa": KindFields(
        ("question", "context"),
        "answers",
        ("answer_start", "is_impossible", "id", GROUP),
    ),
}

# What holds what; the label of `multi_label` may be in several, see `Definition.columns`.
Columns = Mapping[str, Any]


# How true and false are written.
_FLAGS = {
    "0": False,
    "0.0": False,
    "false": False,
    "1": True,
    "1.0": True,
    "true": True,
}


class ReadExample(NamedTuple):
    """What a record holds.

    Attributes:
        where: names file and line, or row, in messages.
        example: for classification and regression a TextExample, for tagging a Sentence,
            for span_qa a Question; None if the record holds none.
        problem: why it cannot be used; empty if it can.
        misplaced: why it cannot be trained on: its answer is not where it should be.
        repair: what was put right to train on it, see `Located`; `how`: of the repair.
        places: where every word of a sentence stands, if each has a line of its own.
        mended: where tags contradict others, to how they are written and read.
    """

    where: str
    example: TextExample | Sentence | Question | None
    problem: str = ""
    misplaced: str = ""
    repair: str = ""
    how: str = ""
    places: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


def examples_of(
    kind: str,
    records: Sequence[Record],
    columns: Columns,
    with_target: bool,
    *,
    scheme: str | None = None,
    label_sep: str = ",",
    first: int = 0,
) -> list[ReadExample]:
    """An example a record; what is wrong with one stands in it.

    Args:
        kind: of the task.
        records: of a file.
        columns: which column holds what; what is not said is in the column of its own
            name, if there is one.
        with_target: whether what is to be predicted must be there.
        scheme: of tags, see `read_tags`; None finds it.
        label_sep: what separates the labels of a text in a column.
        first: number of the first record, where other files come before.

    Raises:
        ValueError: no record has a column that is needed or was named.
    """
    fields, records = FIELDS[kind], _with_nested(records, columns)
    needed = [*fields.inputs, *([fields.target] if with_target else [])]
    known = dict.fromkeys(name for record in records for name in record.fields)
    if not known:
        return [ReadExample(r.where, None, r.problem) for r in records]
    classes = columns.get("label")
    if isinstance(classes, (list, tuple)):
        # From here on they are one column, which is there if they all are.
        column = ", ".join(classes)
        columns = {**columns, "label": column}
        if known.keys() >= set(classes):
            known[column] = None
            records = [_with_label(record, classes, column) for record in records]
    found = {}
    for field in fields.all:
        if field == GROUP and field not in columns:
            # A column of this name may mean anything.
            continue
        column = columns.get(field, field)
        if column in known:
            found[field] = column
        elif field in needed or (field in columns and field != fields.target):
            names = [name for name in known if isinstance(name, str)]
            raise ValueError(
                f"{records[0].where}: no column {column!r} for {field}; columns: "
                f"{names}"
            )
    made = [
        _example(kind, number, record, found, needed, label_sep)
        for number, record in enumerate(records, first)
    ]
    return _with_spans(made, scheme) if kind == "tagging" else made


def _with_nested(records: Sequence[Record], columns: Columns) -> Sequence[Record]:
    """Records with what columns such as `review.text` name in objects and lists.

    A field that is called so goes first; a number is that of an item, from 0.
    """
    named = [
        c
        for x in columns.values()
        for c in (x if isinstance(x, (list, tuple)) else [x])
    ]
    nested = [c for c in named if isinstance(c, str) and "." in c]
    if not nested:
        return records
    found = []
    for record in records:
        inner = {c: _inner(record.fields, c.split(".")) for c in nested}
        there = {c: value for c, value in inner.items() if value is not _NOTHING}
        found.append(record._replace(fields={**there, **record.fields}))
    return found


_NOTHING = object()


def _inner(value: Any, path: Sequence[str]) -> Any:
    """What stands at a path in a value, or `_NOTHING`."""
    for name in path:
        if isinstance(value, (list, tuple)) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else _NOTHING
        else:
            is_object = isinstance(value, Mapping)
            value = value.get(name, _NOTHING) if is_object else _NOTHING
    return value


# What stands in such a column where the labels are not known.
_UNKNOWN = ("none", "-1", "-1.0")


def _with_label(record: Record, classes: Sequence[str], column: str) -> Record:
    """A record whose columns of 0 and 1, one a class, are a list of labels in another.

    It is None where none of the columns says anything.
    """
    try:
        given = {name: _plain(record.fields.get(name), name) for name in classes}
    except ValueError as error:
        return record._replace(problem=record.problem or str(error))
    written = {name: str(value).lower() for name, value in given.items()}
    label = None
    if not {*written.values()} <= {*_UNKNOWN}:
        odd = [name for name in classes if written[name] not in _FLAGS]
        if odd:
            problem = f"{odd[0]!r} is {given[odd[0]]!r}, expected 0 or 1"
            return record._replace(problem=record.problem or problem)
        label = [name for name in classes if _FLAGS[written[name]]]
    return record._replace(fields={**record.fields, column: label})


def _with_spans(made: Sequence[ReadExample], scheme: str | None) -> list[ReadExample]:
    """The sentences of a file, with tags of spans in BIOES."""
    sentences = [m.example for m in made if isinstance(m.example, Sentence)]
    found = read_tags([sentence.tags for sentence in sentences], scheme)
    tagged = zip(sentences, found.sentences, strict=True)
    return [
        _with_tags(one, *next(tagged), found.scheme) if one.example else one
        for one in made
    ]


def _with_tags(
    one: ReadExample, sentence: Sentence, read: ReadTags, scheme: str
) -> ReadExample:
    """A sentence with tags as they are read, or the first one that is not known."""
    written, places = sentence.tags, one.places or [one.where] * len(sentence.tags)
    if read.odd:
        first = read.odd[0]
        problem = (
            f"unknown label {written[first]!r}, other tags are in {scheme}; mend it, or "
            f"bind scheme = {NO_SPANS!r} if tags mark no spans"
        )
        return one._replace(where=places[first], problem=problem)
    mended = (
        contradiction(places[i], written[i], read.tags[i], scheme) for i in read.mended
    )
    return one._replace(example=sentence._replace(tags=read.tags), mended=tuple(mended))


def _example(
    kind: str,
    number: int,
    record: Record,
    columns: Columns,
    needed: Sequence[str],
    label_sep: str,
) -> ReadExample:
    problem = record.problem
    for field in needed:
        if not problem and columns[field] not in record.fields:
            there = sorted(map(str, record.fields))
            problem = f"no {columns[field]!r}; there are {there}"
    if problem:
        return ReadExample(record.where, None, problem)
    given = {name: record.fields.get(column) for name, column in columns.items()}
    try:
        given = {name: _plain(value, columns[name]) for name, value in given.items()}
        if kind == "multi_label":
            label = given.get("label")
            given["label"] = _names(label, label_sep, replaced_in(record.where))
        return _MAKERS[kind](number, record, given, columns)
    except ValueError as error:
        return ReadExample(record.where, None, str(error))


def _names(value: Any, separator: str, replaced: Callable[[int], None]) -> Any:
    """The labels of a text as a list; None where nothing is said.

    Args:
        value: as it stands there.
        separator: what is between names.
        replaced: see `json_value`.

    Raises:
        ValueError: a text that begins as a list of JSON, and is none.
    """
    if not isinstance(value, str):
        return value if value is None or isinstance(value, list) else [value]
    if not value.lstrip().startswith("["):
        return [name.strip() for name in value.split(separator)]
    try:
        return json_value(value, replaced)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"label {value!r} is no JSON list ({error.msg}); expected one such as "
            f'["a", "b"], or names with {separator!r} between'
        ) from error


def _plain(value: Any, column: str | int) -> Any:
    """A value as JSON has it, or None where it stands for a missing one.

    Raises:
        ValueError: bytes that are no text.
    """
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{column!r} holds bytes that are not UTF-8 (byte {error.start})"
            ) from error
    if isinstance(value, Mapping):
        return {name: _plain(part, column) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part, column) for part in value]
    if isinstance(value, decimal.Decimal):
        return str(value)
    is_missing = isinstance(value, (str, float)) and (value == "" or value != value)
    return None if is_missing else value


# Names and labels; those of classes may be numbers.
_Scalar = str | int | float | bool


class _TextRow(msgspec.Struct):
    text_a: str | None = None
    text_b: str | None = None
    label: _Scalar | None = None
    group: _Scalar | None = None


class _LabelledText(msgspec.Struct):
    text_a: str | None = None
    text_b: str | None = None
    label: list[_Scalar] | None = None
    group: _Scalar | None = None


class _TaggedWords(msgspec.Struct):
    words: list[str] | str | None = None
    tags: list[str | int | bool | None] | str | None = None
    group: _Scalar | None = None


class _Answer(msgspec.Struct):
    text: str
    answer_start: int | None = None


class _Answers(msgspec.Struct):
    text: list[str] | str | None
    answer_start: list[int | None] | int | None = None


class _QuestionRow(msgspec.Struct):
    question: str | None = None
    context: str | None = None
    answers: list[_Answer | str | None] | _Answers | str | None = None
    answer_start: list[int | None] | int | None = None
    is_impossible: bool | None = None
    id: _Scalar | None = None
    group: _Scalar | None = None


def _written(value: _Scalar | None) -> str:
    return "" if value is None else str(value)


def _text_row(
    number: int, record: Record, given: Mapping[str, Any], names: Columns
) -> ReadExample:
    """Texts with their label as it is written; empty without one."""
    row = checked(given, _TextRow, names)
    group, label = _written(row.group), _written(row.label)
    example = TextExample(
        number, row.text_a or "", row.text_b or "", label, group=group
    )
    return ReadExample(record.where, example)


def _labelled_text(
    number: int, record: Record, given: Mapping[str, Any], names: Columns
) -> ReadExample:
    """Texts with any number of labels, see `written_labels`; empty if nothing is said."""
    row = checked(given, _LabelledText, names)
    label = "" if row.label is None else written_labels(map(_written, row.label))
    texts = row.text_a or "", row.text_b or ""
    example = TextExample(number, *texts, label, group=_written(row.group))
    return ReadExample(record.where, example)


def _sentence(
    number: int, record: Record, given: Mapping[str, Any], names: Columns
) -> ReadExample:
    """Words with their tags: lists, or strings with blanks between.

    Tags are as they are written; without any they are empty.
    """
    row = checked(given, _TaggedWords, names)
    words, tags = (
        [_written(item) for item in (words_of(x) if isinstance(x, str) else x or ())]
        for x in (row.words, row.tags)
    )
    tags = tags or [""] * len(words)
    if not words or len(words) != len(tags):
        raise ValueError(
            f"got {len(words)} words and {len(tags)} tags, expected one tag for every word"
        )
    if any(tags) and not all(tags):
        raise ValueError(f"word {tags.index('') + 1} has no tag, but others have")
    group = record.group or _written(row.group)
    sentence = Sentence(number, tuple(words), tuple(tags), group=group)
    return ReadExample(record.where, sentence, places=record.places)


def _question(
    number: int, record: Record, given: Mapping[str, Any], names: Columns
) -> ReadExample:
    """A question with its answers.

    `answers` is a string, a list of strings or of `{"text": ..., "answer_start": ...}`, or
    as SQuAD has them in Hugging Face's library, `{"text": [...], "answer_start": [...]}`;
    without any, or where `is_impossible` says so, the context holds no answer. Without
    `answer_start` the answer is looked for in the context.
    """
    # In a column with gaps true is 1.0.
    said = given.get("is_impossible")
    flag = _FLAGS.get(str(said).lower(), said)
    row = checked({**given, "is_impossible": flag}, _QuestionRow, names)
    # Those of a question without answer only seem right.
    answers = [] if row.is_impossible else _answers(row)
    text, start = answers[0] if answers else (None, None)
    texts = tuple(answer for answer, _ in answers)
    question = Question(
        _written(row.id) or str(number),
        row.question or "",
        row.context or "",
        texts,
        None,
        not answers,
        _written(row.group),
    )
    question, misplaced, repair, how = located(question, text, start)
    return ReadExample(record.where, question, "", misplaced, repair, how)


def _answers(row: _QuestionRow) -> list[tuple[str, int | None]]:
    """Every answer and where it begins, if that is said."""
    given: Any = row.answers
    starts = row.answer_start
    if isinstance(given, _Answers):
        given, starts = given.text, given.answer_start
    items = given if isinstance(given, list) else [given] if given else []
    places = starts if isinstance(starts, list) else [starts] * (starts is not None)
    if places and len(places) != len(items):
        raise ValueError(
            f"{len(items)} answers, but {len(places)} places in answer_start"
        )
    pairs = [
        (item.text, item.answer_start) if isinstance(item, _Answer) else (item, place)
        for item, place in zip(items, places or [None] * len(items), strict=True)
    ]
    return [(text, place) for text, place in pairs if text]


_MAKERS = {
    "classification": _text_row,
    "multi_label": _labelled_text,
    "regression": _text_row,
    "tagging": _sentence,
    "span_qa": _question,
}
