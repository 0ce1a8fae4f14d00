import functools

import numpy as np
import pytest
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.columns import original_spans, read_sentences
from electra_bench.data.readers.tag_schemes import (
    SCHEMES,
    read_tags,
    span_labels,
    spans,
)


def written(scheme, found, size):
    """The tags that a scheme has for spans, written down from its definition."""
    tags = ["O"] * size
    for number, (kind, start, end) in enumerate(found):
        follows = number > 0 and found[number - 1][::2] == (kind, start - 1)
        for place in range(start, end + 1):
            is_first, is_last = place == start, place == end
            letter = {
                "IOB1": "B" if is_first and follows else "I",
                "IOB2": "B" if is_first else "I",
                "BIOES": {(1, 1): "S", (1, 0): "B", (0, 0): "I", (0, 1): "E"},
                "BILOU": {(1, 1): "U", (1, 0): "B", (0, 0): "I", (0, 1): "L"},
                "BMES": {(1, 1): "S", (1, 0): "B", (0, 0): "M", (0, 1): "E"},
                "BMEWO": {(1, 1): "W", (1, 0): "B", (0, 0): "M", (0, 1): "E"},
            }[scheme]
            if isinstance(letter, dict):
                letter = letter[int(is_first), int(is_last)]
            tags[place] = f"{letter}-{kind}"
    return tags


def type_first(tag):
    return "-".join(reversed(tag.split("-")))


def small(tag):
    return tag[0].lower() + tag[1:]


