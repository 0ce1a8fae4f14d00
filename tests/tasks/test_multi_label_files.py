"""Texts with any number of labels: how files write them, and what is made of them."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from file_tasks import registered

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.data import run_context
from electra_bench.data.readers.labelled_source import read_labels
from electra_bench.records import Prediction
from electra_bench.reports.collect.predictions import Answers
from electra_bench.reports.statistics.example_groups import by_class
from electra_bench.tasks.majority_baseline import common_labels, trivial_score
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import one_answer
from electra_bench.tasks.scores import Scored

LISTS = [["joy", "love"], [], ["anger"], ["joy"]]
CLASSES = ("anger", "joy", "love")
JSON_LINES = """\
{"text_a": "a", "label": ["love", "joy", "love"]}
{"text_a": "b", "label": []}
{"text_a": "c", "label": "anger"}
{"text_a": "d", "label": ["joy"]}
"""
WRITTEN = {
    "lists": ("a.jsonl", JSON_LINES, []),
    "commas": ("a.tsv", "text_a\tlabel\na\tjoy, love\nb\t[]\nc\tanger\nd\tjoy\n", []),
    "another separator": (
        "a.csv",
        "text_a,label\na,love|joy\nb,[]\nc,anger\nd,joy\n",
        ["label_sep = '|'"],
    ),
    "lists in a column": (
        "a.csv",
        'text_a,label\na,"[""joy"", ""love""]"\nb,[]\nc,anger\nd,joy\n',
        [],
    ),
    "a column of 0 and 1 a class": (
        "a.csv",
        "text_a,anger,joy,love\na,0,1,1\nb,0,0,0\nc,1,0,0\nd,0,1,0\n",
        ["columns = {'label': ['anger', 'joy', 'love']}"],
    ),
    "fields of true and false": (
        "a.jsonl",
        "".join(
            json.dumps({"text_a": text, "of": {c: c in held for c in CLASSES}}) + "\n"
            for text, held in zip("abcd", LISTS, strict=True)
        ),
        ["columns = {'label': ['of.anger', 'of.joy', 'of.love']}"],
    ),
}


def lines_of(name, *bound):
    return [
        "tasks.moods.kind = 'multi_label'",
        f"tasks.moods.files = {{'train': {name!r}, 'dev': {name!r}}}",
        *(f"tasks.moods.{binding}" for binding in bound),
    ]


@pytest.fixture
def moods(tmp_path):
    """The task of a file that is written somehow."""

    def made(name, content, *bound):
        (tmp_path / name).write_text(content)
        return registered(lines_of(name, *bound), tmp_path)

    with run_context.use(data_dir=str(tmp_path), notes={}, skipped={}):
        yield made


@pytest.mark.parametrize("case", WRITTEN)
def test_labels_are_lists_or_stand_between_separators(case, moods):
    name, content, bound = WRITTEN[case]
    source = moods(name, content, *bound)
    found = [read_labels(x.label) for x in source.examples("dev")]
    assert [[y.removeprefix("of.") for y in x] for x in found] == LISTS
    assert tuple(y.removeprefix("of.") for y in source.definition.labels) == CLASSES
    assert source.definition.metric == "micro_f1"
    # Always joy: two of three answers that are asked for, of four that are given.
    assert source.definition.floor == pytest.approx(100 * 2 * 2 / (4 + 4))


def test_labels_become_0_and_1_and_names_again(moods, vocab_file):
    from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

    moods("a.jsonl", JSON_LINES)
    task = load_task("moods")
    with run_context.use(vocabulary=WordPieceVocabulary(str(vocab_file))):
        rows = list(task.get_dataset(None, "train", shuffle=False).as_numpy_iterator())
    assert [row["labels"].tolist() for row in rows] == [
        [0, 1, 1],
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
    ]
    decode = task.postprocess_fn
    assert [decode(row["labels"], example=row, is_target=True) for row in rows] == LISTS
    assert decode([0, 1, 1]) == ["joy", "love"]
    assert decode(np.zeros(0), is_target=True) is None


def test_a_split_to_predict_needs_no_labels(moods, tmp_path):
    (tmp_path / "test.jsonl").write_text(
        '{"text_a": "a"}\n{"text_a": "b", "label": []}\n'
    )
    (tmp_path / "a.jsonl").write_text(JSON_LINES)
    lines = lines_of("a.jsonl")
    files = {"train": "a.jsonl", "dev": "a.jsonl", "test": "test.jsonl"}
    lines[1] = f"tasks.moods.files = {files!r}"
    found = registered(lines, tmp_path).examples("test")
    assert [x.label for x in found] == ["", "[]"]


BAD = {
    "no label": (
        ("a.csv", "text_a,label\na,joy\nb,\nc,love\n"),
        [],
        "line 3: no label; [] says none",
    ),
    "an unknown label among others": (
        ("a.csv", 'text_a,label\na,"joy,lov"\n'),
        ["labels = ('joy', 'love')"],
        "line 2: unknown label 'lov'; near: ['love']",
    ),
    "a list of Python": (
        ("a.csv", "text_a,label\na,['joy']\n"),
        [],
        'expected one such as ["a", "b"], or names with \',\' between',
    ),
    "an object": (
        ("a.jsonl", '{"text_a": "a", "label": [{"name": "joy"}]}\n'),
        [],
        "'label[0]' is {'name': 'joy'}, expected",
    ),
    "one label only": (
        ("a.csv", "text_a,label\na,joy\nb,[]\n"),
        [],
        "the training set has only the label 'joy'",
    ),
    "neither 0 nor 1": (
        ("a.csv", "text_a,joy,love\na,0,1\nb,-1,1\n"),
        ["columns = {'label': ['joy', 'love']}"],
        "line 3: 'joy' is '-1', expected 0 or 1",
    ),
    "a number in some columns only": (
        ("a.csv", "text_a,joy,love\na,0,1\nb,,1\n"),
        ["columns = {'label': ['joy', 'love']}"],
        "line 3: 'joy' is None, expected 0 or 1",
    ),
    "no number in any column": (
        ("a.csv", "text_a,joy,love\na,0,1\nb,-1,-1\n"),
        ["columns = {'label': ['joy', 'love']}"],
        "line 3: no label in 'joy', 'love', expected 0 or 1",
    ),
    "a class without its column": (
        ("a.csv", "text_a,joy,love\na,0,1\n"),
        ["columns = {'label': ['joy', 'lov']}"],
        "line 2: no column 'joy, lov' for label; columns: ['text_a', 'joy', 'love']",
    ),
    "one column as a list": (
        ("a.csv", "text_a,joy\na,0\n"),
        ["columns = {'label': ['joy']}"],
        "columns: 'label' is ['joy'], expected the name or number of a column; only",
    ),
    "several columns of another field": (
        ("a.csv", "text_a,joy\na,0\n"),
        ["columns = {'text_a': ('text_a', 'joy')}"],
        "columns: 'text_a' is ('text_a', 'joy'), expected the name or number of a column",
    ),
    "a separator of nothing": (
        ("a.csv", "text_a,label\na,b\n"),
        ["label_sep = ''"],
        "label_sep = '' of a multi_label task; expected what stands between labels",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_other_labels_are_refused(case, moods):
    (name, content), bound, expected = BAD[case]
    with pytest.raises(ValueError) as caught:
        moods(name, content, *bound)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "id,text_a\n1,a\n2,b\n",
        "text_a,joy,love\na,-1,-1\nb,-1,-1\n",
        "text_a,joy,love\na,,\nb,-1.0,\n",
    ],
)
def test_classes_may_be_unknown_where_nothing_is_scored(content, moods, tmp_path):
    (tmp_path / "test.csv").write_text(content)
    columns = {"label": ["joy", "love"]}
    rows = "text_a,joy,love\na,0,1\nb,1,0\n"
    (tmp_path / "a.csv").write_text(rows)
    lines = lines_of("a.csv", f"columns = {columns!r}")
    files = {"train": "a.csv", "dev": "a.csv", "test": "test.csv"}
    lines[1] = f"tasks.moods.files = {files!r}"
    found = registered(lines, tmp_path).examples("test")
    assert [(x.text_a, x.label) for x in found] == [("a", ""), ("b", "")]


def test_bytes_in_a_column_of_a_class_are_a_problem_of_their_row(moods, tmp_path):
    table = {"text_a": list("abcd"), "joy": [b"1", b"\xff", b"0", b"1"]}
    table["love"] = [b"0", b"1", b"1", b"0"]
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    lines = lines_of("a.parquet", "columns = {'label': ['joy', 'love']}")
    message = r"row 2: 'joy' holds bytes that are not UTF-8 \(byte 0\)"
    with pytest.raises(ValueError, match=message):
        registered(lines, tmp_path)
    with run_context.use(max_skipped=0.5):
        lines.append("tasks.moods.on_error = 'skip'")
        found = registered(lines, tmp_path).examples("dev")
    assert [read_labels(x.label) for x in found] == [["joy"], ["love"], ["joy"]]


def test_labels_that_are_hardly_meant_are_noted(moods):
    content = 'text_a,label\na,joy\nb,Joy\nc,joy\nd,"joy,fear"\ne,Joy\n'
    moods("a.csv", content).examples("train")
    notes = run_context.current().notes
    assert list(notes) == ["labels seen once", "labels alike"]
    once, alike = (next(iter(places)) for places in notes.values())
    assert "line 5: 'fear' is the label of nothing else" in once
    assert "'Joy' (2), 'joy' (3) differ only" in alike


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (LISTS, ["joy"]),
        ([["a", "b"], ["a", "b"], ["a"]], ["a", "b"]),
        ([[], []], []),
    ],
)
def test_the_constant_answer_has_the_best_micro_f1(targets, expected):
    assert common_labels(targets) == expected


def test_the_trivial_score_is_that_of_the_constant_answer(moods):
    moods("a.jsonl", JSON_LINES)
    card = registry.tasks.get("moods")
    assert trivial_score(card, [["joy"], ["joy"], ["anger"]]) == pytest.approx(
        100 * 4 / 6
    )


def test_scores_of_one_label():
    found = [["joy"], ["joy"], ["anger", "fear"], ["joy"]]
    answers = Answers(tuple("abcd"), tuple(LISTS), tuple(found), (None,) * 4)
    scores = by_class("multi_label", lambda: answers)
    assert scores["recall"] == {"anger": 100.0, "joy": 100.0, "love": 0.0}
    assert scores["precision"] == {
        "anger": 100.0,
        "joy": pytest.approx(100 * 2 / 3),
        "love": None,
    }
    assert scores["F1"] == {"anger": 100.0, "joy": 80.0, "love": 0.0}


@pytest.mark.parametrize(
    ("targets", "mark"),
    [
        ([["joy"], ["joy"]], "all 2 right answers are ['joy']"),
        ([["joy"], []], None),
        ([["joy", "love"], ["joy", "love"]], "all 2 right answers are ['joy', 'love']"),
    ],
)
def test_an_answer_is_all_labels_of_a_text(targets, mark, moods):
    moods("a.jsonl", JSON_LINES)
    predictions = [Prediction("", target, []) for target in targets]
    found = one_answer(
        registry.tasks.get("moods"), Scored({"micro_f1": 0.0}, predictions)
    )
    assert list(found.values()) == ([mark] if mark else [])


def test_validate_counts_every_label(tmp_path, vocab_file, capsys):
    (tmp_path / "a.jsonl").write_text(JSON_LINES)
    (tmp_path / "my.gin").write_text("\n".join(lines_of("a.jsonl")))
    arguments = ["--task_file", str(tmp_path / "my.gin"), "--data_dir", str(tmp_path)]
    assert (
        main(["validate", "task", *arguments, f"--gin.VOCAB={str(vocab_file)!r}"]) == 0
    )
    said = capsys.readouterr().out
    assert "targets: joy 2 (50.0 %), anger 1 (25.0 %), love 1 (25.0 %)" in said
