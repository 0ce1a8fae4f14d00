"""Files that are written otherwise than their names say, or that are not read."""

import bz2

import pytest
from file_tasks import registered

from electra_bench.data import run_context

NUMBERS = "columns = {'label': 0, 'text_a': 1}"
SWAPPED = "columns = {'text_a': 0, 'label': 1}"
TREC = "DESC:manner How did serfdom develop ?\nENTY:cremat What films : featured it ?\n"
REVIEWS = [("good", "up"), ("bad, really", "down")]
# Name and content of a file, what is bound of it, and its texts with their labels.
FORMS = {
    "semicolons": ("a.csv", "text_a;label\ngood;up\nbad, really;down\n", [], REVIEWS),
    "tabs in CSV": (
        "a.csv",
        "text_a\tlabel\ngood\tup\nbad, really\tdown\n",
        [],
        REVIEWS,
    ),
    "semicolons, bound, no header": (
        "a.csv",
        'good;up\n"bad, really";down\n',
        ["sep = ';'", SWAPPED],
        REVIEWS,
    ),
    "TREC, coarse": (
        "train_5500.label",
        TREC,
        ["sep = '[: ]'", "columns = {'label': 0, 'text_a': 2}"],
        [("How did serfdom develop ?", "DESC"), ("What films : featured it ?", "ENTY")],
    ),
    "TREC, fine": (
        "train_5500.label.gz",
        TREC,
        ["sep = ' '", NUMBERS],
        [
            ("How did serfdom develop ?", "DESC:manner"),
            ("What films : featured it ?", "ENTY:cremat"),
        ],
    ),
    "an expression": (
        "a.txt",
        "text_a || label\ngood || up\nbad, really||down\n",
        [r"sep = '\\s*\\|\\|\\s*'"],
        REVIEWS,
    ),
    "quotes in TSV": (
        "a.tsv",
        "text_a\tlabel\n'good'\tup\n'bad, really'\tdown\n",
        ['quote = "\'"'],
        REVIEWS,
    ),
    "no quotes in CSV": (
        "a.csv",
        'text_a,label\n"good,up\n',
        ["quote = ''", "labels = ('up', 'down')"],
        [('"good', "up")],
    ),
    "Latin-1": (
        "a.tsv",
        "text_a\tlabel\ncaf\xe9\tup\nna\xefve\tdown\n".encode("latin-1"),
        ["encoding = 'latin-1'"],
        [("café", "up"), ("naïve", "down")],
    ),
    "UTF-16": (
        "a.csv",
        "text_a,label\r\ncafé,up\r\nnaïve,down\r\n".encode("utf-16"),
        ["encoding = 'utf-16'"],
        [("café", "up"), ("naïve", "down")],
    ),
    "comments in TSV": (
        "a.tsv",
        "# of 2026\ntext_a\tlabel\ngood\tup\n# more\nbad, really\tdown\n",
        ["comment = '#'"],
        REVIEWS,
    ),
    "comments in CSV, but not in a field": (
        "a.csv",
        '%1\ntext_a,label\n%2\n"good\n%3",up\nbad,down\n',
        ["comment = '%'"],
        [("good\n%3", "up"), ("bad", "down")],
    ),
    "comments in JSON lines": (
        "a.jsonl",
        '// x\n{"text_a": "good", "label": "up"}\n'
        '{"text_a": "bad, really", "label": "down"}\n',
        ["comment = '//'"],
        REVIEWS,
    ),
    "a JSON array": (
        "a.json",
        '[{"text_a": "good", "label": "up"},\n {"text_a": "bad, really", "label": "down"}]',
        [],
        REVIEWS,
    ),
    "a JSON array called lines": (
        "a.jsonl",
        '[\n{"text_a": "good", "label": "up"},\n'
        '{"text_a": "bad, really", "label": "down"}\n]\n',
        [],
        REVIEWS,
    ),
    "JSON lines called an array": (
        "a.json",
        '{"text_a": "good", "label": "up"}\n{"text_a": "bad, really", "label": "down"}\n',
        [],
        REVIEWS,
    ),
    "nested fields": (
        "a.jsonl",
        '{"review": {"text": "good"}, "votes": [{"mood": "up"}], "a.b": 1}\n'
        '{"review": {"text": "bad, really"}, "votes": [{"mood": "down"}]}\n',
        ["columns = {'text_a': 'review.text', 'label': 'votes.0.mood'}"],
        REVIEWS,
    ),
    "nested fields of an array": (
        "a.json",
        '[{"data": {"x": {"text": "good", "label": "up"}}},\n'
        ' {"data": {"x": {"text": "bad, really", "label": "down"}}}]',
        ["columns = {'text_a': 'data.x.text', 'label': 'data.x.label'}"],
        REVIEWS,
    ),
    "items of lists": (
        "a.jsonl",
        '{"0": [["good", "x"]], "said": ["no", {"2": "up"}]}\n'
        '{"0": [["bad, really"]], "said": ["no", {"2": "down"}]}\n',
        ["columns = {'text_a': '0.0.0', 'label': 'said.1.2'}"],
        REVIEWS,
    ),
    "a name with a dot": (
        "a.csv",
        "review.text,label\ngood,up\nbad,down\n",
        ["columns = {'text_a': 'review.text'}"],
        [("good", "up"), ("bad", "down")],
    ),
}