@pytest.mark.parametrize(
    "spell", [str, type_first, lambda tag: tag.replace("-", "_"), small]
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_of_every_scheme_and_spelling_are_found(scheme, spell):
    random = np.random.default_rng(0)
    sentences, expected = [], []
    for _ in range(60):
        found, start = [], 0
        while start < 12:
            size = int(random.integers(1, 4))
            if random.random() < 0.7:
                found.append(
                    (str(random.choice(["LOC", "PER"])), start, start + size - 1)
                )
            start += size
        expected.append(found)
        sentences.append([spell(tag) for tag in written(scheme, found, start)])
    read = read_tags(sentences)
    assert read.scheme == scheme
    assert [spans(one.tags) for one in read.sentences] == expected
    assert not any(one.mended or one.odd for one in read.sentences)
    assert read_tags(sentences, scheme) == read


SENTENCES = {
    "IOB1, types that touch": (["I-LOC", "I-PER"], ["S-LOC", "S-PER"]),
    "IOB1, three that touch": (
        ["I-A", "I-A", "I-B", "B-B", "O"],
        ["B-A", "E-A", "S-B", "S-B", "O"],
    ),
    "BILOU": (["B-A", "L-A", "U-A"], ["B-A", "E-A", "S-A"]),
    "no types": (["B", "I", "O", "B"], ["B-_", "E-_", "O", "S-_"]),
    "segmented words": (["B", "M", "E", "S"], ["B-_", "I-_", "E-_", "S-_"]),
    "type first": (["PER-B", "PER-I", "O"], ["B-PER", "E-PER", "O"]),
    "types with hyphens": (["B-a-b", "I-a-b"], ["B-a-b", "E-a-b"]),
    "one odd tag": (["B-A", "I-A", "0"], ["B-A", "I-A", "0"]),
    "parts of speech": (["NN", "O", "IN"], ["NN", "O", "IN"]),
    "subject and object": (["S", "O"], ["S", "O"]),
    "letters": (["N", "V", "B", "I", "E"], ["N", "V", "B", "I", "E"]),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_tags_are_read(case):
    tags, expected = SENTENCES[case]
    assert list(read_tags([tags]).sentences[0].tags) == expected


def test_an_odd_tag_is_named_and_the_others_stay_spans():
    read = read_tags([["B-PER", "0"], ["I-LOC", "O"], []])
    assert [one.odd for one in read.sentences] == [(1,), (), ()]
    assert read.sentences[1].tags == ("S-LOC", "O")


def test_tags_that_contradict_the_scheme_are_told():
    whole = ["B-A", "I-A", "O", "B-B"]
    read = read_tags([whole] * 3 + [["O", "I-A"], ["B-A", "I-B"]])
    assert read.scheme == "IOB2"
    assert [one.mended for one in read.sentences[3:]] == [(1,), (1,)]
    assert [one.tags for one in read.sentences[3:]] == [("O", "S-A"), ("S-A", "S-B")]
    # A span that goes on has the type of its last word in the original.
    one = read_tags([["B-A", "I-B"]], "IOB2", original_spans).sentences[0]
    assert (one.tags, one.mended) == (("B-B", "E-B"), (0,))


def test_a_scheme_may_be_bound():
    assert read_tags([["I", "O", "I"]]).scheme == "none"
    assert read_tags([["I", "O", "I"]], "IOB1").sentences[0].tags == ("S-_", "O", "S-_")
    assert read_tags([["B-A", "I-A"]], "none").sentences[0].tags == ("B-A", "I-A")
    with pytest.raises(ValueError, match=r"scheme must be one of .*, got 'BIO'"):
        read_tags([], "BIO")


def test_labels_are_all_forms_of_the_types():
    expected = ("O", "B-A", "I-A", "E-A", "S-A")
    assert span_labels(["U-A", ""]) == span_labels(["A-B", "O"]) == expected
    assert span_labels(["B-A", "0"]) == expected
    assert span_labels(["S", "O"]) is None


SPELLED = {
    "type last": ("B-PER", "I-PER", "O"),
    "type first": ("PER-B", "PER-I", "O"),
    "no types": ("B", "I", "O"),
    "small letters": ("b-per", "i-per", "o"),
}


@pytest.mark.parametrize("case", SPELLED)
def test_a_few_odd_tags_do_not_make_tags_of_spans_others(case):
    tags = SPELLED[case]
    odd = ["0", "-", "x"] if case == "small letters" else ["0", "o", "-"]
    sentences = [list(tags)] * 50 + [[tag, tags[-1]] for tag in odd]
    read = read_tags(sentences)
    assert read.scheme == "IOB2"
    assert [one.odd for one in read.sentences] == [()] * 50 + [(0,)] * 3
    assert [spans(one.tags)[0][1:] for one in read.sentences[:50]] == [(0, 1)] * 50
    kind = {"no types": "_", "small letters": "per"}.get(case, "PER")
    labels = ("O", *(f"{form}-{kind}" for form in "BIES"))
    assert span_labels(tag for tags in sentences for tag in tags) == labels


@pytest.mark.parametrize("outside", ["0", "o", "-", "OTHER"])
def test_a_tag_that_stands_for_o_throughout_is_odd(outside):
    read = read_tags([["B-A", outside, outside, outside]] * 5 + [["O", "x"]])
    assert read.scheme == "IOB2"
    assert [one.odd for one in read.sentences] == [(1, 2, 3)] * 5 + [(1,)]
    assert span_labels({"B-A": 5, outside: 500, "O": 20}) is not None


def test_rare_tags_that_look_like_those_of_spans_make_no_spans():
    parts = ["NN"] * 60 + ["VB"] * 30 + ["B-X", "A-B", "B", "b-x", "O", "o"]
    assert read_tags([parts]).scheme == "none"
    assert span_labels(parts) is None
    # Each of the different ones counts once where labels are given.
    assert span_labels(["PER-B", "PER-I", "O", "0", "-"]) is not None


def test_a_file_in_iob1_and_what_contradicts_its_scheme(tmp_path):
    path = epath.Path(tmp_path / "all.txt")
    labels = span_labels(["B-LOC", "B-PER"])
    read = functools.partial(read_sentences, path, 2, labels)
    path.write_text("London I-LOC\nHarry I-PER\nHarry B-PER\n")
    with run_context.use(notes={}) as context:
        [sentence] = read()
        assert sentence.tags == ("S-LOC", "S-PER", "S-PER")
        assert not context.notes
        assert read(scheme="IOB2") == [sentence]
    [(mark, places)] = context.notes.items()
    first, second = places
    assert mark == "tags mended"
    assert first == f"{path}, line 1: 'I-LOC' contradicts IOB2, read as S-LOC"
    assert second == f"{path}, line 2: 'I-PER' contradicts IOB2, read as S-PER"
    path.write_text("London B-LOC\nis 0\nLyon B-LOC\n")
    with pytest.raises(ValueError, match=r"all.txt, line 2: unknown tag '0'; near: \["):
        read()


def found_in(sentences):
    return {(one.number, *span) for one in sentences for span in spans(one.tags)}


def test_wikigold_has_all_its_spans(shared_data):
    path = epath.Path(shared_data / "ner/wikigold/all.txt")
    labels = span_labels(["B-LOC", "B-MISC", "B-ORG", "B-PER"])
    with run_context.use(notes={}) as context:
        found = found_in(read_sentences(path, 2, labels))
    assert len(found) == 3558
    assert not context.notes
    # In the original spans go on over other types.
    merged = found_in(read_sentences(path, 2, labels, find_spans=original_spans))
    assert len(found - merged) == 34


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        (["b-per", "i-per", "o"], ("O", "B-per", "I-per", "E-per", "S-per")),
        (["b-per", "O"], ("O", "B-per", "I-per", "E-per", "S-per")),
        # Nothing says that these are of spans.
        (["b-per", "i-per"], None),
        (["b-per", "noun", "o"], None),
        (["o"], None),
        (["u-turn", "e-mail", "o"], None),
    ],
)
def test_small_letters_are_of_spans_if_all_are(tags, labels):
    assert span_labels(tags) == labels
    read = read_tags([tags])
    assert read.scheme == ("none" if labels is None else "IOB2")
    if labels is None and "noun" not in tags and len(tags) > 1:
        assert not any(one.odd for one in read_tags([tags], "IOB2").sentences)
