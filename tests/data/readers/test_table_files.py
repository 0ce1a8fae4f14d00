import pytest
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.labelled_source import TextExample
from electra_bench.data.readers.tables import (
    Columns,
    TableSource,
    one_of,
    read_table,
    within,
)

PAIR = Columns(3, text_a=1, text_b=2, label=0)


@pytest.fixture
def write(tmp_path):
    """Of the few rows of such a file half may be bad."""

    def write(text, name="rte/train.tsv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return epath.Path(path)

    with run_context.use(max_skipped=0.5):
        yield write


def read(path, on_error="raise", columns=PAIR, check=None):
    return read_table(path, columns, check or one_of(("no", "yes")), on_error)


def test_quotes_are_text_and_only_newlines_end_rows(write):
    path = write('label\ta\tb\nyes\t"quoted\tun"closed\r\nno\tx\u2028y\tz\n')
    assert read(path) == [
        TextExample(0, '"quoted', 'un"closed', "yes"),
        TextExample(1, "x\u2028y", "z", "no"),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("yes\ta", "train.tsv, line 3: got 2 columns, expected 3"),
        ("yes\ta\tb\tc", "train.tsv, line 3: got 4 columns, expected 3"),
        ("", "train.tsv, line 3: got 0 columns, expected 3"),
        ("yse\ta\tb", r"line 3: unknown label 'yse'; near: \['yes'\]; all: .*no"),
        ("yes\ta\rb\tc", "train.tsv, line 3: a carriage return inside a field"),
    ],
)
def test_a_bad_row_is_named(write, row, message):
    path = write(f"label\ta\tb\nyes\ta\tb\n{row}\nno\tc\td\n")
    with pytest.raises(ValueError, match=message):
        read(path)


def test_bad_rows_can_be_skipped_and_are_counted(write):
    path = write("label\ta\tb\nyes\ta\tb\nyes\ta\nmaybe\ta\tb\nno\tc\td\n")
    with run_context.use(skipped={}) as context:
        assert [row.idx for row in read(path, "skip")] == [0, 3]
    assert len(context.skipped) == 2
    with run_context.use(on_error="raise"), pytest.raises(ValueError, match="line 3"):
        read(path, "skip")


def test_a_field_may_be_a_long_document(write):
    long = "a" * 200_000
    [row] = read(write(f"label\ta\tb\nyes\t{long}\tb\n"))
    assert row.text_a == long


def test_lines_that_cannot_be_read_stop_unless_the_run_skips(write):
    path = write("label\ta\tb\nyes\ta\tb\nyes\t?\tb\nno\ta\rb\tc\nno\tc\td\n")
    path.write_bytes(path.read_bytes().replace(b"?", b"caf\xe9"))
    stray = r"train.tsv, line 3: not UTF-8 at byte 25 \(b'\\xe9'\)"
    with pytest.raises(ValueError, match=stray):
        read(path, "skip")  # usual for the task
    with run_context.use(on_error="skip", skipped={}) as context:
        assert [row.idx for row in read(path)] == [0, 3]
    assert len(context.skipped) == 2
    path.write_bytes(b"label\t\xe9\tb\nyes\ta\tb\n")
    with (
        run_context.use(on_error="skip"),
        pytest.raises(ValueError, match="line 1: not UTF-8"),
    ):
        read(path)


def test_a_table_without_rows_is_an_error(write):
    with pytest.raises(ValueError, match="train.tsv: no rows below the header"):
        read(write("label\ta\tb\n"))


def test_a_table_of_bad_rows_only_says_what_is_wrong_with_the_first(write):
    path = write("label\ta\tb\nyes\ta\nmaybe\ta\tb\n")
    with (
        run_context.use(skipped={}),
        pytest.raises(
            ValueError, match=r"no row can be used; .* line 2: got 2 columns"
        ),
    ):
        read(path, "skip")


NAMED = PAIR._replace(header=("one", "Two", "label"))


@pytest.mark.parametrize("columns", [PAIR, NAMED])
def test_a_row_in_place_of_the_header_is_not_lost(write, columns):
    rows = read(write("yes\ta\tb\nno\tc\td\n"), columns=columns)
    assert [(row.idx, row.text_a) for row in rows] == [(0, "a"), (1, "c")]


@pytest.mark.parametrize("first", ["Label\tOne\ttwo", "LABEL\tone\tTWO\t"])
def test_a_header_is_known_by_its_names(write, first):
    [row] = read(write(f"{first}\nno\tc\td\n"), columns=NAMED)
    assert row.text_a == "c"


