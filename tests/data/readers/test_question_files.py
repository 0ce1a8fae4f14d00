"""Files of questions: what is read, and what is refused."""

import functools
import json

import pytest

from electra_bench.data import run_context
from electra_bench.data.readers.questions import (
    QuestionSource,
    mrqa_questions,
    squad_questions,
)

CONTEXT = "The red fox sleeps. It dreams."


def question(id="q1", text="fox", start=8, **changes):
    answers = [{"text": text, "answer_start": start}]
    return {"id": id, "question": "Who sleeps?", "answers": answers, **changes}


# Says nothing of questions without answer.
version_1 = functools.partial(squad_questions, unanswerable=False)


def squad(*questions, context=CONTEXT):
    paragraphs = [{"context": context, "qas": list(questions)}]
    return json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]})


def mrqa(**changes):
    detected = [{"text": "red fox", "char_spans": [[4, 10], [99, 105]]}]
    entry = {"qid": "a", "question": "Who?", "answers": ["fox", "red fox"]}
    entry |= {"detected_answers": detected} | changes
    return json.dumps({"context": CONTEXT, "qas": [entry]})


@pytest.fixture
def read(tmp_path):
    """Of so few questions most may be bad."""

    def questions(content, reader=version_1, on_error="raise", split="train"):
        path = tmp_path / "file.json"
        path.write_bytes(content.encode(errors="surrogateescape"))
        source = QuestionSource({split: []}, reader, on_error)
        files = {split: str(path)}
        with run_context.use(files=files, data_dir=None, max_skipped=0.7):
            return source.examples(split)

    return questions


def test_squad(read):
    impossible = question("q2", is_impossible=True, answers=[])
    content = squad(question(is_impossible=False), impossible)
    found = read(content, squad_questions)
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
    assert found.span == (4, 11)


EMOJI = "😀 Ann met Bob. 😀 Bob met Ann."
THAI = "กรุงเทพเป็นเมืองหลวงของไทย"


@pytest.mark.parametrize(
    ("context", "text", "start", "span"),
    [
        # UTF-16 counts an emoji twice; of two places that tells which one.
        (EMOJI, "Ann", 3, (2, 5)),
        (EMOJI, "Bob", 19, (17, 20)),
        (EMOJI, "Ann.", 0, (25, 29)),
        (THAI, "เมืองหลวง", 0, (11, 20)),
        ("東京都に住む人。", "住む", 0, (4, 6)),
        ("MKVLAAGIVGLC", "GIV", 400, (6, 9)),
        ("MKVLAAGIVGLC", "giv", -1, (6, 9)),
        # In the words that it is said to be in it stands once.
        ("Of 1895 (1895-1943).", "1895", 8, (9, 13)),
    ],
)
def test_a_wrong_place_is_put_right_where_the_right_one_is_clear(
    read, context, text, start, span
):
    content = squad(question(text=text, start=start), context=context)
    with run_context.use(notes={}) as found:
        [moved] = read(content)
    assert moved.span == span
    [how] = found.notes["answers moved"]
    assert how.endswith(
        f"file.json: question 'q1': its answer {text!r} is at character {span[0]}, not "
        f"{start}"
    )
    # Only training needs the place.
    with run_context.use(notes={}) as found:
        read(content, split="dev")
    assert not found.notes


@pytest.mark.parametrize(
    ("context", "wrong", "message"),
    [
        (
            "東京と東京都",
            {"text": "東京", "start": 1},
            "not at character 1.*'京と'.* 2 other",
        ),
        ("ACACA", {"text": "ACA", "start": 1}, "not at character 1.*'CAC'.* 2 other"),
        ("A fox, a fox.", {"start": 400}, "not at character 400.*'' there, but at 2"),
        (CONTEXT, {"text": "wolf"}, "its answer 'wolf' is not in the context"),
        (CONTEXT, {"text": " "}, "its answer ' ' is blank"),
    ],
)
def test_an_answer_must_be_where_it_is_said_to_be(read, context, wrong, message):
    good = {"context": CONTEXT, "qas": [question("q2")]}
    bad = {"context": context, "qas": [question(**wrong)]}
    content = json.dumps({"data": [{"paragraphs": [bad, good]}]})
    with pytest.raises(ValueError, match=rf"file\.json: question 'q1': .*{message}"):
        read(content)
    assert [q.id for q in read(content, on_error="skip")] == ["q2"]
    # Only training needs the place.
    assert [q.span for q in read(content, split="dev")] == [None, (8, 11)]


