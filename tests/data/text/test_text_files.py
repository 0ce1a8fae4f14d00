"""Readers of text files: every format, every kind of bad input."""

import bz2
import gzip
import json
import lzma
import os
import shutil

import pytest
from backports import zstd

from electra_bench.data.text import streams
from electra_bench.data.text.files import find_files, iter_documents, iter_lines
from electra_bench.data.text.streams import ReadReport, whole_documents

checksum = zstd.CompressionParameter.checksum_flag
TEXT = "  one \n\ttwo\r\n\n \u00a0 \nthree\u2028still three\n\n\nfour"
PACKED = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: zstd.compress(data, options={checksum: 1}),
}
LINES = [["one", "two"], ["three\u2028still three"], ["four"]]


def lines_of(*args, **options):
    return [document.lines for document in iter_documents(*args, **options)]


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(TEXT, newline="")
    return str(path)


def test_documents_end_at_blank_lines_files_or_lines(text_file):
    assert lines_of([text_file]) == LINES
    assert lines_of([text_file], documents="file") == [sum(LINES, [])]
    assert lines_of([text_file], documents="line") == [[x] for x in sum(LINES, [])]
    assert lines_of([text_file, text_file]) == LINES * 2


@pytest.mark.parametrize("end", PACKED)
def test_packed_files_are_known_by_content(tmp_path, end):
    pack = PACKED[end]
    for name in ("a.txt" + end, "a"):
        path = tmp_path / name
        path.write_bytes(pack(TEXT.encode()))
        assert lines_of([str(path)]) == LINES


def test_byte_order_mark_is_left_out(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone")
    assert lines_of([str(path)]) == [["one"]]


def test_jsonl_has_a_document_a_line(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    records = [{"body": "one\n\ntwo "}, {"body": "three\n"}, {"body": "\n"}]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    assert lines_of([str(path)], text_field="body") == [["one", "two"], ["three"]]
    assert list(iter_lines(str(path), text_field="body")) == ["one", "two", "three"]


def test_ids_name_the_text(tmp_path, text_file):
    other = tmp_path / "b.txt"
    other.write_text("four\n\none\ntwo")
    ids = [document.id for document in iter_documents([text_file, str(other)])]
    assert ids[3:] == [ids[2], ids[0]]
    assert len(set(ids)) == 3


def test_long_documents_come_in_parts(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"line {i}" for i in range(100)) + "\n\nlast")
    whole = list(iter_documents([str(path)]))
    monkeypatch.setattr(streams, "PART_CHARS", 50)
    monkeypatch.setattr(streams, "BLOCK_BYTES", 64)
    parts = list(iter_documents([str(path)]))
    assert len(parts) > 10
    assert [p.start for p in parts] == [True] + [False] * (len(parts) - 2) + [True]
    assert [p.end for p in parts[-3:]] == [False, True, True]
    assert len({p.id for p in parts}) == 2
    again = list(whole_documents(parts))
    assert [d.text for d in again] == [d.text for d in whole]
    # The size of blocks that are read does not show.
    monkeypatch.setattr(streams, "BLOCK_BYTES", 1 << 20)
    assert list(iter_documents([str(path)])) == parts


def test_patterns_name_files_folders_and_globs(tmp_path):
    for name in ("x/b.txt", "x/a.txt", "x/.hidden", "x/.git/c.txt", "x/y/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    below = [str(tmp_path / "x" / name) for name in ("a.txt", "b.txt", "y/d.txt")]
    assert find_files(str(tmp_path / "x")) == below
    assert find_files([str(tmp_path / "**/d.txt"), str(tmp_path / "x")]) == [
        below[2],
        below[0],
        below[1],
    ]
    assert find_files("x/*.txt", base=str(tmp_path)) == below[:2]
    # A name may look like a glob, and so may a folder's.
    for folder in ("exp[1]", "a*b", "what?", "back\\slash"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text("x")
        pattern = str(tmp_path / folder / "*.txt")
        assert find_files(pattern) == [str(tmp_path / folder / "x.txt")]
        assert find_files(os.path.join(folder, "[x].txt"), str(tmp_path)) == [
            str(tmp_path / folder / "x.txt")
        ]
        shutil.rmtree(tmp_path / folder)
    (tmp_path / "[1].txt").write_text("text")
    assert find_files(str(tmp_path / "[1].txt")) == [str(tmp_path / "[1].txt")]
    with pytest.raises(FileNotFoundError, match=r"no file matches '.*\*\.gz'"):
        find_files(str(tmp_path / "*.gz"))
    with pytest.raises(FileNotFoundError, match="no file or folder '.*nothing'"):
        find_files(str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no files"):
        find_files(str(tmp_path / "empty"))


def test_bytes_that_are_no_utf8_are_named_or_counted(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"good\n" * 30 + b"b\xffd\nlast\n")
    monkeypatch.setattr(streams, "BLOCK_BYTES", 16)
    with pytest.raises(
        ValueError, match=r"a\.txt: not UTF-8 at byte 154 \(line 31, b'\\xff'\)"
    ):
        lines_of([str(path)])
    report = ReadReport()
    assert lines_of([str(path)], on_error="skip", report=report) == [
        ["good"] * 30 + ["last"]
    ]
    assert report.skipped == 1 and "byte 154" in report.reasons[0]
    assert report.read_bytes == report.total_bytes == path.stat().st_size


@pytest.mark.parametrize(
    "line, message",
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: expected a JSON object, got list"),
        ('{"body": "x"}', "line 2: field 'text' is missing; fields: \\['body'\\]"),
        ('{"text": 1}', "line 2: field 'text' is no string"),
        ("\udcff", "not UTF-8 at byte 14"),
    ],
)
def test_bad_json_lines(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"text": "a"}\n' + line.encode("utf-8", "surrogateescape") + b"\n"
    )
    with pytest.raises(ValueError, match=message):
        lines_of([str(path)])
    report = ReadReport()
    assert lines_of([str(path)], on_error="skip", report=report) == [["a"]]
    assert report.skipped == 1


@pytest.mark.parametrize(
    ("text", "read", "count"),
    [
        ("a\\ud800b", "a?b", 1),
        ("\\uDE00 and \\ud83d\\u0041", "? and ?A", 2),
        ("\\ud83d\\ude00 \\\\ud800", "😀 \\ud800", 0),
    ],
)
def test_half_a_surrogate_pair_is_no_text(tmp_path, text, read, count):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "{text}"}}')
    report = ReadReport()
    assert lines_of([str(path)], report=report) == [[read]]
    assert report.replaced == count


