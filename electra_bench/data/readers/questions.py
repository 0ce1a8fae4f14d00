"""Files of questions about contexts, SQuAD's and MRQA's, as a seqio source."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.answer_places import NOWHERE, Located, located, nowhere
from electra_bench.data.readers.answer_text import covering_words
from electra_bench.data.readers.bad_rows import BadRows, OnError, note, replaced_in
from electra_bench.data.readers.labelled_source import LabelledSource, Question
from electra_bench.data.readers.records import json_records
from electra_bench.data.readers.schema import checked
from electra_bench.data.text.json_lines import json_value
from electra_bench.system.file_hashes import data_sha256

# Questions; for a part of the file that cannot be read what is wrong with it.
ReadQuestions = Iterator[Located | str]

SQUAD_SHAPE = (
    "expected one JSON object with 'data', articles of 'paragraphs', each with 'context' "
    "and 'qas', as SQuAD has it"
)
MRQA_SHAPE = "expected 'context' and 'qas', as MRQA has them"


class _Paragraph(msgspec.Struct):
    """A context; its questions are checked one by one."""

    context: str
    qas: list[dict[str, Any]]


class _Article(msgspec.Struct):
    paragraphs: list[_Paragraph]
    title: Any = None

    @property
    def name(self) -> str:
        """Its title; empty if it has none."""
        return self.title if isinstance(self.title, str) else ""


class _Articles(msgspec.Struct):
    data: list[_Article]


class Answers(NamedTuple):
    """The answers to a question.

    Attributes:
        texts: all right ones.
        trained_on: one of them; None if there is none.
        start: its first character; None if the data do not say.
    """

    texts: tuple[str, ...]
    trained_on: str | None = None
    start: int | None = None


class _SquadAnswer(msgspec.Struct):
    text: str
    answer_start: int


class _SquadQuestion(msgspec.Struct):
    ID: ClassVar[str] = "id"

    id: str | int
    question: str
    answers: list[_SquadAnswer] | None = None
    is_impossible: bool | None = None

    def right(self) -> Answers:
        """The first answer is trained on."""
        given = self.answers or []
        texts = tuple(answer.text for answer in given)
        return Answers(texts, *((texts[0], given[0].answer_start) if given else ()))


class _Detected(msgspec.Struct):
    """An answer, and first and last character of each of its places."""

    text: str
    char_spans: Annotated[list[tuple[int, int]], msgspec.Meta(min_length=1)]


class _MrqaQuestion(msgspec.Struct):
    ID: ClassVar[str] = "qid"

    id: str | int = msgspec.field(name=ID)
    question: str
    answers: list[str] | None = None
    detected_answers: list[_Detected] | None = None
    is_impossible: bool | None = None

    def right(self) -> Answers:
        """The first place of the first detected answer is trained on."""
        texts = tuple(self.answers or ())
        if not self.detected_answers:
            return Answers(texts)
        first = self.detected_answers[0]
        return Answers(texts, first.text, first.char_spans[0][0])


def squad_questions(
    path: epath.Path, unanswerable: bool | None = True
) -> ReadQuestions:
    """Reads SQuAD 1.1 or 2.0: one JSON object with `data`.

    The first answer is the one that is trained on.

    Args:
        path: the file.
        unanswerable: whether questions may have no answer, as in 2.0; None takes files
            of both versions.

    Raises:
        ValueError: not such a file, or one of the other version.
    """
    text = split_files.read_text(path)
    try:
        articles = checked(json_value(text, replaced_in(str(path))), _Articles).data
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, character {error.colno}: no JSON: {error.msg}; "
            f"{SQUAD_SHAPE}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{error}; {SQUAD_SHAPE}") from None
    entries = [
        (article.name, paragraph.context, entry)
        for article in articles
        for paragraph in article.paragraphs
        for entry in paragraph.qas
    ]
    says = {"is_impossible" in entry for *_, entry in entries if entry.get("answers")}
    if unanswerable and says == {False}:
        raise ValueError(
            "no question says whether it 'is_impossible', expected a file of SQuAD 2.0; is "
            "this one of 1.1?"
        )
    for number, (title, context, entry) in enumerate(entries, start=1):
        found = _read(entry, _SquadQuestion, number, context, title)
        if unanswerable is not False or isinstance(found, str):
            yield found
            continue
        if found.question.is_impossible:
            raise ValueError(
                f"question {found.question.id!r} 'is_impossible', expected a file of SQuAD "
                "1.1; is this one of 2.0?"
            )
        yield found


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
            if problem:
                raise ValueError(problem)
            paragraph = checked(fields, _Paragraph)
        except ValueError as error:
            yield f"{line}: {problem or f'{error}; {MRQA_SHAPE}'}"
            continue
        for number, entry in enumerate(paragraph.qas, start=1):
            found = _read(entry, _MrqaQuestion, number, paragraph.context)
            yield f"{line}: {found}" if isinstance(found, str) else found


def _read(
    entry: Mapping[str, Any],
    schema: type[_SquadQuestion] | type[_MrqaQuestion],
    number: int,
    context: str,
    group: str = "",
) -> Located | str:
    """A question of a file, see `ReadQuestions`.

    Args:
        entry: as the file has it.
        schema: what it should be.
        number: of the entry, from 1; names it if it has no id.
        context: where the answer stands.
        group: see `Question`.
    """
    id = entry.get(schema.ID)
    name = (
        f"question {str(id)!r}" if isinstance(id, (str, int)) else f"question {number}"
    )
    try:
        read = checked(entry, schema)
    except ValueError as error:
        message = str(error)
        return (
            f"{name} {message}" if message.startswith("lacks") else f"{name}: {message}"
        )
    right, is_impossible = read.right(), bool(read.is_impossible)
    given = () if is_impossible else right.texts
    question = Question(
        str(read.id), read.question, context, given, None, is_impossible, group
    )
    return located(question, right.trained_on, right.start)


def _in_words(context: str, start: int, end: int) -> bool:
    """Whether an answer is in its words, of which a no-break space is a part.

    Source: google-research/electra finetune/qa/qa_tasks.py, `_add_examples`.
    """
    wanted = " ".join(context[start:end].split()).lower()
    return wanted in covering_words(context, start, end).lower()


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
                to be, see `located`. Lines and questions that cannot be read stop unless
                the run skips.
        """
        self._files = dict(files)
        self._read = read
        self._on_error = on_error
        super().__init__(splits=list(files))

    def data_sha256(self, split: str) -> str:
        """Hash of the split's files, see `fingerprints.data_sha256`."""
        return data_sha256([*map(str, split_files.find(split, self._files[split]))])

    def examples(self, split: str) -> list[Question]:
        """All questions of a split.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad file or question; names file and line or id.
        """
        found: dict[str, Question] = {}
        for path in split_files.find(split, self._files[split]):
            try:
                found |= self._checked(path, split.startswith("train"), found)
            except ValueError as error:
                text = str(error)
                named = text if text.startswith(str(path)) else f"{path}: {text}"
                raise ValueError(named) from error
        return list(found.values())

    def _checked(
        self, path: epath.Path, is_trained_on: bool, earlier: Mapping[str, Question]
    ) -> dict[str, Question]:
        """The questions of a file by their ids, which no earlier file may have."""
        found: dict[str, Question] = {}
        first_problem, bad = "", BadRows(self._on_error)
        for read in self._read(path):
            if isinstance(read, str):
                bad.add(f"{path}: {read}", "raise")
                first_problem = first_problem or read
                continue
            question, problem, repair, how = read
            if question.id in found or question.id in earlier:
                problem = f"question {question.id!r} is there twice"
            elif not is_trained_on:
                problem = ""
            elif question.span is None and not question.is_impossible and not problem:
                problem = f"question {question.id!r} has no answer to train on"
            elif question.span and not _in_words(question.context, *question.span):
                problem = (
                    f"question {question.id!r}: its answer has white space that separates "
                    "no words of the context; the original leaves it out"
                )
            if problem:
                bad.add(f"{path}: {problem}")
                first_problem = first_problem or problem
                continue
            found[question.id] = question
            if is_trained_on and repair:
                note(repair, f"{path}: {how}")
            elif not is_trained_on and (why := nowhere(question)):
                note(NOWHERE, f"{path}: {why}")
        if first_problem and not found:
            raise ValueError(
                f"no question can be used; the first problem: {first_problem}"
            )
        if not found:
            raise ValueError("no questions")
        bad.check(str(path), len(found))
        return found
