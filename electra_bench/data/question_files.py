"""Files of questions about contexts, SQuAD's and MRQA's, as a seqio source."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from etils import epath

from electra_bench.data import locate
from electra_bench.data.answer_text import covering_words
from electra_bench.data.bad_rows import OnError, bad_row
from electra_bench.data.file_hashes import file_sha256
from electra_bench.data.whole_file_source import WholeFileSource, dense, ragged


class Question(NamedTuple):
    """One question.

    Attributes:
        id: as the file has it.
        question: its text.
        context: where the answer stands.
        answers: all right answers; empty if there is none, or if they are not given.
        span: first character of the answer that is trained on, and the one after its
            last; None without one.
        is_impossible: whether the context holds no answer.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    span: tuple[int, int] | None
    is_impossible: bool


# Questions, each with what is wrong with the place of its answer, if anything.
Found = Iterator[tuple[Question, str]]


def squad_questions(text: str) -> Found:
    """Reads SQuAD 1.1 or 2.0: one JSON object with `data`.

    The first answer is the one that is trained on.

    Raises:
        ValueError: not such a file.
    """
    try:
        articles = json.loads(text)["data"]
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: no JSON: {error.msg}") from error
    except (KeyError, TypeError):
        raise ValueError(
            "expected a JSON object with 'data', as SQuAD has it"
        ) from None
    for article in articles:
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            for entry in paragraph["qas"]:
                given = entry.get("answers", [])
                start = given[0]["answer_start"] if given else None
                yield located(
                    entry["id"],
                    entry,
                    context,
                    [answer["text"] for answer in given],
                    given[0]["text"] if given else "",
                    start,
                )


def mrqa_questions(text: str) -> Found:
    """Reads MRQA 2019: a JSON object a line, after one with a `header`.

    The first place of the first detected answer is the one that is trained on.

    Raises:
        ValueError: not such a file; names the line.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            paragraph = json.loads(line)
            if "header" in paragraph:
                continue
            context, entries = paragraph["context"], paragraph["qas"]
        except json.JSONDecodeError as error:
            raise ValueError(
                f"line {number}: expected one JSON object a line: {error.msg}"
            ) from error
        except (KeyError, TypeError):
            raise ValueError(
                f"line {number}: expected 'context' and 'qas', as MRQA has them"
            ) from None
        for entry in entries:
            found = entry.get("detected_answers")
            start = found[0]["char_spans"][0][0] if found else None
            answer = found[0]["text"] if found else ""
            yield located(
                entry["qid"], entry, context, entry.get("answers", []), answer, start
            )


def located(
    id: str,
    entry: Mapping[str, Any],
    context: str,
    answers: Sequence[str],
    answer: str,
    start: int | None,
) -> tuple[Question, str]:
    """A question, and what is wrong with the place of its answer, if anything.

    Args:
        id: of the question.
        entry: has `question` and perhaps `is_impossible`.
        context: where the answer stands.
        answers: all right ones.
        answer: the one that is trained on.
        start: its first character in the context; None without an answer.
    """
    is_impossible = bool(entry.get("is_impossible", False))
    question = Question(
        id,
        entry["question"],
        context,
        () if is_impossible else tuple(answers),
        None,
        is_impossible,
    )
    if is_impossible or start is None:
        return question, ""
    end = start + len(answer)
    if start >= 0 and end <= len(context):
        # White space and case may differ, and whole words be longer.
        words = covering_words(context, start, end).lower()
        if " ".join(answer.split()).lower() in words:
            return question._replace(span=(start, end)), ""
    return question, (
        f"question {id!r}: its answer {answer!r} is not at character {start} of the "
        f"context, which has {context[max(start, 0) : max(end, 0)]!r} there"
    )


class QuestionSource(WholeFileSource):
    """A task's splits as files of questions, read when a dataset is built.

    Examples: `idx` int32; `id`, `question`, `context` strings; `answers` strings
    [answers]; `answer_start` and `answer_end` int32 [1], of the answer that is trained
    on, or [0]; `is_impossible` int32.
    """

    def __init__(
        self,
        task: str,
        files: Mapping[str, Sequence[str]],
        read: Callable[[str], Found],
        on_error: OnError,
    ):
        """Describes the files; reads nothing.

        Args:
            task: name of the task, for messages.
            files: split to the paths, below the data folder, under which it may lie.
            read: `squad_questions` or `mrqa_questions`.
            on_error: "raise" stops at a bad question, "skip" leaves it out, see
                `bad_row`: one whose id was there before, or, in a split whose name
                begins with "train", one whose answer is not where it is said to be.
        """
        self._task = task
        self._files = dict(files)
        self._read = read
        self._on_error = on_error
        super().__init__(splits=list(files))

    def data_sha256(self, split: str) -> str:
        """Hash of the split's file, see `fingerprints.data_sha256`."""
        return file_sha256(str(locate.find(split, self._files[split])))

    def questions(self, split: str) -> list[Question]:
        """All questions of a split.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad file or question; names file and line or id.
        """
        path = locate.find(split, self._files[split])
        try:
            return self._checked(path, split.startswith("train"))
        except ValueError as error:
            text = str(error)
            named = text if text.startswith(str(path)) else f"{path}: {text}"
            raise ValueError(named) from error
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"{path}: a question lacks {error}") from error

    def _checked(self, path: epath.Path, is_trained_on: bool) -> list[Question]:
        found: dict[str, Question] = {}
        for question, problem in self._read(locate.read_text(path)):
            if question.id in found:
                problem = f"question {question.id!r} is there twice"
            elif not is_trained_on:
                problem = ""
            if not problem:
                found[question.id] = question
                continue
            bad_row(f"{path}: {problem}", self._on_error)
        if not found:
            raise ValueError("no questions")
        return list(found.values())

    def rows(self, split: str) -> tf.data.Dataset:
        """See `WholeFileSource`."""
        return question_dataset(self.questions(split))


def question_dataset(questions: Sequence[Question]) -> tf.data.Dataset:
    """Questions as examples, see `QuestionSource`."""
    # A context has several questions; it is kept once.
    contexts = list(dict.fromkeys(question.context for question in questions))
    number = {context: i for i, context in enumerate(contexts)}
    table = tf.constant(contexts)
    places = [[] if q.span is None else [q.span] for q in questions]
    rows = {
        "idx": tf.range(len(questions)),
        "id": tf.constant([q.id for q in questions]),
        "question": tf.constant([q.question for q in questions]),
        "context": tf.constant([number[q.context] for q in questions]),
        "answers": ragged([q.answers for q in questions], tf.string),
        "answer_start": ragged([[a for a, _ in p] for p in places], tf.int32),
        "answer_end": ragged([[b for _, b in p] for p in places], tf.int32),
        "is_impossible": tf.constant([int(q.is_impossible) for q in questions]),
    }
    return tf.data.Dataset.from_tensor_slices(rows).map(
        lambda row: {**dense(row), "context": tf.gather(table, row["context"])}
    )
