"""From records of named fields to texts, sentences and questions, by the kind of task."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.data.readers.answer_places import located
from electra_bench.data.readers.columns import bioes, is_span_tag
from electra_bench.data.readers.labelled_source import (
    GROUP,
    Question,
    Sentence,
    TextExample,
)
from electra_bench.data.readers.records import Record


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
    "regression": KindFields(("text_a",), "label", ("text_b", GROUP)),
    "tagging": KindFields(("words",), "tags", (GROUP,)),
    "span_qa": KindFields(
        ("question", "context"), "answers", ("answer_start", "id", GROUP)
    ),
}

Columns = Mapping[str, str | int]


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
    """

    where: str
    example: TextExample | Sentence | Question | None
    problem: str = ""
    misplaced: str = ""
    repair: str = ""
    how: str = ""
    places: tuple[str, ...] = ()


def examples_of(
    kind: str, records: Sequence[Record], columns: Columns, with_target: bool
) -> list[ReadExample]:
    """An example a record; what is wrong with one stands in it.

    Args:
        kind: of the task.
        records: of a file.
        columns: which column holds what; what is not said is in the column of its own
            name, if there is one.
        with_target: whether what is to be predicted must be there.

    Raises:
        ValueError: no record has a column that is needed or was named.
    """
    fields = FIELDS[kind]
    needed = [*fields.inputs, *([fields.target] if with_target else [])]
    known = dict.fromkeys(name for record in records for name in record.fields)
    if not known:
        return [ReadExample(r.where, None, r.problem) for r in records]
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
    return [
        _example(kind, number, record, found, needed)
        for number, record in enumerate(records)
    ]


def _example(
    kind: str, number: int, record: Record, columns: Columns, needed: Sequence[str]
) -> ReadExample:
    problem = record.problem
    for field in needed:
        if not problem and columns[field] not in record.fields:
            there = sorted(map(str, record.fields))
            problem = f"no {columns[field]!r}; there are {there}"
    if problem:
        return ReadExample(record.where, None, problem)
    try:
        return _MAKERS[kind](number, record, columns)
    except ValueError as error:
        return ReadExample(record.where, None, str(error))


def _text_row(number: int, record: Record, columns: Columns) -> ReadExample:
    """Texts with their label as it is written; empty without one."""
    fields = ("text_a", "text_b", "label", GROUP)
    *texts, label, group = (_string(record, columns, field) for field in fields)
    example = TextExample(number, texts[0], texts[1], label, group=group)
    return ReadExample(record.where, example)


def _sentence(number: int, record: Record, columns: Columns) -> ReadExample:
    """Words with their tags: lists, or strings with white space between.

    Tags of spans are re-encoded in BIOES; without any they are empty.
    """
    words = _strings(record, columns, "words")
    tags = _strings(record, columns, "tags") or [""] * len(words)
    if not words or len(words) != len(tags):
        raise ValueError(
            f"got {len(words)} words and {len(tags)} tags, expected one tag for every word"
        )
    if any(tags) and not all(tags):
        raise ValueError(f"word {tags.index('') + 1} has no tag, but others have")
    encoded = bioes(tags) if all(map(is_span_tag, tags)) else tuple(tags)
    group = record.group or _string(record, columns, GROUP)
    sentence = Sentence(number, tuple(words), encoded, group=group)
    return ReadExample(record.where, sentence, places=record.places)


def _question(number: int, record: Record, columns: Columns) -> ReadExample:
    """A question with its answers.

    `answers` is a string, a list of strings, or as SQuAD has them in Hugging Face's
    library, `{"text": [...], "answer_start": [...]}`; without any the context holds no
    answer. Without `answer_start` the answer is looked for in the context.
    """
    context = _string(record, columns, "context")
    answers = _answers(record, columns)
    text, start = answers[0] if answers else (None, None)
    asked = _string(record, columns, "question")
    id = _string(record, columns, "id") or str(number)
    texts = tuple(answer for answer, _ in answers)
    group = _string(record, columns, GROUP)
    question = Question(id, asked, context, texts, None, not answers, group)
    question, misplaced, repair, how = located(question, text, start)
    return ReadExample(record.where, question, "", misplaced, repair, how)


def _answers(record: Record, columns: Columns) -> list[tuple[str, int | None]]:
    """Every answer and where it begins, if that is said."""
    given = _value(record, columns, "answers")
    starts = _value(record, columns, "answer_start")
    if isinstance(given, Mapping):
        given, starts = given.get("text"), given.get("answer_start")
    texts = _list(given)
    places: list = _list(starts) or [None] * len(texts)
    if len(places) != len(texts):
        raise ValueError(
            f"{len(texts)} answers, but {len(places)} places in answer_start"
        )
    try:
        numbers = [None if place is None else int(place) for place in places]
    except ValueError:
        raise ValueError(f"answer_start {starts!r} is no whole number") from None
    pairs = zip(map(str, texts), numbers, strict=True)
    return [pair for pair in pairs if pair[0]]


def _value(record: Record, columns: Columns, field: str) -> Any:
    return record.fields.get(columns.get(field))


def _list(value: Any) -> list:
    if not np.isscalar(value):
        return [] if value is None else list(value)
    is_missing = value == "" or value != value  # NaN stands for a missing value
    return [] if is_missing else [value]


def _string(record: Record, columns: Columns, field: str) -> str:
    value = _value(record, columns, field)
    if value is not None and not np.isscalar(value):
        raise ValueError(
            f"{columns[field]!r} holds {type(value).__name__}, expected text"
        )
    return "".join(map(str, _list(value)))


def _strings(record: Record, columns: Columns, field: str) -> list[str]:
    value = _value(record, columns, field)
    return value.split() if isinstance(value, str) else [str(v) for v in _list(value)]


_MAKERS = {
    "classification": _text_row,
    "regression": _text_row,
    "tagging": _sentence,
    "span_qa": _question,
}