def test_an_answer_that_no_context_has_is_noted_where_it_is_scored(read):
    either = [{"text": text, "answer_start": 0} for text in ("wolf", "RED  fox")]
    entries = [
        question("q1", text="wolf"),
        question("q2", answers=either),
        question("q3", text=" "),
        question("q4", start=400),
        question("q5", answers=[]),
    ]
    with run_context.use(notes={}) as found:
        assert len(read(squad(*entries), split="dev")) == 5
    said = [
        how.partition("file.json: ")[2] for how in found.notes["answers not in context"]
    ]
    assert said == [
        "question 'q1': its answer 'wolf' is not in the context",
        "question 'q3': its answer ' ' is not in the context",
    ]
    two = [{"text": text, "answer_start": 0} for text in ("wolf", "hen")]
    entry = json.loads(mrqa())["qas"][0] | {"answers": ["wolf", "hen"]}
    line = json.dumps({"context": CONTEXT, "qas": [entry]})
    for content, reader in (
        (squad(question(answers=two)), version_1),
        (line, mrqa_questions),
    ):
        with run_context.use(notes={}) as found:
            read(content, reader, split="dev")
        [how] = found.notes["answers not in context"]
        assert how.endswith(": none of its answers is in the context")


def test_training_needs_an_answer(read):
    unanswered = [{"id": "q2", "question": "Why?"}, question("q3", answers=[])]
    content = squad(question(), *unanswered)
    with pytest.raises(ValueError, match=r"question 'q2' has no answer to train on"):
        read(content)
    assert [q.id for q in read(content, on_error="skip")] == ["q1"]
    # What a server scores has none.
    assert [q.answers for q in read(content, split="dev")] == [("fox",), (), ()]


def test_lines_end_at_line_feeds_only(read):
    context = "The red fox.\u2028It\u0085sleeps."
    line = json.dumps(json.loads(mrqa()) | {"context": context}, ensure_ascii=False)
    [found] = read(f"{line}\r\n\r\n", mrqa_questions)
    assert found.context == context


def test_files_of_the_other_version_of_squad_are_refused(read):
    impossible = question("q2", is_impossible=True, answers=[])
    with pytest.raises(ValueError, match=r"question 'q2' 'is_impossible'.*SQuAD 1.1"):
        read(squad(question(is_impossible=False), impossible), on_error="skip")
    assert len(read(squad(question(is_impossible=False)))) == 1
    with pytest.raises(ValueError, match=r"no question says.*SQuAD 2.0"):
        read(squad(question()), squad_questions, "skip")


def test_what_cannot_be_read_is_left_out_only_if_the_run_says_so(read):
    content = f"{mrqa()}\n{mrqa(qid='b')[:-9]}\n{mrqa(qid='c', question=7)}\n"
    with pytest.raises(ValueError, match="line 2: expected one JSON object a line"):
        read(content, mrqa_questions, "skip")
    with run_context.use(on_error="skip", skipped={}) as context:
        assert [q.id for q in read(content, mrqa_questions)] == ["a"]
    cut_off, number = context.skipped
    assert "file.json: line 2: expected one JSON object a line" in cut_off
    assert "line 3: question 'c': 'question' is 7, expected text" in number
    with (
        run_context.use(on_error="skip", skipped={}),
        pytest.raises(ValueError, match="no question can be used; .* line 1: lacks"),
    ):
        read(squad(question()), mrqa_questions)


@pytest.mark.parametrize("reader", [version_1, mrqa_questions])
def test_half_a_surrogate_pair_is_read_as_in_texts(read, reader):
    context = "The \ud83d fox \ude00 sleeps."
    if reader is version_1:
        content = squad(question(text="fox", start=6), context=context)
    else:
        detected = [{"text": "fox", "char_spans": [[6, 8]]}]
        content = mrqa(detected_answers=detected)
        content = json.dumps(json.loads(content) | {"context": context})
    with run_context.use(notes={}) as found:
        [one] = read(content, reader)
    assert one.context == "The ? fox ? sleeps." and one.span == (6, 9)
    [how] = found.notes["characters replaced"]
    assert "file.json" in how and how.endswith(": 2 half surrogate pairs, as '?'")


