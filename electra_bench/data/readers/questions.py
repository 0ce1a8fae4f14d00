"""Files of questions about contexts, SQuAD's and MRQA's, as a seqio source."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.answer_text import covering_words
from electra_bench.data.readers.bad_rows import OnError, bad_row
from electra_bench.data.readers.labelled_source import LabelledSource, Question
from electra_bench.data.readers.records import json_records
from electra_bench.data.text.json_lines import json_value
from electra_bench.system.file_hashes import file_sha256

# Questions, each with what is wrong with the place of its answer, if anything; None, with
# what is wrong, for a part of the file that cannot be read.
ReadQuestions = Iterator[tuple[Question | None, str]]

SQUAD_SHAPE = (
    "expected one JSON object with 'data', articles of 'paragraphs', each with 'context' "
    "and 'qas', as SQuAD has it"
)
MRQA_SHAPE = "expected 'context' and 'qas', as MRQA has them"


def squad_questions(path: epath.Path, unanswerable: bool = True) -> ReadQuestions:
    """Reads SQuAD 1.1 or 2.0: one JSON object with `data`.

    The first answer is the one that is trained on.

    Args:
        path: the file.
        unanswerable: whether questions may have no answer, as in 2.0.

    Raises:
        ValueError: not such a file, or one of the other version.
    """
    text = split_files.read_text(path)
    try:
        articles = json_value(text)["data"]
        pairs = [
            (_title(article), _text(paragraph, "context"), entry)
            for article in articles
            for paragraph in article["paragraphs"]
            for entry in paragraph["qas"]
        ]
        says = {"is_impossible" in entry for *_, entry in pairs if entry.get("answers")}
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, character {error.colno}: no JSON: {error.msg}; "
            f"{SQUAD_SHAPE}"
        ) from error
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(SQUAD_SHAPE) from None
    if unanswerable and says == {False}:
        raise ValueError(
            "no question says whether it 'is_impossible', expected a file of SQuAD 2.0; is "
            "this one of 1.1?"
        )
    for number, (title, context, entry) in enumerate(pairs, start=1):
        if entry.get("is_impossible") and not unanswerable:
            raise ValueError(
                f"question {entry.get('id')!r} 'is_impossible', expected a file of SQuAD "
                "1.1; is this one of 2.0?"
            )
        question, problem = _entry(entry, "id", number, context, _squad_answers)
        yield question and question._replace(group=title), problem


def _title(article: Mapping[str, Any]) -> str:
    """Of an article; empty if it has none."""
    title = article.get("title")
    return title if isinstance(title, str) else ""


def _squad_answers(entry: Mapping[str, Any]) -> tuple[list[str], str, int | None]:
    """All answers, the one that is trained on, and its first character."""
    given = _list(entry, "answers")
    texts = [_text(answer, "text") for answer in given]
    if not given:
        return [], "", None
    return texts, texts[0], _whole(given[0]["answer_start"])


def mrqa_questions(path: epath.Path) -> ReadQuestions:
    """Reads MRQA 2019: a JSON object a line, after one with a `header`.

    The first place of the first detected answer is the one that is trained on.
    """
    file = f"{path}, "
    for where, fields, problem, *_ in json_records(path):
        line = where.removeprefix(file)
        if "header" in fields:
            continue
        try:
            context, entries = _text(fields, "context"), _list(fields, "qas")
        except (KeyError, ValueError):
            yield None, f"{line}: {problem or MRQA_SHAPE}"
            continue
        for i, entry in enumerate(entries, start=1):
            question, problem = _entry(entry, "qid", i, context, _mrqa_answers)
            place = "" if question else f"{line}: "
            yield question, place + problem


def _mrqa_answers(entry: Mapping[str, Any]) -> tuple[list[str], str, int | None]:
    """All answers, the one that is trained on, and its first character."""
    texts = _list(entry, "answers")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"'answers' are {texts!r}, expected texts")
    found = _list(entry, "detected_answers")
    if not found:
        return texts, "", None
    start = _whole(found[0]["char_spans"][0][0])
    return texts, _text(found[0], "text"), start


def _entry(
    entry: Mapping[str, Any],
    id_field: str,
    number: int,
    context: str,
    answers_of: Callable[[Mapping[str, Any]], tuple[list[str], str, int | None]],
) -> tuple[Question | None, str]:
    """A question of a file, see `ReadQuestions`.

    Args:
        entry: as the file has it.
        id_field: what the id is called.
        number: of the entry, from 1; names it if it has no id.
        context: where the answer stands.
        answers_of: reads the answers.
    """
    name = f"question {number}"
    try:
        id = entry[id_field]
        # Some have numbers for ids.
        id = str(id) if isinstance(id, int) else _text(entry, id_field)
        name = f"question {id!r}"
        text, is_impossible = _text(entry, "question"), bool(entry.get("is_impossible"))
        answers, answer, start = answers_of(entry)
        given = () if is_impossible else tuple(answers)
        question = Question(id, text, context, given, None, is_impossible)
        return located(question, answer, start)
    except KeyError as error:
        return None, f"{name} lacks {error}"
    except (TypeError, IndexError, AttributeError):
        return None, f"{name}: {json.dumps(entry)[:200]} is not of the expected shape"
    except ValueError as error:
        return None, f"{name}: {error}"


def _text(fields: Mapping[str, Any], name: str) -> str:
    if not isinstance(fields[name], str):
        raise ValueError(f"{name!r} is {fields[name]!r}, expected text")
    return fields[name]


def _list(fields: Mapping[str, Any], name: str) -> list:
    value = fields.get(name) or []
    if not isinstance(value, list):
        raise ValueError(f"{name!r} is {value!r}, expected a list")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError(f"an answer begins at {value!r}, expected a whole number")
    return value


def located(question: Question, answer: str, start: int | None) -> tuple[Question, str]:
    """A question with its span, or with what is wrong with the place of its answer.

    Args:
        question: without a span.
        answer: the one that is trained on.
        start: its first character in the context; None without an answer.
    """
    id, context = question.id, question.context
    if question.is_impossible or start is None:
        return question, ""
    end = start + len(answer)
    # White space and case may differ, and whole words be longer.
    wanted = " ".join(answer.split()).lower()
    is_inside = start >= 0 and end <= len(context)
    if is_inside and wanted in covering_words(context, start, end).lower():
        return question._replace(span=(start, end)), ""
    if wanted not in " ".join(context.split()).lower():
        return question, f"question {id!r}: its answer {answer!r} is not in the context"
    return question, (
        f"question {id!r}: its answer {answer!r} is not at character {start} of the "
        f"context, which has {context[max(start, 0) : max(end, 0)]!r} there"
    )


class QuestionSource(LabelledSource):
    """A task's splits as files of questions, read when a dataset is built."""

    def __init__(
        self,
        files: Mapping[str, Sequence[str]],
        read: Callable[[epath.Path], ReadQuestions],
        on_error: OnError,
    ):
        """Describes the files; reads nothing.

        Args:
            files: split to the paths, below the data folder, under which it may lie.
            read: `squad_questions` or `mrqa_questions`.
            on_error: "raise" stops at a bad question, "skip" leaves it out, see
                `bad_row`: one whose id was there before, or, in a split whose name
                begins with "train", one whose answer is not given or not where it is said
                to be. Lines and questions that cannot be read stop unless the run skips.
        """
        self._files = dict(files)
        self._read = read
        self._on_error = on_error
        super().__init__(splits=list(files))

    def data_sha256(self, split: str) -> str:
        """Hash of the split's file, see `fingerprints.data_sha256`."""
        return file_sha256(str(split_files.find(split, self._files[split])))

    def examples(self, split: str) -> list[Question]:
        """All questions of a split.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad file or question; names file and line or id.
        """
        path = split_files.find(split, self._files[split])
        try:
            return self._checked(path, split.startswith("train"))
        except ValueError as error:
            text = str(error)
            named = text if text.startswith(str(path)) else f"{path}: {text}"
            raise ValueError(named) from error

    def _checked(self, path: epath.Path, is_trained_on: bool) -> list[Question]:
        found: dict[str, Question] = {}
        first_problem = ""
        for question, problem in self._read(path):
            if question is None:
                bad_row(f"{path}: {problem}", "raise")
            elif question.id in found:
                problem = f"question {question.id!r} is there twice"
            elif not is_trained_on:
                problem = ""
            elif question.span is None and not question.is_impossible and not problem:
                problem = f"question {question.id!r} has no answer to train on"
            if question and problem:
                bad_row(f"{path}: {problem}", self._on_error)
            elif question:
                found[question.id] = question
            first_problem = first_problem or problem
        if first_problem and not found:
            raise ValueError(
                f"no question can be used; the first problem: {first_problem}"
            )
        if not found:
            raise ValueError("no questions")
        return list(found.values())