def lines_of(name, files, *bound):
    return [
        f"tasks.{name}.kind = 'classification'",
        f"tasks.{name}.files = {{'train': {files!r}, 'dev': {files!r}}}",
        *(f"tasks.{name}.{binding}" for binding in bound),
    ]


def write(folder, name, content):
    import gzip

    content = content if isinstance(content, bytes) else content.encode()
    packed = gzip.compress(content) if name.endswith(".gz") else content
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)


@pytest.mark.parametrize("case", FORMS)
def test_a_file_is_read_as_it_is_written(case, tmp_path):
    name, content, bound, expected = FORMS[case]
    write(tmp_path, name, content)
    with run_context.use(data_dir=str(tmp_path), notes={}):
        source = registered(lines_of("formed", name, *bound), tmp_path)
        found = source.examples("dev")
    assert [(x.text_a, x.label) for x in found] == expected


def test_a_file_may_hold_one_class(tmp_path):
    """The polarity data of Pang and Lee, whose files are in Latin-1 and have no columns."""
    write(tmp_path, "rt-polarity.pos", "a caf\xe9 : nice\nfine\n".encode("latin-1"))
    write(tmp_path, "rt-polarity.neg", "dull\n")
    bound = [
        "label_from_file = {'*.pos': 'up', '*.neg': 'down'}",
        "encoding = 'latin-1'",
    ]
    bound.append("columns = {'text_a': 0}")
    with run_context.use(data_dir=str(tmp_path)):
        source = registered(lines_of("moods", "rt-polarity.*", *bound), tmp_path)
        found = source.examples("dev")
    expected = [(0, "dull", "down"), (1, "a café : nice", "up"), (2, "fine", "up")]
    assert [(x.idx, x.text_a, x.label) for x in found] == expected


def test_tables_and_folders_may_hold_one_class(tmp_path):
    for label, text in (("pos", "good"), ("neg", "bad")):
        write(tmp_path, f"moods/{label}/1.csv", f"id,text_a\n7,{text}\n")
    bound = ["label_from_file = {'pos/*': 'up', 'neg/*': 'down'}"]
    with run_context.use(data_dir=str(tmp_path)):
        source = registered(lines_of("moods", "moods/**/*.csv", *bound), tmp_path)
        found = source.examples("dev")
    assert [(x.text_a, x.label) for x in found] == [("bad", "down"), ("good", "up")]


def test_columns_of_words_may_be_separated_otherwise(tmp_path):
    write(tmp_path, "a.conll", "% x\nLondon|x|B-LOC\ncaf\xe9|x|O\n".encode("latin-1"))
    lines = lines_of("words", "a.conll", "sep = '|'", "encoding = 'latin-1'")
    lines = [lines[0].replace("classification", "tagging"), *lines[1:]]
    lines.append("tasks.words.comment = '%'")
    with run_context.use(data_dir=str(tmp_path)):
        [found] = registered(lines, tmp_path).examples("dev")
    assert (found.words, found.tags) == (("London", "café"), ("S-LOC", "O"))
    with pytest.raises(ValueError, match="quote says nothing of a file of columns"):
        registered([*lines, "tasks.words.quote = '\"'"], tmp_path)


