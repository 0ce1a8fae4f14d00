import functools
import json

import numpy as np
import pytest
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.columns import (
    ColumnSource,
    SplitPart,
    bioes,
    read_columns,
    read_conllu,
    read_sentences,
    spans,
)
from electra_bench.data.readers.labelled_source import Sentence

LABELS = ("B-NP", "E-NP", "I-NP", "O", "S-NP")
TEXT = "-DOCSTART- x\n\na B-NP\nb I-NP\nc I-NP\n\t\n\nd B-NP\ne O\n"


@pytest.fixture
def write(tmp_path):
    """Of the few rows of such a file half may be bad."""

    def write(text, name="chunk/train.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return epath.Path(path)

    with run_context.use(max_skipped=0.5):
        yield write


def test_sentences_are_read_and_tags_re_encoded(write):
    first, second = read_sentences(write(TEXT), 2, LABELS)
    # The document that begins at line 1.
    document = {"group": "line 1"}
    tags = ("B-NP", "I-NP", "E-NP")
    assert first == Sentence(0, ("a", "b", "c"), tags, **document)
    assert second == Sentence(1, ("d", "e"), ("S-NP", "O"), **document)


def test_hyphens_in_types_are_kept():
    assert bioes(["B-work-of-art", "I-work-of-art"]) == (
        "B-work-of-art",
        "E-work-of-art",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a B-NP\nb\n", "train.txt, line 2: got 1 columns, expected 2"),
        ("a\nb O\n\nc O\n", "train.txt, line 1: got 1 columns, expected 2"),
        ("a x O\nb x O\n", "train.txt: got 3 columns, expected 2"),
        ("a O\n\nb B-PN\n", r"line 3: unknown tag 'B-PN' \(S-PN in BIOES\); near"),
        ("-DOCSTART- O\n", "train.txt: no sentences"),
    ],
)
def test_a_bad_file_is_named(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_sentences(write(text), 2, LABELS)


def test_a_sentence_with_a_bad_line_can_be_skipped(write):
    text = "a O\nb\nc O\nd\n\ne O\n\nf S-NP\ng B-PN\n\nh O\n"
    with run_context.use(on_error="skip", skipped={}) as context:
        sentences = read_sentences(write(text), 2, LABELS)
    assert sentences == [Sentence(1, ("e",), ("O",)), Sentence(3, ("h",), ("O",))]
    columns, tag = context.skipped
    assert columns.endswith("train.txt, line 2: got 1 columns, expected 2")
    assert "train.txt, line 9: unknown tag 'B-PN' (S-PN in BIOES)" in tag
    with (
        run_context.use(on_error="skip", skipped={}),
        pytest.raises(ValueError) as all_,
    ):
        read_sentences(write("a B-PN\n\nb B-PN\n"), 2, LABELS)
    assert "no sentence can be used; the first problem: line 1: unknown" in str(
        all_.value
    )


@pytest.mark.parametrize("line", ["a", "a NN", "a NN _"])
def test_a_file_without_tags(write, line):
    [sentence] = read_sentences(write(f"{line}\n"), 3, LABELS)
    assert sentence == Sentence(0, ("a",), ("",))


SEPARATED = {
    "a no-break space is no separator": (
        "10\xa0000 O\nEuro O\n\n\u3000 O\n",
        [("10\xa0000", "Euro"), ("\u3000",)],
    ),
    "nor is a blank beside tabs": (
        "New York\tO\n\nin\tO\nLos Angeles\tO\n",
        [("New York",), ("in", "Los Angeles")],
    ),
    "several tabs align a column": (
        "-DOCSTART- -X-\n\na\t\tO\nlong \tO\t\n",
        [("a", "long")],
    ),
    "a tab among blanks": ("a O\nb\tO\nc  O \n", [("a", "b", "c")]),
    "a comment before a sentence": (
        "# n-tv.de vom 26.02.2005\na O\n# O\n\n#\n\n# from here\n#b O\n",
        [("a", "#"), ("#b",)],
    ),
    "comments beside tabs": (
        "#\nNew York\tO\n\n# x\n# y\nb\tO\n",
        [("New York",), ("b",)],
    ),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_words_between_separators(write, case):
    text, expected = SEPARATED[case]
    found = read_sentences(write(text), 2, LABELS)
    assert [sentence.words for sentence in found] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # None of these is a comment.
        ("a O\n# n-tv.de vom 2005\nb O\n", "line 2: got 4 columns, expected 2"),
        ("a O\nb O\n\n# x O\nb O\n", "line 4: got 3 columns, expected 2"),
        ("a O\nb O\n\n#x y O\nb O\n", "line 4: got 3 columns, expected 2"),
        ("a\tO\n\tO\n", "line 2: got 1 columns, expected 2, separated by tabs"),
    ],
)
def test_no_line_of_words_is_taken_for_less(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_sentences(write(text), 2, LABELS)


def test_columns_of_germeval(write):
    text = (
        "#\thttp://de.wikipedia.org/wiki/Manfred_Korfmann [2009-10-17]\n"
        "1\tAufgrund\tO\tO\n2\tM.\xa0Korfmann\tB-PER\tO\n\n"
        "#\thttp://de.wikipedia.org/wiki/Troia [2009-10-17]\n1\tTroia\tB-LOC\tO\n"
    )
    file = read_columns(write(text))
    assert file.width == 4
    first, second = (record.fields[1] for record in file.sentences)
    assert (first, second) == (("Aufgrund", "M.\xa0Korfmann"), ("Troia",))


CONLLU = """\
# text = He doesn't.
1\tHe\the\tPRON\t_\t_\t_\t_\t_\t_
2-3\tdoesn't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdoes\tdo\tAUX\t_\t_\t_\t_\t_\t_
3\tn't\tnot\tPART\t_\t_\t_\t_\t_\t_
3.1\tgo\tgo\tVERB\t_\t_\t_\t_\t_\t_

1\tNew York\tNew York\tPROPN\t_\t_\t_\t_\t_\t_
"""
PARTS_OF_SPEECH = ("AUX", "PART", "PRON", "PROPN", "VERB")


def test_conllu(write):
    first, second = read_conllu(write(CONLLU), PARTS_OF_SPEECH)
    assert first == Sentence(0, ("He", "does", "n't"), ("PRON", "AUX", "PART"))
    assert second == Sentence(1, ("New York",), ("PROPN",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONLLU.replace("PROPN", "PRPN"), "line 8: unknown tag 'PRPN'; near: .'PROPN'"),
        ("1 a a X\n", "line 1: got 1 columns, expected 10, separated by tabs"),
        ("# nothing\n", "no sentences"),
        (CONLLU.replace("\n2\t", "\nx2\t"), "line 4: ID 'x2' is no number"),
        (CONLLU.replace("\n3\t", "\n3.\t"), "line 5: ID '3.' is no number"),
        (CONLLU.replace("\n3\t", "\n٣\t"), "line 5: ID '٣' is no number"),
        (CONLLU.replace("\n3\t", "\n\t"), "line 5: ID '' is no number"),
    ],
)
def test_bad_conllu_is_named(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_conllu(write(text), PARTS_OF_SPEECH)


def test_conllu_may_lack_tags_and_sentences_be_skipped(write):
    untagged = CONLLU
    for tag in PARTS_OF_SPEECH:
        untagged = untagged.replace(f"\t{tag}\t", "\t_\t")
    first, second = read_conllu(write(untagged), PARTS_OF_SPEECH)
    assert first == Sentence(0, ("He", "does", "n't"), ("", "", ""))
    with run_context.use(on_error="skip", skipped={}) as context:
        text = CONLLU.replace("\n3\t", "\nthree\t")
        [sentence] = read_conllu(write(text), PARTS_OF_SPEECH)
    [reason] = context.skipped
    assert sentence.words == ("New York",)
    assert "line 5: ID 'three' is no number (3), range (3-4) or empty node" in reason
    bad = CONLLU.replace("PART", "PRT")
    with run_context.use(on_error="skip", skipped={}) as context:
        assert read_conllu(write(bad), PARTS_OF_SPEECH) == [
            second._replace(tags=("PROPN",))
        ]
    [reason] = context.skipped
    assert "line 5: unknown tag 'PRT'" in reason


def test_spans_and_tags_equal_the_originals(shared_golden):
    golden = json.loads((shared_golden / "metrics/tagging.json").read_text())
    for case in golden["decode"]:
        if (
            "error" in case["spans_start_end_type"]
        ):  # the original fails at tags with two hyphens
            continue
        assert [list(s) for s in spans(case["tags"])] == case["spans_start_end_type"]
    for case in golden["encode"]:
        if case["encoding"] == "BIOES":
            assert list(bioes(case["tags"])) == case["tags"]


FORMS = {
    "IOB1": lambda size, follows: ["B" if follows else "I", *"I" * (size - 1)],
    "IOB2": lambda size, follows: ["B", *"I" * (size - 1)],
    "BIOES": lambda size, follows: [
        *("B" + "I" * (size - 2) + "E" if size > 1 else "S")
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_spans_come_back_from_the_tags_of_all_forms(form):
    random = np.random.default_rng(0)
    for _ in range(50):
        expected, written, bioes_tags = [], [], []
        for _ in range(random.integers(0, 6)):
            size = int(random.integers(1, 4))
            if random.random() < 0.4:
                written += ["O"] * size
                bioes_tags += ["O"] * size
                continue
            kind, begin = str(random.choice(["NP", "work-of-art"])), len(written)
            follows = begin > 0 and written[-1] != "O"
            expected.append((begin, begin + size - 1, kind))
            written += [f"{tag}-{kind}" for tag in FORMS[form](size, follows)]
            bioes_tags += [f"{tag}-{kind}" for tag in FORMS["BIOES"](size, follows)]
        assert spans(written) == expected
        assert bioes(written) == tuple(bioes_tags)


def test_contradicting_tags_make_one_span_of_the_last_type():
    assert spans(["I-A", "I-B", "E-C", "I-D", "O", "E-A"]) == [(0, 3, "D"), (5, 5, "A")]


@pytest.fixture
def source():
    parts = {
        "train": SplitPart(("train",), "rest"),
        "dev": SplitPart(("train",), "held_out"),
        "train_all": SplitPart(("train",)),
        "test": SplitPart(("test", "dev")),
    }
    read = functools.partial(read_sentences, num_columns=2, labels=LABELS)
    return ColumnSource("chunk", (), parts, read)


def words(source, split):
    return [sentence.words for sentence in source.examples(split)]


def test_a_tenth_is_held_out_by_content(write, source, tmp_path):
    text = "\n\n".join(f"w{i % 100} O" for i in range(200))
    write(text)
    with run_context.use(data_dir=str(tmp_path), files={}):
        train, dev = words(source, "train"), words(source, "dev")
        assert len(train) + len(dev) == 200 == len(words(source, "train_all"))
        assert not set(train) & set(dev)
        assert 4 <= len(dev) <= 40
        bound = str(write("own O\n", "own.txt"))
        with run_context.use(files={"dev": bound}):
            assert words(source, "dev") == [("own",)]
            assert len(words(source, "train")) == 200
            with pytest.raises(FileNotFoundError):  # it is no test file
                words(source, "test")
        assert source.file_names == ["dev", "test", "train"]


def test_test_is_also_read_from_dev(write, source, tmp_path):
    with run_context.use(data_dir=str(tmp_path), files={}):
        with pytest.raises(FileNotFoundError, match=r"test\.txt.*dev\.txt"):
            source.examples("test")
        write("a O\n", "chunk/dev.txt")
        assert words(source, "test") == [("a",)]
        write("b O\n", "chunk/test.txt")
        assert words(source, "test") == [("b",)]


def test_sentences_of_several_files_are_numbered_on(write, source, tmp_path):
    files = [str(write(f"{word} O\n", f"{word}.txt")) for word in "ba"]
    with run_context.use(data_dir=str(tmp_path), files={"train": files}):
        found = source.examples("train_all")
    assert [(s.number, s.words) for s in found] == [(0, ("b",)), (1, ("a",))]


def test_tags_may_be_missing_in_test_only(write, source, tmp_path):
    write("a\n\nb\n")
    with (
        run_context.use(data_dir=str(tmp_path), files={}),
        pytest.raises(ValueError, match=r"txt: the column of tags is missing or empty"),
    ):
        source.examples("train_all")


def test_a_source_yields_raw_examples(write, source, tmp_path):
    write(TEXT)
    with run_context.use(data_dir=str(tmp_path), files={}):
        dataset = source.get_dataset("train_all", shuffle=False)
        first, second = dataset.as_numpy_iterator()
        assert first["words"].tolist() == [b"a", b"b", b"c"]
        assert second["tags"].tolist() == [b"S-NP", b"O"]
        assert (second["idx"], second["id"]) == (1, b"1")
