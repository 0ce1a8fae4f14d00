"""Predictions as people submit them."""

import json
import math
import zipfile
from dataclasses import replace

import pytest
from etils import epath

from electra_bench import registry
from electra_bench.data.readers.columns import read_columns
from electra_bench.records import Prediction
from electra_bench.system.atomic import write_json
from electra_bench.tasks import submissions
from electra_bench.tasks.submissions import GLUE_FILES, Tagged


def predictions(*answers, scores=None):
    return [Prediction(f"q{i}", None, a, scores) for i, a in enumerate(answers)]


# Rows of the published test files; https://gluebenchmark.com/tasks.
SIZES = {
    "CoLA.tsv": 1063,
    "SST-2.tsv": 1821,
    "MRPC.tsv": 1725,
    "STS-B.tsv": 1379,
    "QQP.tsv": 390965,
    "MNLI-m.tsv": 9796,
    "MNLI-mm.tsv": 9847,
    "QNLI.tsv": 5463,
    "RTE.tsv": 3000,
    "WNLI.tsv": 146,
    "AX.tsv": 1104,
}


def test_glues_files_are_the_published_test_splits():
    found = {f.name: registry.tasks.get(f.task).splits[f.split] for f in GLUE_FILES}
    assert found == SIZES


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("cola", {"0", "1"}),
        ("mnli", {"entailment", "neutral", "contradiction"}),
        ("ax", {"entailment", "neutral", "contradiction"}),
        ("rte", {"entailment", "not_entailment"}),
        ("qnli", {"entailment", "not_entailment"}),
        ("wnli", {"0", "1"}),
    ],
)
def test_a_table_of_glue_has_row_numbers_and_class_names(task, labels):
    card = registry.tasks.get(task)
    assert set(card.labels) == labels
    table = submissions.glue_table(card, predictions(*card.labels))
    expected = [f"{i}\t{label}" for i, label in enumerate(card.labels)]
    assert table == "\n".join(["index\tprediction", *expected]) + "\n"


def test_numbers_are_clipped_and_have_three_decimals():
    card = registry.tasks.get("sts")
    table = submissions.glue_table(card, predictions(-0.2, 2.34567, 5.2, 4, -0.0))
    answers = [line.split("\t")[1] for line in table.splitlines()[1:]]
    assert answers == ["0.000", "2.346", "5.000", "4.000", "0.000"]
    with pytest.raises(ValueError, match=r"'sts', row 1: predicted nan"):
        submissions.glue_table(card, predictions(1.0, math.nan))


def test_another_number_of_rows_is_an_error():
    card = registry.tasks.get("rte")
    submissions.check_rows(card, "test", 3000)
    with pytest.raises(
        ValueError, match=r"'rte', split 'test': got 2999 rows, exp.*30"
    ):
        submissions.check_rows(card, "test", 2999)


def test_an_archive_has_its_texts_and_always_the_same_bytes(tmp_path):
    tables = {"RTE.tsv": "index\tprediction\n", "AX.tsv": "ä\n"}
    paths = [tmp_path / name for name in ("a.zip", "b.zip")]
    for path in paths:
        submissions.write_archive(str(path), tables)
    with zipfile.ZipFile(paths[0]) as archive:
        assert archive.namelist() == list(tables)
        assert archive.read("AX.tsv").decode() == "ä\n"
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(x.name for x in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_what_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"earlier")
    with pytest.raises(UnicodeEncodeError):
        submissions.write_archive(str(path), {"RTE.tsv": "\ud800"})
    assert path.read_bytes() == b"earlier" and list(tmp_path.iterdir()) == [path]


def test_answers_to_questions(tmp_path):
    path = tmp_path / "answers.json"
    answers = submissions.squad_answers(predictions("the Seine", "", "Zürich"))
    write_json(str(path), answers, ensure_ascii=False)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written == {"q0": "the Seine", "q1": "", "q2": "Zürich"}
    with_odds = predictions(("Zürich", 0.5))
    assert submissions.squad_answers(with_odds) == {"q0": "Zürich"}
    twice = [replace(p, id="q7") for p in predictions("a", "b")]
    with pytest.raises(ValueError, match="two questions have the id 'q7'"):
        submissions.squad_answers(twice)


@pytest.mark.parametrize("scores", [None, {"score": 1.0}, [0.5]])
def test_null_odds_only_where_there_are_some(scores):
    assert submissions.null_odds(predictions("a", "b", scores=scores)) is None


def test_null_odds():
    scores = {"score": 1.0, "null_odds": -2.5}
    found = submissions.null_odds(predictions("a", "b", scores=scores))
    assert found == {"q0": -2.5, "q1": -2.5}


@pytest.mark.parametrize(("threshold", "text"), [(None, "a"), (-2.5, "a"), (-2.75, "")])
def test_no_answer_where_the_odds_are_above_a_threshold(threshold, text):
    found = predictions(("a", -2.5), scores={"null_odds": -2.5})
    assert submissions.squad_answers(found, threshold) == {"q0": text}


def test_a_threshold_needs_odds():
    with pytest.raises(ValueError, match="a threshold needs odds"):
        submissions.squad_answers(predictions("a"), 0.0)


def test_tagged_words_and_those_that_were_cut_off():
    whole = Tagged(
        ("He", "reckons"),
        ("S-NP", "S-VP"),
        Prediction("0", ["S-NP", "S-VP"], ["S-NP", "O"]),
    )
    cut = Tagged(
        ("the", "current", "account"),
        ("B-NP", "I-NP", "E-NP"),
        Prediction("1", ["B-NP"], ["O"]),
    )
    assert submissions.conll_text([whole, cut]) == (
        "He S-NP S-NP\nreckons S-VP O\n\nthe B-NP O\ncurrent I-NP _\naccount E-NP _\n\n"
    )
    assert [submissions.num_cut_off(sentence) for sentence in (whole, cut)] == [0, 2]


ROUND_TRIPS = {
    "blanks": (["New York", "is", "#"], "\t"),
    "no-break spaces": (["10\xa0000", "\u3000", "a\x0bb"], "\t"),
    "a comment's sign": (["#", "x", "#x"], " "),
    "marks": (["-DOCSTART-x", "\u200b", "_"], " "),
}


@pytest.mark.parametrize("case", ROUND_TRIPS)
def test_words_come_back_from_columns(case, tmp_path):
    words, separator = ROUND_TRIPS[case]
    tags = ["O"] * 3 if separator == " " else ["B-work of art", "I-work of art", "O"]
    sentence = Tagged(words, tags, Prediction("0", tags, tags))
    path = epath.Path(tmp_path / "t.conll")
    path.write_text(submissions.conll_text([sentence, sentence]))
    assert path.read_text().startswith(separator.join([words[0], tags[0], tags[0]]))
    file = read_columns(path)
    assert [record.fields[0] for record in file.sentences] == [tuple(words)] * 2
    assert [record.fields[2] for record in file.sentences] == [tuple(tags)] * 2


@pytest.mark.parametrize("word", ["", " ", "a\tb", "a\nb", " a", "a\r", "-DOCSTART-"])
def test_words_that_no_line_can_hold_are_refused(word):
    for words, tags in ((["a", word], ["O", "O"]), (["a", "b"], ["O", word or " "])):
        sentence = Tagged(words, tags, Prediction("s7", tags, tags))
        with pytest.raises(ValueError, match=r"sentence 's7': .* use the format jsonl"):
            submissions.conll_text([sentence])
