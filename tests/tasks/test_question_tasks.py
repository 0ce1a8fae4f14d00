"""Tasks without code whose files are SQuAD's, and that other tasks' runs answer."""

import json

import gin
import pytest

from electra_bench import registry
from electra_bench.tasks.from_files.registration import declare, register
from electra_bench.tasks.from_files.source import Definition, FileTaskSource

CONTEXT = "Die Panthers liessen nur 308 Punkte zu."
ANSWER = {"text": "308", "answer_start": 25}


def squad(*entries, title="Super_Bowl_50"):
    paragraph = {"context": CONTEXT, "qas": list(entries)}
    return json.dumps({"data": [{"title": title, "paragraphs": [paragraph]}]})


def question(id="a", **fields):
    return {"id": id, "question": "Wie viele?", "answers": [ANSWER], **fields}


def source(path, **fields):
    files = {"train": str(path), "dev": str(path)}
    return FileTaskSource(Definition(kind="span_qa", files=files, **fields))


@pytest.mark.parametrize(
    ("entries", "answered"),
    [
        # Of XQuAD and SQuAD 1.1, of 2.0, and of both in a file.
        ([question()], [True]),
        ([question(is_impossible=False), question("b", is_impossible=True)], [1, 0]),
        ([question(), question("b", answers=[], is_impossible="true")], [1, 0]),
    ],
)
def test_questions_are_those_of_squad(tmp_path, entries, answered):
    (tmp_path / "de.json").write_text(squad(*entries))
    found = source(tmp_path / "de.json").examples("dev")
    assert [bool(one.answers) for one in found] == answered
    assert (found[0].id, found[0].answers, found[0].span) == ("a", ("308",), (25, 28))
    assert found[0].group == "Super_Bowl_50"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "no rows"),
        ('{"data": 3}', "'data' is 3, expected a list"),
        (squad(question(), question()), "id 'a' is there twice"),
        (squad(question(answers=[{"text": "308"}])), "lacks 'answer_start'"),
    ],
)
def test_other_files_are_refused(tmp_path, content, expected):
    (tmp_path / "de.json").write_text(content)
    with pytest.raises(ValueError) as error:
        source(tmp_path / "de.json").examples("dev")
    assert expected in str(error.value) and "de.json" in str(error.value)


def registered(name, **fields):
    declare(name)
    for field, value in fields.items():
        gin.bind_parameter(f"tasks.{name}.{field}", value)
    register(name)
    return registry.tasks.get(name)


def test_a_task_that_runs_of_another_answer(tmp_path):
    (tmp_path / "de.json").write_text(squad(question()))
    files = {"dev": str(tmp_path / "de.json")}
    card = registered("xq_de", kind="span_qa", files=files, trained_on="squadv1")
    assert (card.trained_on, card.kind, card.main_metric) == (
        "squadv1",
        "span_qa",
        "exact",
    )
    # Labels are those of the other task, whatever stands in the file.
    (tmp_path / "one.tsv").write_text("text_a\tlabel\nA day.\t1\n")
    one = {"kind": "classification", "files": {"dev": str(tmp_path / "one.tsv")}}
    assert registered("cola_de", **one, trained_on="cola").labels == ("0", "1")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"trained_on": "cola"}, "is of kind 'classification', this task is of 'span_"),
        ({"trained_on": "squadv1", "train": True}, "no split to train on, but 'train'"),
        ({}, "no file for the split 'train'"),
    ],
)
def test_tasks_that_cannot_be(tmp_path, fields, expected):
    (tmp_path / "de.json").write_text(squad(question()))
    files = dict.fromkeys(
        ["dev", *(["train"] if fields.pop("train", 0) else [])],
        str(tmp_path / "de.json"),
    )
    with pytest.raises(ValueError, match=expected):
        registered("xq_bad", kind="span_qa", files=files, **fields)