@pytest.mark.parametrize("end", PACKED)
def test_every_stream_of_a_file_is_read(tmp_path, end):
    path = tmp_path / "a"
    one, two = (PACKED[end](text) for text in (b"a\n\nb\n", b"\nc\n"))
    path.write_bytes(one + two)
    assert lines_of([str(path)]) == [["a"], ["b"], ["c"]]
    if end == ".xz":  # its padding
        path.write_bytes(one + bytes(8) + two + bytes(4))
        assert lines_of([str(path)]) == [["a"], ["b"], ["c"]]


def test_frames_that_hold_no_content_are_passed_over(tmp_path):
    path = tmp_path / "a.zst"
    size = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + bytes(4)
    path.write_bytes(size + zstd.compress(b"a\n") + size + zstd.compress(b"b\n"))
    assert lines_of([str(path)]) == [["a", "b"]]


@pytest.mark.parametrize("harm", ["cut", "cut header", "flipped", "foreign"])
@pytest.mark.parametrize("end", PACKED)
def test_a_damaged_second_stream_is_no_end(tmp_path, end, harm):
    first, second = (PACKED[end](bytes(f"{i}\n" * 400, "ascii")) for i in (12, 345))
    middle = len(second) // 2
    second = {
        "cut": second[:-3],
        "cut header": second[:3],
        "flipped": second[:middle] + bytes([second[middle] ^ 1]) + second[middle + 1 :],
        "foreign": b"something else",
    }[harm]
    path = tmp_path / f"a.txt{end}"
    path.write_bytes(first + second)
    with pytest.raises(ValueError, match=f"a.txt{end}: damaged, cannot be unpacked: "):
        lines_of([str(path)])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "a.zip",
            b"PK\x03\x04 and more",
            "a zip archive, which is not read; unpack it",
        ),
        ("a", b"7z\xbc\xaf'\x1c....", "a 7-Zip archive"),
        ("a.parquet", b"PAR1....", "Parquet, which is not read as text"),
        ("a.zst", b"", "empty, which no packed file is"),
        (
            "pointer",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n",
            "a pointer of Git LFS",
        ),
        ("a.gz", gzip.compress(b"PAR1....", mtime=0), "Parquet"),
        ("a", b'[\n {"text": "a"},\n {"text": "b"}\n]', "one JSON document, expected"),
        ("a.json", b'{\n "text": "a"\n}', "one JSON document"),
        ("a.json", b'[{"text": "a"}, {"text": "b"}]', "one JSON document"),
        (
            "a",
            b"id,content\n1,a\n",
            "the table has no column 'text'; near: .* all: .*'content'",
        ),
        ("a.csv", b'text,id\n"a,1\n', "line 2: unexpected end of data"),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(
    tmp_path, text_file, name, content, said
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path}: (line 2: )?{said}"):
        lines_of([str(path)])
    report = ReadReport()
    assert lines_of([str(path), text_file], on_error="skip", report=report) == LINES
    assert report.skipped == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"text": "a"}\n{"text": "b"}\n', [["a"], ["b"]]),
        ('\n{"id": 1, "text": "a\\nb"}', [["a", "b"]]),
        ('{"text": "a%s"}' % (" x" * 40_000), [["a" + " x" * 40_000]]),
        ("id,text\n1,a\n2,b\n", [["a"], ["b"]]),
        ('text;label\n"a; b\nc";1\n', [["a; b", "c"]]),
        ('label\ttext\n1\ta "b\n', [['a "b']]),
        # Text, though the first character says otherwise.
        ("[1] An author\n\n{one} two\n", [["[1] An author"], ["{one} two"]]),
        ('{"Come," he said.}\nThe end\n', [['{"Come," he said.}', "The end"]]),
        ("text, and more\nof it\n", [["text, and more", "of it"]]),
        ("Preface, Introduction\n\na, b", [["Preface, Introduction"], ["a, b"]]),
        ("text,\rid\n\nb", [["text,\rid"], ["b"]]),
    ],
)
def test_formats_are_found_by_content(tmp_path, content, found):
    path = tmp_path / "a"
    path.write_text(content)
    assert lines_of([str(path)]) == found
    as_text = [[line] for line in map(str.strip, content.split("\n")) if line]
    assert lines_of([str(path)], format="text", documents="line") == as_text


