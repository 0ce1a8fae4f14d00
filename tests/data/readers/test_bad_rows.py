"""How many rows may be left out, and how it is said why they are."""

import pytest
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.bad_rows import BadRows
from electra_bench.data.readers.columns import read_sentences
from electra_bench.data.readers.tables import Columns, one_of, read_table
from electra_bench.data.text.reasons import Reasons


def test_the_limit_is_a_tenth_of_the_rows():
    with run_context.use(on_error="skip", skipped={}):
        bad = BadRows("raise")
        bad.check("a.tsv", 0)
        for line in (3, 4):
            bad.add(f"a.tsv, line {line}: unknown label '{line}'")
        bad.add("a.tsv, line 7: got 3 columns, expected 2")
        bad.check("a.tsv", 27)
        with pytest.raises(ValueError) as caught:
            bad.check("a.tsv", 26)
    assert str(caught.value) == (
        "a.tsv: 3 of 29 rows cannot be used, more than the 10 % that may be skipped "
        "(runs.finetune.max_skipped): line 3: unknown label '3' (and 1 more like "
        "it); line 7: got 3 columns, expected 2"
    )


def test_reasons_have_counts_and_begin_with_the_most_frequent():
    found = ["a: got 1", "a: no 'x'", "a: no 'y'", 'a: no "it\'s"', "a: no 'z'"]
    assert Reasons(found).by_frequency() == [
        "a: no 'x' (and 3 more like it)",
        "a: got 1",
    ]


def table(path, good, bad):
    path.write_text("label\ttext\n" + "a\tb\n" * good + "?\tb\n" * bad)
    return read_table(epath.Path(path), Columns(2, 1, label=0), one_of("ab"), "skip")


def column_file(path, good, bad):
    path.write_text("w O\n\n" * good + "w ?\n\n" * bad)
    return read_sentences(epath.Path(path), 2, ["O"])


@pytest.mark.parametrize("read", [table, column_file])
def test_every_reader_stops_above_the_limit(read, tmp_path):
    path = tmp_path / "train.txt"
    with run_context.use(on_error="skip", skipped={}):
        assert len(read(path, 9, 1)) == 9
        with pytest.raises(
            ValueError, match=r"train.txt: 3 of 23 .* \(and 2 more like"
        ):
            read(path, 20, 3)
        with run_context.use(max_skipped=0.5):
            assert len(read(path, 20, 3)) == 20
        with pytest.raises(ValueError, match="max_skipped must be from 0 to 1, got 2"):
            run_context.RunContext(max_skipped=2)
