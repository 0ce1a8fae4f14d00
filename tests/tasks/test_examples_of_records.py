"""Types and spellings of what records hold: what is read, and what is refused by name."""

import decimal
import json

import pyarrow
import pyarrow.parquet
import pytest
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.records import Record, read_records
from electra_bench.tasks.from_files.examples import examples_of


def read(kind, columns=None, **fields):
    [found] = examples_of(kind, [Record("line 1", fields)], columns or {}, True)
    return found


def ask(answers, **fields):
    given = {"question": "Who?", "context": "The red fox. A fox."} | fields
    return read("span_qa", answers=answers, **given)


@pytest.mark.parametrize(
    "answers",
    [
        [{"text": "fox", "answer_start": 8}],
        [{"text": "fox", "answer_start": "8"}, {"text": "fox", "answer_start": 8.0}],
        {"text": ["fox"], "answer_start": [8]},
        {"text": "fox", "answer_start": 8},
        ["fox"],
        "fox",
        b"fox",
    ],
)
def test_spellings_of_answers(answers):
    found = ask(answers)
    assert set(found.example.answers) == {"fox"} and found.example.span == (8, 11)


@pytest.mark.parametrize("start", [15, "15", 15.0, "15.0", [15]])
def test_spellings_of_places(start):
    assert ask("fox", answer_start=start).example.span == (15, 18)


def test_a_place_that_was_guessed_is_told():
    found = ask("fox")
    assert found.repair == "answer places guessed"
    assert found.how.endswith("its answer 'fox' is taken at the first of 2 places")
    assert not ask("red").repair and not ask("fox", answer_start=15).repair


@pytest.mark.parametrize(
    "nothing", [[], None, "", [None], {"text": [], "answer_start": []}]
)
def test_no_answer(nothing):
    assert ask(nothing).example.is_impossible


@pytest.mark.parametrize("said", [True, "true", 1, "1", 1.0, "1.0", "True"])
def test_answers_of_a_question_without_answer_only_seem_right(said):
    found = ask([{"text": "fox", "answer_start": 8}], is_impossible=said).example
    assert found.is_impossible and found.answers == ()
    for said_of_others in ("false", 0, 0.0, "0.0", None, float("nan")):
        example = ask("fox", is_impossible=said_of_others).example
        assert not example.is_impossible and example.answers == ("fox",)


def test_flags_of_a_column_with_gaps_are_numbers(tmp_path):
    table = pyarrow.table(
        {
            **{"question": ["who?"] * 3, "context": ["a fox ran"] * 3},
            **{"answers": ["fox"] * 3, "is_impossible": [1.0, 0.0, None]},
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    records = read_records(epath.Path(tmp_path / "a.parquet"))
    found = examples_of("span_qa", records, {}, True)
    assert [one.example.is_impossible for one in found] == [True, False, False]


def test_half_a_surrogate_pair_in_labels_of_a_column():
    with run_context.use(notes={}) as context:
        found = read("multi_label", text_a="a", label='["\\ud83d", "b"]')
    assert json.loads(found.example.label) == ["?", "b"]
    assert list(context.notes["characters replaced"]) == [
        "line 1: 1 half surrogate pairs, as '?'"
    ]
    assert (
        "nested too deeply"
        in read("multi_label", text_a="a", label="[" * 10**5).problem
    )


@pytest.mark.parametrize(
    ("answers", "start", "message"),
    [
        (
            [{"text": "fox", "answer_start": 15.5}],
            None,
            "'answers[0].answer_start' is 15.5",
        ),
        ([{"answer": "fox"}], None, "'answers[0]' lacks 'text'"),
        ({"answer": "fox"}, None, "'answers' lacks 'text'"),
        ([["fox"]], None, "'answers[0]' is ['fox'], expected text or an object"),
        (7, None, "'answers' is 7, expected text or an object or a list"),
        ([b"\xff"], None, "'answers' holds bytes that are not UTF-8 (byte 0)"),
        ("fox", "1_5", "'answer_start' is '1_5', expected a whole number or a list"),
        ("fox", "١٥", "'answer_start' is '١٥', expected a whole number or a list"),
        (["fox"], [8, 15], "1 answers, but 2 places in answer_start"),
    ],
)
def test_other_answers_are_refused(answers, start, message):
    found = ask(answers, answer_start=start)
    assert found.example is None and found.problem.startswith(message)


@pytest.mark.parametrize(
    ("label", "written"),
    [(1, "1"), (True, "True"), (b"yes", "yes"), (decimal.Decimal("1.50"), "1.50")]
    + [(float("nan"), ""), (None, "")],
)
def test_spellings_of_labels(label, written):
    assert read("classification", text_a="a", label=label).example.label == written


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("classification", {"said": 7, "label": "x"}, "'said' is 7, expected text"),
        ("classification", {"said": {"a": 1}, "label": "x"}, "'said' is {'a': 1}, exp"),
        ("regression", {"said": "a", "label": [1]}, "'label' is [1], expected true"),
        ("regression", {"said": b"a\xff", "label": 1}, "'said' holds bytes that are"),
        (
            "tagging",
            {"said": ["a", 3], "tags": [0, 1]},
            "'said[1]' is 3, expected text",
        ),
        ("tagging", {"said": ["a"], "tags": [[1]]}, "'tags[0]' is [1], expected"),
    ],
)
def test_other_types_are_refused_by_the_name_of_the_column(kind, fields, message):
    columns = {"words" if kind == "tagging" else "text_a": "said"}
    found = read(kind, columns, **fields)
    assert found.example is None and found.problem.startswith(message)


def test_binary_columns_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    table = {"words": [[b"a", "é".encode()]], "tags": [[0, 1]], "group": [b"p1"]}
    pyarrow.parquet.write_table(pyarrow.table(table), path)
    [found] = examples_of(
        "tagging", read_records(epath.Path(path)), {"group": "group"}, True
    )
    assert found.example.words == ("a", "é") and found.example.tags == ("0", "1")
    assert found.example.group == "p1"


@pytest.mark.parametrize(
    ("kind", "table", "expected"),
    [
        (
            "classification",
            {"text_a": [b"a fine day"], "label": [b"up"], "page": [b"7"]},
            {"text_a": "a fine day", "label": "up", "group": "7"},
        ),
        (
            "span_qa",
            {
                "id": [b"q"],
                "question": [b"who?"],
                "context": ["é the fox".encode()],
                "answers": [[{"text": b"fox", "answer_start": 6}]],
            },
            {"question": "who?", "context": "é the fox", "answers": ("fox",)},
        ),
    ],
)
def test_more_binary_columns_of_parquet(kind, table, expected, tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table(table), path)
    columns = {"group": "page"} if "page" in table else {}
    [found] = examples_of(kind, read_records(epath.Path(path)), columns, True)
    assert not found.problem
    assert {name: getattr(found.example, name) for name in expected} == expected


def test_half_a_surrogate_pair_in_any_field(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"words": ["\\ud800a", "b"], "tags": ["X", "\\uDFFF"]}\n')
    with run_context.use(notes={}) as context:
        [found] = examples_of("tagging", read_records(epath.Path(path)), {}, True)
    assert found.example.words == ("?a", "b") and found.example.tags == ("X", "?")
    [how] = context.notes["characters replaced"]
    assert how == f"{path}, line 2: 2 half surrogate pairs, as '?'"


def test_numbers_of_json(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [{"text_a": "a", "label": 1}, {"text_a": "b", "label": 2.5}]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    found = examples_of("regression", read_records(epath.Path(path)), {}, True)
    assert [x.example.label for x in found] == ["1", "2.5"]
