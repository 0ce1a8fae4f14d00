"""Files of questions: what is read, and what is refused."""

import json

import pytest

from electra_bench.data import run_context
from electra_bench.data.question_files import (
    QuestionSource,
    mrqa_questions,
    squad_questions,
)

CONTEXT = "The red fox sleeps. It dreams."


def question(id="q1", text="fox", start=8, **changes):
    answers = [{"text": text, "answer_start": start}]
    return {"id": id, "question": "Who sleeps?", "answers": answers, **changes}


def squad(*questions):
    paragraphs = [{"context": CONTEXT, "qas": list(questions)}]
    return json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]})


def mrqa(**changes):
    detected = [{"text": "red fox", "char_spans": [[4, 10], [99, 105]]}]
    entry = {"qid": "a", "question": "Who?", "answers": ["fox", "red fox"]}
    entry |= {"detected_answers": detected} | changes
    return json.dumps({"context": CONTEXT, "qas": [entry]})


@pytest.fixture
def read(tmp_path):
    def questions(content, reader=squad_questions, on_error="raise", split="train"):
        path = tmp_path / "file.json"
        path.write_text(content, encoding="utf-8")
        source = QuestionSource("some_task", {split: []}, reader, on_error)
        with run_context.use(files={split: str(path)}, data_dir=None):
            return source.questions(split)

    return questions


def test_squad(read):
    found = read(squad(question(), question("q2", is_impossible=True, answers=[])))
    first, second = found
    assert (first.id, first.answers, first.span) == ("q1", ("fox",), (8, 11))
    assert not first.is_impossible and first.context == CONTEXT
    assert second.is_impossible and second.answers == () and second.span is None


def test_mrqa_takes_the_first_place_of_the_first_detected_answer(read):
    header = json.dumps({"header": {"dataset": "x"}})
    [found] = read(f"{header}\n{mrqa()}\n", mrqa_questions)
    assert found.span == (4, 11) and found.answers == ("fox", "red fox")


def test_answers_may_differ_in_case_and_white_space(read):
    [found] = read(squad(question(text="RED  Fox", start=4)))
    assert found.span == (4, 12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": 12}, r"question 'q1'.*'fox' is not at character 12.*'sle'"),
        ({"start": 400}, r"question 'q1'.*is not at character 400"),
    ],
)
def test_an_answer_must_be_where_it_is_said_to_be(read, wrong, message):
    content = squad(question(**wrong), question("q2"))
    with pytest.raises(ValueError, match=rf"file\.json: {message}"):
        read(content)
    assert [q.id for q in read(content, on_error="skip")] == ["q2"]
    # Only training needs the place.
    assert [q.span for q in read(content, split="dev")] == [None, (8, 11)]


def test_no_id_twice(read):
    content = squad(question(), question())
    with pytest.raises(ValueError, match=r"file\.json: question 'q1' is there twice"):
        read(content)
    assert len(read(content, on_error="skip", split="dev")) == 1


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"


@pytest.mark.parametrize(
    ("content", "reader", "message"),
    [
        (squad(question())[:-9], squad_questions, "line 1: no JSON"),
        ("[1]", squad_questions, "a JSON object with 'data'"),
        ('{"data": []}', squad_questions, "no questions"),
        ("  \n", squad_questions, "empty file"),
        (LFS, squad_questions, "pointer of Git LFS"),
        (squad({"id": "a", "answers": []}), squad_questions, "lacks 'question'"),
        (json.dumps({"a": 1}, indent=1), mrqa_questions, "line 1: expected one JSON"),
        (f"{mrqa()}\n{{}}\n", mrqa_questions, "line 2: expected 'context' and 'qas'"),
        (squad(question()), mrqa_questions, "line 1: expected 'context' and 'qas'"),
    ],
)
def test_other_files_are_refused(read, content, reader, message):
    with pytest.raises(ValueError, match=rf"file\.json.*{message}"):
        read(content, reader)
