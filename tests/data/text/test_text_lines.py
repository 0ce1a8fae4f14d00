"""Texts and n-best lists, one a line."""

import bz2
import gzip
import io
import json
import lzma
import sys

import pytest
from backports import zstd

from electra_bench.data.readers.nbest_lists import NBest, read_nbest
from electra_bench.data.text.lines import check_output, json_writer, read_texts
from electra_bench.data.text.streams import Reading, ReadReport


def reading(on_error="raise", field="text"):
    return Reading("line", field, on_error, ReadReport())


def texts(path, format="auto", how=None):
    return [(t.id, t.text) for t in read_texts(str(path), format, how or reading())]


PACKED = {
    "": lambda b: b,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstd.compress,
}
UNPACK = {
    "": lambda b: b,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
    ".zst": zstd.decompress,
}


@pytest.mark.parametrize("ending", PACKED)
def test_plain_text_is_numbered_by_lines(ending, tmp_path):
    path = tmp_path / f"lines.txt{ending}"
    path.write_bytes(PACKED[ending]("Käse\r\n the end \n".encode()))
    assert texts(path) == [(1, "Käse"), (2, " the end ")]


@pytest.mark.parametrize("ending", PACKED)
def test_json_lines_have_ids_or_get_their_line_number(ending, tmp_path):
    lines = '{"text": "a", "id": "x"}\n\n{"text": "b", "more": 1}\n'
    path = tmp_path / f"lines.jsonl{ending}"
    path.write_bytes(PACKED[ending](lines.encode()))
    assert texts(path) == [("x", "a"), (3, "b")]


def test_formats_are_found_by_content(tmp_path):
    path = tmp_path / "lines"
    path.write_text('{"text": "a", "id": "x"}\n\n{"text": "b", "more": 1}\n')
    assert texts(path) == [("x", "a"), (3, "b")]
    path.write_text("id,text\nx,a\ny,b\n")
    assert texts(path) == [("x", "a"), ("y", "b")]
    path.write_text("yes,no\n[1]\n{2}\n")
    assert texts(path) == [(1, "yes,no"), (2, "[1]"), (3, "{2}")]


def test_standard_input(monkeypatch):
    pipe = io.TextIOWrapper(io.BytesIO(b'{"body": "a"}\n'))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert texts("-", "jsonl", reading(field="body")) == [(1, "a")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"a\n\nb\n", "line 2: empty, so there is nothing to score"),
        ("a.txt", b"a\n\xff\n", "not UTF-8 at byte 2 (line 2"),
        ("a.jsonl", b'{"text": "a"}\n{"text": 3}\n', "line 2: field 'text' is no st"),
        ("a.jsonl", b'{"text": "a"}\n{"x": "a"}\n', "line 2: field 'text' is missing"),
        (
            "a.jsonl",
            b'{"text": "a"}\n[1]\n',
            "line 2: expected a JSON object, got list",
        ),
        ("a.jsonl", b'{"text": "a"}\n{"text":\n', "line 2: not JSON"),
        ("a.jsonl", b'{"text": "a"}\n{"text": " "}\n', "line 2: empty"),
    ],
)
def test_lines_that_hold_no_text(name, content, said, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        texts(path)
    assert said in str(error.value) and str(path) in str(error.value)
    skipping = reading("skip")
    assert texts(path, how=skipping)[0] == (1, "a")
    assert skipping.report.skipped == 1 and said in skipping.report.reasons[0]


@pytest.mark.parametrize("ending", PACKED)
def test_written_lines_are_there_whole_or_not_at_all(ending, tmp_path):
    path = tmp_path / f"out.jsonl{ending}"
    with pytest.raises(RuntimeError), json_writer(str(path)) as write:
        write({"id": 1})
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with json_writer(str(path)) as write:
        write({"id": "Käse \ud800"})
    assert UNPACK[ending](path.read_bytes()).decode() == '{"id": "Käse ?"}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_that_cannot_be(tmp_path):
    check_output(None)
    check_output("-", "-")
    path = tmp_path / "a.jsonl"
    check_output(str(path), str(tmp_path / "b.jsonl"))
    with pytest.raises(ValueError, match="would replace the input"):
        check_output(str(path), str(path))
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_output(str(tmp_path / "no" / "a.jsonl"))
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_output(str(tmp_path))


def nbest(path, *records):
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return read_nbest(str(path))


H = {"text": "a b", "score": -1}


def test_half_surrogate_pairs_of_hypotheses_are_counted(tmp_path):
    path, report = tmp_path / "n.jsonl", ReadReport()
    path.write_text('{"hypotheses": [{"text": "a\\ud800", "score": 1}]}\n' * 2)
    assert read_nbest(str(path), report)[1].hypotheses == ("a?",)
    assert report.replaced == 2


def test_nbest_lists(tmp_path):
    path = tmp_path / "n.jsonl"
    empty = {"text": "", "score": -2.5}
    found = nbest(
        path,
        {"id": "x", "hypotheses": [H, empty], "reference": "a"},
        {"hypotheses": [H], "references": ["a", "b"]},
        {"hypotheses": [H]},
    )
    where = f"{path}: line "
    assert found == [
        NBest("x", f"{where}1", ("a b", ""), (-1.0, -2.5), ("a",)),
        NBest(2, f"{where}2", ("a b",), (-1.0,), ("a", "b")),
        NBest(3, f"{where}3", ("a b",), (-1.0,), ()),
    ]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "field 'hypotheses' is missing; expected {\"id\""),
        ({"hypotheses": []}, "field 'hypotheses' is no list with entries"),
        ({"hypotheses": [H, "a"]}, "hypothesis 2 has no text"),
        ({"hypotheses": [H, {"score": 1}]}, "hypothesis 2 has no text"),
        ({"hypotheses": [{"text": "a"}]}, "hypothesis 1 has no score"),
        ({"hypotheses": [H | {"score": "1"}]}, "must be a finite number, got '1'"),
        ({"hypotheses": [H | {"score": float("nan")}]}, "finite number, got nan"),
        ({"hypotheses": [H], "reference": ["a"]}, "'reference' must be a string"),
        ({"hypotheses": [H], "references": "a"}, "'references' a list of strings"),
        ({"hypotheses": [H], "references": [], "reference": ""}, "gives both"),
    ],
)
def test_lists_that_are_not_as_they_should_be(record, said, tmp_path):
    path = tmp_path / "n.jsonl"
    with pytest.raises(ValueError) as error:
        nbest(path, {"hypotheses": [H]}, record)
    assert said in str(error.value) and f"{path}: line 2" in str(error.value)


def test_no_lists(tmp_path):
    with pytest.raises(ValueError, match="no n-best lists"):
        nbest(tmp_path / "n.jsonl")
