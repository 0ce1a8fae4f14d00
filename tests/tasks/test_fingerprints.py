import functools
import os
import subprocess
import sys

import seqio
import tensorflow as tf

from electra_bench.tasks.fingerprints import data_sha256, preprocessing_sha256

FEATURES = {
    "labels": seqio.Feature(seqio.PassThroughVocabulary(0), add_eos=False, rank=1)
}
FACTOR = 2


def source(**features):
    return seqio.FunctionDataSource(
        lambda split, shuffle_files, seed=None: tf.data.Dataset.from_tensor_slices(
            features
        ),
        splits=["train"],
    )


def task(*preprocessors, raw=None):
    return seqio.Task(
        "unregistered",
        raw or source(a=["x"]),
        FEATURES,
        preprocessors=preprocessors,
    )


def data(**features):
    return data_sha256(task(raw=source(**features)), "train")


def test_equal_examples_have_equal_hashes():
    assert data(a=["x", "y"], b=[1, 2]) == data(b=[1, 2], a=["x", "y"])
    lines = ["x", "y"]
    generated = seqio.FunctionDataSource(
        lambda split, shuffle_files, seed=None: tf.data.Dataset.from_generator(
            lambda: ({"a": line} for line in lines),
            output_signature={"a": tf.TensorSpec([], tf.string)},
        ),
        splits=["train"],
    )
    assert data_sha256(task(raw=generated), "train") == data(a=lines)


def test_hashes_stay_as_records_have_them():
    vectors = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1, 2], [], [3]]))
    several = tf.data.Dataset.zip(
        {
            "text": tf.data.Dataset.from_tensor_slices(["x", "é", ""]),
            "number": tf.data.Dataset.from_tensor_slices([1, 2, 3]),
            "pair": tf.data.Dataset.from_tensor_slices([[0.5, 1.0]] * 3),
            "vector": vectors.map(tf.convert_to_tensor),
            "words": tf.data.Dataset.from_tensor_slices([["a", "b"]] * 3),
        }
    )
    raw = seqio.FunctionDataSource(
        lambda split, shuffle_files, seed=None: several, splits=["train"]
    )
    # Scores whose hashes differ share no column, so old records would stand apart.
    assert (
        data_sha256(task(raw=raw), "train")
        == "137223736a7fe8196bcd37f6bbfe691fe98f875b87ac2f76d2d0346c8a6862ee"
    )


def test_any_change_to_the_data_changes_the_hash():
    ragged = tf.ragged.constant
    hashes = [
        data(a=["x", "y"]),
        data(a=["y", "x"]),
        data(a=["x", "y", ""]),
        data(a=["xy"]),
        data(b=["x", "y"]),
        data(a=ragged([["x"], ["y"]])),
        data(a=ragged([["x", "y"]])),
        data(a=[1, 2]),
        data(a=[1.0, 2.0]),
        data(a=tf.constant([1, 2], tf.int64)),
        data(a=ragged([[1, 2], [3]])),
        data(a=ragged([[1], [2, 3]])),
    ]
    assert len(set(hashes)) == len(hashes)


def preprocessing(*preprocessors):
    return preprocessing_sha256(task(*preprocessors))


def identity(dataset):
    return dataset


def scaled(dataset, factor=1):
    return dataset.map(lambda e: {"labels": e["labels"] * factor})


def shifted(offset):
    def preprocess(dataset):
        return dataset.map(lambda e: {"labels": e["labels"] + offset})

    return preprocess


def with_constant(dataset):
    return dataset.map(lambda e: {"labels": e["labels"] * FACTOR})


@seqio.map_over_dataset
def mapped(example):
    return helped(example)


def helped(example):
    return {"labels": example["labels"] * FACTOR}


class Shift:
    def __init__(self, offset):
        self.offset = offset

    def __call__(self, dataset):
        return shifted(self.offset)(dataset)

    def method(self, dataset):
        return self(dataset)


def test_any_change_to_the_preprocessing_changes_the_hash(monkeypatch):
    hashes = [
        preprocessing(),
        preprocessing(identity),
        preprocessing(identity, identity),
        preprocessing(scaled),
        preprocessing(functools.partial(scaled, factor=2)),
        preprocessing(functools.partial(scaled, factor=3)),
        preprocessing(shifted(1)),
        preprocessing(shifted(2)),
        preprocessing(shifted([1, 2])),
        preprocessing(shifted({"a": 1})),
        preprocessing(shifted({"a": 2})),
        preprocessing(shifted(tf.constant([1, 2]))),
        preprocessing(shifted(tf.constant([1, 3]))),
        preprocessing(Shift(1)),
        preprocessing(Shift(2)),
        preprocessing(Shift(1).method),
        preprocessing(with_constant),
        preprocessing(mapped),
    ]
    monkeypatch.setitem(globals(), "FACTOR", 3)
    hashes += [preprocessing(with_constant), preprocessing(mapped)]
    assert len(set(hashes)) == len(hashes)
    assert preprocessing(shifted(1)) == hashes[6]
    assert preprocessing(Shift(1)) == hashes[13]


def test_the_emitted_features_count():
    other = {"labels": seqio.Feature(FEATURES["labels"].vocabulary, rank=1)}
    changed = task(identity).replace(output_features=other)
    assert preprocessing_sha256(changed) != preprocessing(identity)


def test_hashes_are_equal_in_other_processes():
    program = (
        "from test_fingerprints import *\n"
        "print(preprocessing(mapped, shifted({'b', 'a', 'c'}), Shift(1)))"
    )
    here = preprocessing(mapped, shifted({"b", "a", "c"}), Shift(1))
    environment = dict(os.environ, PYTHONHASHSEED="7", TF_CPP_MIN_LOG_LEVEL="3")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=os.path.dirname(__file__),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == here
