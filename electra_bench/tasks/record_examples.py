"""From records of named fields to texts, sentences and questions, by the kind of task."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.data.column_files import Sentence, bioes, is_span_tag
from electra_bench.data.question_files import Question, located
from electra_bench.data.record_files import Record
from electra_bench.data.table_files import Row


class Fields(NamedTuple):
    """What a kind reads.

    Attributes:
        inputs: fields that are always needed.
        target: what is to be predicted; needed where it is trained on or scored.
        further: fields that are taken if they are there.
    """

    inputs: tuple[str, ...]
    target: str
    further: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every field."""
        return (*self.inputs, self.target, *self.further)


FIELDS = {
    "classification": Fields(("text_a",), "label", ("text_b",)),
    "regression": Fields(("text_a",), "label", ("text_b",)),
    "tagging": Fields(("words",), "tags"),
    "span_qa": Fields(("question", "context"), "answers", ("answer_start", "id")),
}

Columns = Mapping[str, str | int]


class Example(NamedTuple):
    """What a record holds.

    Attributes:
        where: names file and line, or row, in messages.
        item: for classification and regression a Row, for tagging a Sentence, for span_qa
            a Question.
        problem: why it cannot be trained on; empty if it can.
    """

    where: str
    item: Row | Sentence | Question
    problem: str = ""


def columns_of(
    kind: str, columns: Columns, record: Record, with_target: bool
) -> Columns:
    """Which column of a file holds what.

    Args:
        kind: of the task.
        columns: what was said; what is not in it is in the column of its own name.
        record: any of the file.
        with_target: whether what is to be predicted must be there.

    Raises:
        ValueError: a column that is needed is not there.
    """
    fields = FIELDS[kind]
    found = {}
    for field in fields.all:
        column = columns.get(field, field)
        if column in record.fields:
            found[field] = column
        elif field in fields.inputs or (with_target and field == fields.target):
            names = [str(name) for name in record.fields if isinstance(name, str)]
            raise ValueError(
                f"{record.where}: no column {column!r} for {field}; columns: {names}"
            )
    return found


def text_rows(records: Iterable[Record], columns: Columns) -> list[Example]:
    """Texts with their labels as they are written; empty without one."""
    return [
        Example(
            record.where,
            Row(
                idx,
                *(_string(record, columns, f) for f in ("text_a", "text_b", "label")),
            ),
        )
        for idx, record in enumerate(records)
    ]


def sentences(records: Iterable[Record], columns: Columns) -> list[Example]:
    """Words with their tags: lists, or strings with white space between.

    Tags of spans are re-encoded in BIOES; without any they are empty.

    Raises:
        ValueError: another number of tags than of words, or no words.
    """
    found = []
    for number, record in enumerate(records):
        words = _strings(record, columns, "words")
        tags = (
            _strings(record, columns, "tags")
            if "tags" in columns
            else [""] * len(words)
        )
        if not words or len(words) != len(tags):
            raise ValueError(
                f"{record.where}: got {len(words)} words and {len(tags)} tags, expected "
                "one tag for every word"
            )
        found.append(
            Example(record.where, Sentence(number, tuple(words), _encoded(tags)))
        )
    return found


def _encoded(tags: Sequence[str]) -> tuple[str, ...]:
    return bioes(tags) if all(map(is_span_tag, tags)) else tuple(tags)


def questions(records: Iterable[Record], columns: Columns) -> list[Example]:
    """Questions with their answers.

    `answers` is a string, a list of strings, or as SQuAD has them in Hugging Face's
    library, `{"text": [...], "answer_start": [...]}`; without any the context holds no
    answer. Without `answer_start` the answer is looked for in the context.
    """
    found = []
    for number, record in enumerate(records):
        context = _string(record, columns, "context")
        answers, starts = _answers(record, columns)
        start = starts[0] if starts else context.find(answers[0]) if answers else None
        entry = {
            "question": _string(record, columns, "question"),
            "is_impossible": not answers,
        }
        id = _string(record, columns, "id") or str(number)
        question, problem = located(
            id, entry, context, answers, answers[0] if answers else "", start
        )
        found.append(Example(record.where, question, problem))
    return found


def _answers(record: Record, columns: Columns) -> tuple[list[str], list[int]]:
    given = record.fields.get(columns.get("answers"))
    starts = record.fields.get(columns.get("answer_start"))
    if isinstance(given, Mapping):
        given, starts = given.get("text"), given.get("answer_start")
    texts = [given] if isinstance(given, str) else _list(given)
    texts = [str(text) for text in texts if text]
    try:
        return texts, [int(start) for start in _list(starts)]
    except ValueError:
        raise ValueError(
            f"{record.where}: answer_start {starts!r} is no whole number"
        ) from None


def _list(value: Any) -> list:
    if not np.isscalar(value):
        return [] if value is None else list(value)
    is_missing = value == "" or value != value  # Parquet's missing values are NaN
    return [] if is_missing else [value]


def _string(record: Record, columns: Columns, field: str) -> str:
    return "".join(map(str, _list(record.fields.get(columns.get(field)))))


def _strings(record: Record, columns: Columns, field: str) -> list[str]:
    value = record.fields[columns[field]]
    return value.split() if isinstance(value, str) else [str(v) for v in _list(value)]


READERS = {
    "classification": text_rows,
    "regression": text_rows,
    "tagging": sentences,
    "span_qa": questions,
}
