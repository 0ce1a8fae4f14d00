"""Features by registered name: what is chosen encodes the examples."""

import dataclasses
import json
import os

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import config
from electra_bench.cli.main import main
from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.data.examples.builder import ExampleBuilder
from electra_bench.registry import UnknownName, features
from electra_bench.runs.launch import Session, parse
from electra_bench.system.behaviour import behaviour_sha256
from electra_bench.system.inventory import FILE_NAME as INVENTORY
from electra_bench.tasks.corpora.examples import build_corpus
from electra_bench.tasks.corpora.registration import add_corpus
from electra_bench.tasks.features import choices
from electra_bench.tasks.features.pretraining import Pretraining
from electra_bench.tasks.features.windows import Windows, encode_windows
from electra_bench.tasks.features.words import Words, encode_words
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import wordpiece


class Letters:
    """Every letter is a token."""

    special_ids = SpecialIds(size=128, pad=0, unk=1, cls=2, sep=3, mask=4)
    sha256 = "letters"

    def encode_word(self, word):
        return [ord(letter) for letter in word]

    def encode(self, text):
        return [ord(letter) for letter in text if letter != " "]

    def encode_with_offsets(self, text):
        return [(ord(x), i, i + 1) for i, x in enumerate(text) if x != " "]


@dataclasses.dataclass(frozen=True)
class FirstLetters(Words):
    """One token a word."""

    def pieces(self, word, vocabulary):
        return super().pieces(word, vocabulary)[:1]


@dataclasses.dataclass(frozen=True)
class Apart(Windows):
    """Windows that never overlap."""

    def parts(self, num_tokens, room, doc_stride):
        return [(i, min(i + room, num_tokens)) for i in range(0, num_tokens, room)]


@dataclasses.dataclass(frozen=True)
class Short(Pretraining):
    """Examples of half the length."""

    def builder(self, max_length, cls_id, sep_id, dtype):
        return ExampleBuilder(max_length // 2, cls_id, sep_id, dtype, self.cut_tokens)


ASKED = {
    "tagging": "tagged_words",
    "span_qa": "context_windows",
    "corpus": "pretraining_examples",
}
OTHERS = {"tagging": FirstLetters, "span_qa": Apart, "corpus": Short}


@pytest.fixture(autouse=True)
def others():
    """Features beside the built-in ones; gin forgets no name."""
    for kind, builder in OTHERS.items():
        if f"{kind}_of_test" not in features.loaded():
            features.register(f"{kind}_of_test")(builder)
    with run_context.use(vocabulary=Letters()):
        yield


def choose(kind):
    gin.bind_parameter(f"features.{kind}.name", f"{kind}_of_test")


def rows(dataset):
    return [row["input_ids"].tolist() for row in dataset.as_numpy_iterator()]


def tagged():
    words = {"words": ["ab", "cd"], "tags": ["X", "O"], "idx": 0}
    dataset = tf.data.Dataset.from_tensors(words)
    return rows(encode_words(dataset, {"input_ids": 16}, labels=("O", "X")))


def windows():
    example = {
        "question": "q",
        "context": "abcdef",
        "answer_start": np.zeros(0, np.int32),
        "answer_end": np.zeros(0, np.int32),
        "is_impossible": 0,
    }
    gin.bind_parameter("features.windows.doc_stride", 1)
    dataset = tf.data.Dataset.from_tensors(example)
    return rows(encode_windows(dataset, {"input_ids": 7}))


@pytest.mark.parametrize(
    ("kind", "encode", "expected"),
    [("tagging", tagged, (6, 4)), ("span_qa", windows, (4, 2))],
)
def test_the_chosen_features_encode_a_task(kind, encode, expected):
    key = behaviour_sha256([getattr(choices, ASKED[kind])()])
    before = encode()
    gin.clear_config()
    choose(kind)
    after = encode()
    sizes = [
        len(made[0]) if kind == "tagging" else len(made) for made in (before, after)
    ]
    assert tuple(sizes) == expected
    # The cache's key: examples of other features are other files.
    assert behaviour_sha256([getattr(choices, ASKED[kind])()]) != key


@pytest.mark.parametrize("processes", [1, 2])
def test_the_chosen_features_build_a_corpus(text_file, vocab_file, processes):
    add_corpus(f"test_features_{processes}", str(text_file), holdout=0.2)
    task = load_task(f"test_features_{processes}")
    longest, folders = [], []
    with run_context.use(vocabulary=wordpiece(str(vocab_file))):
        for chosen in (False, True):
            if chosen:
                choose("corpus")
            built = build_corpus(task, "train", 32, processes)
            longest.append(int(built.store.lengths("input_ids").max()))
            folders.append(built.directory)
    assert longest == [32, 16] and folders[0] != folders[1]


def test_a_folder_of_other_features_is_refused(text_file, vocab_file):
    add_corpus("test_made_features", str(text_file), holdout=0.2)
    with run_context.use(vocabulary=wordpiece(str(vocab_file))):
        usual = build_corpus(load_task("test_made_features"), "train", 32, 1)
        add_corpus("test_made_usual", usual.directory)
        choose("corpus")
        short = build_corpus(load_task("test_made_features"), "train", 32, 1)
        add_corpus("test_made_short", short.directory)
        message = "made with the features 'pretraining', .* is 'corpus_of_test'"
        with pytest.raises(ValueError, match=message):
            build_corpus(load_task("test_made_usual"), "train", 32)
        assert build_corpus(load_task("test_made_short"), "train", 32).store
        gin.clear_config()
        message = "made with the features 'corpus_of_test', .* is 'pretraining'"
        with pytest.raises(ValueError, match=message):
            build_corpus(load_task("test_made_short"), "train", 32)
        # A folder of an earlier version does not say.
        path = f"{usual.directory}/manifest.json"
        with open(path) as file:
            manifest = json.load(file)
        assert manifest.pop("features") == {
            "name": "pretraining",
            "values": {"cut_tokens": "dropped"},
        }
        with open(path, "w") as file:
            json.dump(manifest, file)
        os.remove(f"{usual.directory}/{INVENTORY}")
        assert build_corpus(load_task("test_made_usual"), "train", 32).store
        choose("corpus")
        with pytest.raises(ValueError, match="made with the features 'pretraining'"):
            build_corpus(load_task("test_made_usual"), "train", 32)


def test_without_a_choice_a_configuration_does_not_name_them():
    session = Session("finetune", parse([], []))
    tagged(), windows(), choices.pretraining_examples()
    said = config.literals(session.spec("label", "name").text)
    assert said["features.words.segment_id"] == 0
    assert not any(name.endswith(".name") for name in said)
    choose("tagging")
    tagged()
    assert "tagging.name = 'tagging_of_test'" in gin.operative_config_str()


@pytest.mark.parametrize("kind", OTHERS)
def test_an_unknown_name_lists_near_ones(kind):
    gin.bind_parameter(f"features.{kind}.name", "wrods")
    with pytest.raises(UnknownName, match=r"no features 'wrods'; near: \['words'\]"):
        getattr(choices, ASKED[kind])()


def test_features_of_another_kind_are_an_error(finetune, capsys):
    gin.bind_parameter("features.tagging.name", "windows")
    with pytest.raises(ValueError, match="'windows', which is no TaggedWords"):
        choices.tagged_words()
    assert main(finetune("features.tagging.name = 'windows'")) == 2
    [line] = [
        x for x in capsys.readouterr().err.splitlines() if "features.tagging.name" in x
    ]
    assert "which is no TaggedWords" in line