def test_rows_of_another_width_are_named_or_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,id\na,1\nb\nc,2,3\nd,4\n")
    with pytest.raises(ValueError, match="a.csv: line 3: 1 columns, expected 2"):
        lines_of([str(path)])
    report = ReadReport()
    assert lines_of([str(path)], on_error="skip", report=report) == [["a"], ["d"]]
    assert report.skipped == 2


@pytest.mark.parametrize("end", PACKED)
def test_damaged_files_are_named_or_counted(tmp_path, text_file, end):
    path = tmp_path / "b.txt.gz"
    path.write_bytes(PACKED[end](TEXT.encode() * 1000)[:-30])
    with pytest.raises(ValueError, match="b.txt.gz: damaged"):
        lines_of([str(path)])
    report = ReadReport()
    files = [str(path), text_file]
    assert lines_of(files, on_error="skip", report=report)[-3:] == LINES
    assert report.skipped == 1


def test_a_line_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 2 << 20)
    path = tmp_path / "bomb.txt.xz"
    path.write_bytes(lzma.compress(b"a" * (4 << 20)))
    with pytest.raises(ValueError, match="bomb.txt.xz: a line is longer than 2 MB"):
        lines_of([str(path)])


@pytest.mark.parametrize("option", ["format", "documents", "on_error"])
def test_unknown_options(text_file, option):
    with pytest.raises(ValueError, match=f"{option} must be one of .* got 'x'"):
        lines_of([text_file], **{option: "x"})


WIKITEXT = """
 = Valkyria Chronicles =$

 One line .
 Another = line =$
 = No title =$

 = = Gameplay = =$

 Text .

 = E = mc 2 =$

 End .
""".replace("$", " ")


def test_articles_of_wikitext_are_documents(tmp_path, monkeypatch):
    path = tmp_path / "wiki.train.tokens"
    path.write_text(WIKITEXT)
    found = [
        [
            *("= Valkyria Chronicles =", "One line .", "Another = line ="),
            *("= No title =", "= = Gameplay = =", "Text ."),
        ],
        ["= E = mc 2 =", "End ."],
    ]
    assert lines_of([str(path)], documents="wikitext") == found
    report = ReadReport()
    assert len(lines_of([str(path)], report=report)) == 6
    assert report.titles == 2
    # Also what comes before the first title, and articles in parts.
    path.write_text("Preface\n" + WIKITEXT)
    assert lines_of([str(path)], documents="wikitext") == [["Preface"], *found]
    monkeypatch.setattr(streams, "PART_CHARS", 20)
    parts = list(iter_documents([str(path)], documents="wikitext"))
    assert len(parts) > 3
    assert [d.lines for d in whole_documents(parts)] == [["Preface"], *found]


def test_the_share_that_was_left_out(tmp_path):
    good, bad = tmp_path / "a.txt", tmp_path / "b.txt.xz"
    good.write_bytes(b"a\n\xff\n\xff\nb\n")
    report = ReadReport()
    lines_of([str(good)], on_error="skip", report=report)
    assert report.unread_share == 0.5
    bad.write_bytes(lzma.compress(b"lost\n" * 99)[:-8])
    report = ReadReport()
    lines_of([str(good), str(bad)], on_error="skip", report=report)
    sizes = [file.stat().st_size for file in (good, bad)]
    assert report.unread_share == sizes[1] / sum(sizes)