REFUSED = {
    "a spreadsheet": (
        "a.xlsx",
        b"PK",
        [],
        "this is a spreadsheet, which is not read; save",
    ),
    "XML": ("a.xml", "<a/>", [], "this is XML or HTML, which is not read; write JSON"),
    "XML under another name": ("a.tsv", "<?xml?><a/>", [], "this is XML or HTML"),
    "a packed spreadsheet called CSV": (
        "a.csv",
        b"PK\x03\x04x",
        [],
        "a spreadsheet or an",
    ),
    "Parquet called CSV": (
        "a.csv",
        b"PAR1x",
        [],
        "this is Parquet, which is not read; call",
    ),
    "a page in place of the data": (
        "a.tsv",
        "<!DOCTYPE html>",
        [],
        "this is XML or HTML",
    ),
    "bzip2 that is cut": (
        "a.tsv",
        bz2.compress(b"a\tb\n")[:-1],
        [],
        "cannot be unpacked: it ends before the end",
    ),
    "no encoding of text": (
        "a.csv",
        "x",
        ["encoding = 'rot13'"],
        "'rot13' is not known",
    ),
    "an archive": (
        "a.zip",
        "x",
        [],
        "this is an archive, which is not read; unpack it",
    ),
    "an ending that says nothing": ("a.label", TREC, [], "`sep` says what separates"),
    "a table called .txt": ("a.txt", TREC, [], "of a table called so, give `sep`"),
    "one object": (
        "a.json",
        '{\n"data": [], "version": 1}',
        [],
        "got one object with the fields ['data', 'version']",
    ),
    "a damaged array": ("a.json", '[{"text_a": "a"},\n{]', [], "a.json, line 2: "),
    "an array of texts": (
        "a.json",
        '["a", "b"]',
        [],
        "entry 1: expected a JSON object",
    ),
    "a separator of JSON": (
        "a.jsonl",
        '{"text_a": "a", "label": "b"}',
        ["sep = ','"],
        "sep says nothing of a file .jsonl",
    ),
    "comments of a JSON array": (
        "a.json",
        '[{"text_a": "a", "label": "b"}]',
        ["comment = '#'"],
        "a.json: comment says nothing of a JSON array",
    ),
    "no such encoding": (
        "a.csv",
        "x",
        ["encoding = 'latin1000'"],
        "'latin1000' is not",
    ),
    "another encoding": (
        "a.csv",
        b"text_a,label\n\x81,x\n",
        ["encoding = 'cp1252'"],
        "not CP1252 at byte 13 (line 2",
    ),
    "no expression": ("a.csv", "x", ["sep = '[,'"], "is no regular expression"),
    "an expression and quotes": (
        "a.csv",
        "x",
        ["sep = ', '", "quote = '\"'"],
        "enclosed by",
    ),
    "a nested field that is not there": (
        "a.jsonl",
        '{"review": {"txt": "a"}, "label": "x"}',
        ["columns = {'text_a': 'review.text'}"],
        "no column 'review.text' for text_a; columns: ['review', 'label']",
    ),
    "a file of no class": (
        "a.pos",
        "x",
        ["label_from_file = {'*.neg': 'x'}", "columns = {'text_a': 0}"],
        "a.pos: label_from_file has no pattern for this file, only ['*.neg']",
    ),
    "a label of a file and of rows": (
        "a.csv",
        "x",
        ["label_from_file = {'*': 'x'}", SWAPPED],
        "label_from_file says the label of all rows of a file, so `columns` may not",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_refused_by_its_name(case, tmp_path):
    name, content, bound, expected = REFUSED[case]
    write(tmp_path, name, content)
    with pytest.raises(ValueError) as caught:
        registered(lines_of("refused", name, *bound), tmp_path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