def test_an_id_of_another_file_of_the_split_is_there_twice(tmp_path):
    for name, found in (("a", question()), ("b", question("q2")), ("c", question())):
        (tmp_path / f"{name}.json").write_text(squad(found))
    source = QuestionSource({"dev": []}, version_1, "raise")
    with run_context.use(data_dir=str(tmp_path), files={"dev": "[ab].json"}):
        assert [q.id for q in source.examples("dev")] == ["q1", "q2"]
        both = source.data_sha256("dev")
    with run_context.use(data_dir=str(tmp_path), files={"dev": ["*.json"]}):
        assert source.data_sha256("dev") != both
        with pytest.raises(ValueError, match=r"c.json: question 'q1' is there twice"):
            source.examples("dev")


def test_no_id_twice(read):
    content = squad(question(), question())
    with pytest.raises(ValueError, match=r"file\.json: question 'q1' is there twice"):
        read(content)
    assert len(read(content, on_error="skip", split="dev")) == 1


def test_every_question_that_is_there_again_is_counted(tmp_path):
    (tmp_path / "a.json").write_text(squad(*[question()] * 3, question("q2")))
    source = QuestionSource({"dev": ["a.json"]}, version_1, "raise")
    with run_context.use(
        data_dir=str(tmp_path), on_error="skip", max_skipped=0.5
    ) as context:
        assert [q.id for q in source.examples("dev")] == ["q1", "q2"]
        assert [message.partition("json: ")[2] for message in context.skipped] == [
            "question 'q1' is there twice",
            "question 'q1' is there twice (2)",
        ]


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"


@pytest.mark.parametrize(
    ("content", "reader", "message"),
    [
        (squad(question())[:-9], version_1, "line 1, character 180: no JSON"),
        ("[1]", version_1, "one JSON object with 'data'"),
        ('{"data": ' + "[" * 100_000, version_1, "no JSON: nested too deeply"),
        ("[" * 100_000, mrqa_questions, "line 1: .*: nested too deeply"),
        ('{"data": []}', version_1, "no questions"),
        ("  \n", version_1, "empty file"),
        (LFS, version_1, "pointer of Git LFS"),
        (squad({"id": "a", "answers": []}), version_1, "'a' lacks 'question'"),
        (squad({"question": "Who?"}), version_1, "question 1 lacks 'id'"),
        (squad(question(start="8?")), version_1, "start' is '8\\?', expected a whole"),
        (squad(question(start=15.5)), version_1, "'q1': .*answer_start' is 15.5"),
        (squad(question(start=True)), version_1, "answer_start' is True, expected"),
        (squad(question(start="1_5")), version_1, "answer_start' is '1_5', expected"),
        (squad(question(text=None)), version_1, "text' is None, expected text"),
        (squad(question(is_impossible="no")), version_1, "is_impossible' is 'no', exp"),
        (squad(question(is_impossible=[])), version_1, "expected true or false"),
        (squad(question(answers="fox")), version_1, "'q1': 'answers' is 'fox'"),
        (
            squad(question(answers=[3])),
            version_1,
            r"'q1': 'answers\[0\]' is 3, expected an object",
        ),
        ('{"data": null}', version_1, "expected one JSON object with 'data'"),
        ('{"data": ["x"]}', version_1, "expected one JSON object with 'data'"),
        (squad("x"), version_1, r"qas\[0\]' is 'x', expected an object; expected one"),
        (squad(question(), context=7), version_1, "context' is 7, expected text; exp"),
        (f"{mrqa()}\n{mrqa()}", version_1, "line 2, .*: Extra data; expected one"),
        (mrqa(detected_answers=[{"text": "a"}]), mrqa_questions, "lacks 'char_spans'"),
        (
            mrqa(answers=["fox", 3]),
            mrqa_questions,
            r"line 1: question 'a': 'answers\[1\]' is 3",
        ),
        (json.dumps({"a": 1}, indent=1), mrqa_questions, "line 1: expected one JSON"),
        (f"{mrqa()}\n{{}}\n", mrqa_questions, "line 2: lacks 'context'; expected 'con"),
        (squad(question()), mrqa_questions, "line 1: lacks 'context'; expected 'con"),
    ],
)
def test_other_files_are_refused(read, content, reader, message):
    with pytest.raises(ValueError, match=rf"file\.json.*{message}"):
        read(content, reader)


def test_a_line_with_a_stray_byte_can_be_skipped(read):
    content = f"{mrqa()}\n{mrqa(qid='b')}\n".replace("red", "\udcff", 1)
    with pytest.raises(ValueError, match="file.json: line 1: not UTF-8 at byte"):
        read(content, mrqa_questions, "skip")
    with run_context.use(on_error="skip", skipped={}) as context:
        assert [q.id for q in read(content, mrqa_questions)] == ["b"]
    assert len(context.skipped) == 1
