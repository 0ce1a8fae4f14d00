"""Scored examples among those of training, and in text."""

import pytest
import seqio
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.text.files import iter_documents
from electra_bench.data.text.streams import Document
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.leaks.in_text import Overlap, overlap_in, union
from electra_bench.tasks.leaks.in_training import repeats_in
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.registration import load_task

# 30 words, of which no five follow one another twice.
LONG = " ".join(f"word{i}" for i in range(30))


def examples(*rows):
    return ExampleTexts.of((str(i), row) for i, row in enumerate(rows))


def test_how_scored_examples_are_in_training():
    trained = examples(
        ("A small dog .", "It barks."),
        (LONG, "A question?"),
        ("A paragraph of a page.", "Its first question?"),
        ("Alone",),
    )
    scored = examples(
        ("a  SMALL dog .", "it barks. "),
        ("Ａ small dog .", "It barks."),
        (f"{LONG} more", "A question?"),
        (f"{LONG} more and more of it", "A question?"),
        ("A paragraph of a page.", "Its second question?"),
        ("A paragraph of a page.", "It barks."),
        ("It barks.",),
        ("alone", ""),
        ("", " "),
        ("It barks.", "A small dog ."),  # nearly all labels of pairs say the same of it
    )
    found = repeats_in(scored, [trained])
    assert found == (10, ["0", "7"], ["1", "2", "9"], ["4", "5"])


def test_several_training_sets_are_one():
    one, other = examples(("one", "two")), examples(("three",))
    found = repeats_in(
        examples(("three",), ("one", "two"), ("one", "three")), [one, other]
    )
    assert (found.exact, found.near, found.shared) == (["0", "1"], [], ["2"])


def test_dirty_examples_are_half_in_a_text():
    def text(begin, end):
        return " ".join(f"w{i}" for i in range(begin, end))

    scored = examples(
        (text(0, 30),),  # 18 n-grams of 13 words, all of them
        (text(0, 20) + " other " + text(50, 58),),  # 8 of 17
        (text(0, 22) + " other " + text(50, 56),),  # 10 of 17
        (text(3, 11), "no"),  # 8 words, as a whole
        (text(3, 10),),  # too short
        (text(40, 60),),
        (text(5, 30), text(40, 52)),  # 13 of 14
    )
    found = overlap_in([Document("x", text(0, 30).title())], scored)
    assert found.num_examples == 7 and found.too_short == ["4"]
    assert found.found == pytest.approx(
        {"0": 1.0, "1": 8 / 17, "2": 10 / 17, "3": 1.0, "6": 13 / 14}, abs=1e-4
    )
    assert [*found.dirty] == ["0", "2", "3", "6"]
    other = Overlap(7, ["4"], {"1": 0.9, "5": 0.1})
    assert union([found, other]).found == {**found.found, "1": 0.9, "5": 0.1}


@pytest.fixture
def split(tmp_path, monkeypatch):
    """A split of a plain seqio task, and a list that grows when it is read."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path))
    read = []

    def dataset(split, shuffle_files, seed=None):
        del shuffle_files, seed
        read.append(split)
        rows = {
            "id": ["a", "b"],
            "premise": ["One.", "Two."],
            "words": [["x", "y"], ["", "z"]],
            "label": ["0", "1"],
            "number": [1, 2],
        }
        return tf.data.Dataset.from_tensor_slices(rows)

    source = seqio.FunctionDataSource(dataset, splits=["train", "dev"])
    seqio.TaskRegistry.add(
        "plain_of_test", source, preprocessors=[], output_features={}
    )
    return lambda name: Split.here("plain_of_test", name), read


def test_a_source_of_any_kind_has_texts(split):
    of, _ = split
    texts = of("dev").texts()
    assert texts.ids == ["a", "b"]
    found = [[texts.texts[i] for i in example] for example in texts.examples]
    assert found == [["One.", "x y"], ["Two.", " z"]]


def real(shared_data, task, split, limit=None):
    with run_context.use(data_dir=str(shared_data)):
        texts = ExampleTexts.read(load_task(task), split)
    return texts._replace(ids=texts.ids[:limit], examples=texts.examples[:limit])


def test_contexts_of_qnli_are_in_wikipedia(shared_data):
    corpus = [str(shared_data / "corpus" / "wikipedia-articles.txt.xz")]
    # In one pass: the dev set is of other articles.
    parts = [
        real(shared_data, "qnli", *part) for part in (("train", 2000), ("dev", 2000))
    ]
    rows = [
        (f"{number}-{identity}", tuple(part.texts[i] for i in example))
        for number, part in enumerate(parts)
        for identity, example in zip(part.ids, part.examples, strict=True)
    ]
    found = overlap_in(iter_documents(corpus), ExampleTexts.of(rows))
    dirty = [identity[0] for identity in found.dirty]
    assert dirty.count("0") > 0.95 * 2000
    assert dirty.count("1") < 0.005 * 2000


def test_sentences_of_ewt_are_in_its_text(shared_data):
    corpus = shared_data / "corpus" / "web-ewt.txt.xz"
    train = real(shared_data, "pos", "train", 4000)
    found = overlap_in(iter_documents([str(corpus)]), train)
    long_enough = found.num_examples - len(found.too_short)
    assert len(found.dirty) > 0.95 * long_enough > 0.6 * 4000