NO_HEADERS = {
    "swapped columns": ("a\tyes\tb", NAMED, "neither a header nor a row"),
    "a swapped header": ("one\tTwo\tlabel", NAMED, r"unknown label 'one'"),
    "another header": (
        "label\tfirst\tsecond",
        NAMED,
        r"a header has 'one' \(2\), 'Two'",
    ),
    "too few columns": ("yes\ta", NAMED, "got 2 columns, expected 3"),
    "swapped columns, unknown names": ("a\tyes\tb", PAIR, "neither a header nor a row"),
    "too few columns, unknown names": ("label\ta", PAIR, "got 2 columns, expected 3"),
    "a row without label": ("?\ta\tb", NAMED._replace(label=None), "this is no header"),
    "a swapped header without label": (
        "?\tTwo\tone",
        NAMED._replace(label=None),
        r"a header has 'one' \(2\), 'Two' \(3\) in these columns",
    ),
}


@pytest.mark.parametrize("case", NO_HEADERS)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_first_line_that_is_neither_header_nor_row_stops(write, case, on_error):
    first, columns, message = NO_HEADERS[case]
    path = write(f"{first}\nyes\ta\tb\nno\tc\td\n")
    with (
        run_context.use(on_error=on_error),
        pytest.raises(ValueError, match=f"train.tsv, line 1: .*{message}"),
    ):
        read(path, columns=columns)


def test_a_header_in_the_midst_is_no_row(write):
    unlabelled = NAMED._replace(label=None)
    path = write("?\tone\ttwo\n0\ta\tb\n?\tone\ttwo\n1\tc\td\n")
    with pytest.raises(ValueError, match="line 3: the header again"):
        read(path, columns=unlabelled)
    with run_context.use(skipped={}):
        assert [row.idx for row in read(path, "skip", unlabelled)] == [0, 2]


def test_numbers_are_checked(write):
    check = within(0.0, 5.0)
    check("5.000")
    for label, message in (
        ("5.1", r"label 5.1 is outside \[0.0, 5.0\]"),
        ("nan", "'nan' is not a number"),
        ("high", "'high' is not a number"),
    ):
        path = write(f"label\ta\tb\n{label}\ta\tb\n")
        with pytest.raises(ValueError, match=f"line 2: label {message}|{message}"):
            read(path, check=check)


@pytest.fixture
def source():
    return TableSource(
        "rte",
        ["glue/RTE"],
        {"train": PAIR, "test": PAIR._replace(label=None)},
        one_of(("no", "yes")),
        {"train_doubled": "train"},
    )


def test_a_source_yields_raw_examples(write, source, tmp_path):
    write("label\ta\tb\nyes\ta\tb\nno\tc\td\n")
    write("?\t?\t?\n?\te\tf\n", "glue/RTE/test.tsv")
    with run_context.use(data_dir=str(tmp_path), files={}):
        train = list(source.get_dataset("train", shuffle=False).as_numpy_iterator())
        assert train == [
            {"idx": 0, "id": b"0", "text_a": b"a", "text_b": b"b", "label": b"yes"},
            {"idx": 1, "id": b"1", "text_a": b"c", "text_b": b"d", "label": b"no"},
        ]
        [test] = source.get_dataset("test", shuffle=False).as_numpy_iterator()
        assert test["label"] == b""
        assert source.num_input_examples("train_doubled") == 4
        shuffled = source.get_dataset("train", shuffle=True, seed=0)
        assert sorted(e["idx"] for e in shuffled.as_numpy_iterator()) == [0, 1]


def test_rows_of_several_files_are_numbered_on(write, source, tmp_path):
    write("label\ta\tb\nyes\ta\tb\n", "1.tsv")
    write("label\ta\tb\nno\tc\td\n", "2.tsv")
    with run_context.use(data_dir=str(tmp_path), files={"train": "[12].tsv"}):
        first, second = source.examples("train")
    assert (first.idx, first.label, second.idx, second.label) == (0, "yes", 1, "no")


def test_doubling_adds_every_pair_in_the_other_order(write, source, tmp_path):
    write("label\ta\tb\nyes\ta\tb\nno\tc\td\n")
    with run_context.use(data_dir=str(tmp_path), files={}):
        found = source.examples("train_doubled")
        assert [(x.id or str(x.idx), x._replace(id="")) for x in found] == [
            ("0", TextExample(0, "a", "b", "yes")),
            ("1", TextExample(1, "c", "d", "no")),
            ("0-swapped", TextExample(2, "b", "a", "yes")),
            ("1-swapped", TextExample(3, "d", "c", "no")),
        ]
