"""seqio is where training data, evaluation and cache keys come from."""

import collections

import numpy as np
import pytest
import seqio
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.examples.batch_plan import RandomPlan
from electra_bench.data.examples.batches import make_batch
from electra_bench.records import TaskCard
from electra_bench.tasks import examples as task_examples
from electra_bench.tasks import postprocessors
from electra_bench.tasks.examples import examples
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.registration import add_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "very", "film"]


def card(name):
    return TaskCard(
        name=name,
        version=1,
        kind="classification",
        summary="",
        builder="",
        splits={},
        main_metric="accuracy",
        source="",
        licence="",
        citation="",
        labels=("no", "yes"),
    )


def source(texts):
    def dataset(split, shuffle_files, seed=None):
        rows = {
            "idx": tf.range(len(texts)),
            "id": tf.constant([f"{split}-{i}" for i in range(len(texts))]),
            "text_a": tf.constant(texts),
            "text_b": tf.constant([""] * len(texts)),
            "label": tf.constant(["yes" if "good" in x else "no" for x in texts]),
        }
        return tf.data.Dataset.from_tensor_slices(rows)

    return seqio.FunctionDataSource(dataset, splits=("train", "dev"))


def register(name, texts):
    add_task(
        card(name),
        source(texts),
        [
            preprocessors.encode_texts,
            preprocessors.class_labels(("no", "yes")),
            preprocessors.complete,
        ],
        postprocessors.class_label(("no", "yes")),
        [accuracy],
    )


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """A vocabulary and an empty cache."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(TOKENS))
    with run_context.use(vocabulary=WordPieceVocabulary(str(path))):
        yield tmp_path / "cache"


def replace_source(name, texts):
    seqio.TaskRegistry.remove(name)
    register(name, texts)


def test_replacing_a_source_changes_batches_evaluation_and_key(surroundings):
    register("spine", ["good film", "bad film"])

    def seen():
        [part] = examples("spine", "train", 16)
        rows = RandomPlan([len(part.store)], [1.0], 2, seed=0)[0]
        batch = make_batch([part.store], rows)
        [held_out] = examples("spine", "dev", 16)
        targets = [int(held_out.store.row("labels", i)[0]) for i in range(2)]
        folders = {path.name for path in (surroundings / "examples").iterdir()}
        return batch.input_ids.tolist(), targets, part.data_sha256, folders

    first = seen()
    assert seen() == first
    replace_source("spine", ["very good film", "very good good film"])
    second = seen()
    assert first[0] != second[0]
    assert first[1] == [1, 0] and second[1] == [1, 1]
    assert first[2] != second[2]
    assert len(first[3]) == 2 and len(second[3]) == 4


def test_draws_follow_the_rates_of_a_seqio_mixture(surroundings):
    register("spine_a", ["good film"] * 30)
    register("spine_b", ["bad film"] * 500)
    seqio.MixtureRegistry.add("spine_mixture", [("spine_a", 3.0), ("spine_b", 1.0)])
    parts = examples("spine_mixture", "train", 16)
    plan = RandomPlan(
        [len(p.store) for p in parts], [p.rate for p in parts], batch_size=10, seed=1
    )
    stores = [part.store for part in parts]
    counts = collections.Counter()
    for step in range(1000):
        for task, index in zip(*plan[step], strict=True):
            counts[int(stores[task].row("labels", index)[0])] += 1
    assert counts[1] / 10_000 == pytest.approx(0.75, abs=0.02 * 0.75)
    seqio.MixtureRegistry.remove("spine_mixture")


def test_plain_seqio_reads_the_same_examples(surroundings):
    register("spine_plain", ["good film", "very bad film"])
    dataset = seqio.get_mixture_or_task("spine_plain").get_dataset(
        {"input_ids": 16}, "train", shuffle=False
    )
    [part] = examples("spine_plain", "train", 16)
    for i, example in enumerate(dataset.as_numpy_iterator()):
        np.testing.assert_array_equal(example["input_ids"], part.store[i]["input_ids"])
    assert part.store[1]["id"] == "train-1"


def test_missing_splits_are_named(surroundings):
    register("spine_splits", ["good film"])
    with pytest.raises(ValueError, match=r"no split 'test'; it has \['dev', 'train'\]"):
        examples("spine_splits", "test", 16)


def test_a_source_is_read_for_its_hash_before_and_after_and_for_its_examples(
    surroundings,
):
    register("read_twice", ["good film", "bad film"])
    source = seqio.TaskRegistry.get("read_twice").source
    reads = []
    get_dataset = source.get_dataset

    def read(split, **rest):
        reads.append(split)
        return get_dataset(split, **rest)

    def count(split):
        reads.append(split)
        return 2

    source.get_dataset, source.num_input_examples = read, count
    [part] = examples("read_twice", "train", 8)
    assert len(part.store) == 2 and reads == ["train"] * 3
    examples("read_twice", "train", 8)
    assert reads == ["train"] * 4


@pytest.mark.parametrize("moment", ["before the examples", "among the examples"])
def test_rows_that_change_while_they_are_read_are_not_kept(
    moment, surroundings, tmp_path, monkeypatch
):
    """The source reads its file whenever the dataset is gone through, as lines of text."""
    path = tmp_path / "texts.txt"
    path.write_text("good film\nbad film\n")
    register("changing", ["good film"])
    of_row = {"idx": 0, "id": "", "text_b": "", "label": "no"}
    seqio.TaskRegistry.get("changing").source.get_dataset = lambda split, **rest: (
        tf.data.TextLineDataset(str(path)).map(lambda text: {**of_row, "text_a": text})
    )
    write = task_examples._write

    def while_replaced(dataset, writer):
        if moment == "among the examples":
            write(dataset.take(1), writer)
            dataset = dataset.skip(1)
        path.write_text("very film\nvery film\n")
        write(dataset, writer)

    with monkeypatch.context() as patch, pytest.raises(ValueError) as error:
        patch.setattr(task_examples, "_write", while_replaced)
        examples("changing", "train", 8)
    assert str(error.value) == (
        "changing: split 'train' changed while it was read: run the same command again"
    )
    assert not any((surroundings / "examples").glob("[!.]*"))
    [part] = examples("changing", "train", 8)
    very, film = TOKENS.index("very"), TOKENS.index("film")
    assert part.store.row("input_ids", 1)[1:3].tolist() == [very, film]
