"""Any seqio source may be a task's: from the files to a step of fine-tuning."""

import csv
import inspect

import pytest
import seqio
import tensorflow as tf
import tensorflow_datasets as tfds

from electra_bench.cli.main import main
from electra_bench.data import run_context
from electra_bench.records import TaskCard, read_record
from electra_bench.tasks import postprocessors
from electra_bench.tasks.examples import examples
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.fingerprints import data_sha256
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.registration import add_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

LABELS = ("no", "yes")
ROWS = [(LABELS[i % 2], f"text {i} of the module") for i in range(24)]
SPLITS = ("train", "dev")
STRING = tf.io.FixedLenFeature([], tf.string)


def lines(folder):
    paths = {split: str(folder / f"{split}.tsv") for split in SPLITS}
    for path in paths.values():
        with open(path, "w", newline="") as file:
            csv.writer(file, delimiter="\t").writerows([("label", "text"), *ROWS])
    return paths


def text_lines(folder):
    return seqio.TextLineDataSource(lines(folder), skip_header_lines=1)


def files(folder):
    def read(path):
        return tf.data.TextLineDataset(path).skip(1).enumerate()

    return seqio.FileDataSource(read, lines(folder))


def records(folder):
    """TFRecords of examples with none to two numbers."""
    paths = {split: str(folder / f"{split}.tfrecord") for split in SPLITS}
    for path in paths.values():
        with tf.io.TFRecordWriter(path) as writer:
            for number, (label, text) in enumerate(ROWS):
                features = {
                    "label": tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[label.encode()])
                    ),
                    "text": tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[text.encode()])
                    ),
                    "numbers": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=range(number % 3))
                    ),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())
    return paths


def tf_examples(folder):
    ragged = tf.io.RaggedFeature(tf.int64, "numbers")
    described = {"label": STRING, "text": STRING, "numbers": ragged}
    return seqio.TFExampleDataSource(records(folder), described)


def protos(folder):
    sparse = tf.io.VarLenFeature(tf.int64)
    described = {"label": STRING, "text": STRING, "numbers": sparse}
    return seqio.ProtoDataSource(
        records(folder), lambda proto: tf.io.parse_single_example(proto, described)
    )


def function(folder):
    def dataset(split, shuffle_files, seed=None):
        labels, texts = zip(*ROWS, strict=True)
        numbers = tf.ragged.constant([[[1], [2, 3]][: i % 3] for i in range(len(ROWS))])
        return tf.data.Dataset.from_tensor_slices(
            {"label": list(labels), "text": list(texts), "numbers": numbers}
        )

    return seqio.FunctionDataSource(dataset, splits=SPLITS)


def tfds_set(folder):
    rows = [(i, {"label": a, "text": b}) for i, (a, b) in enumerate(ROWS)]
    text = tfds.features.Text()
    tfds.dataset_builders.store_as_tfds_dataset(
        "small",
        "1.0.0",
        tfds.features.FeaturesDict({"label": text, "text": text}),
        {split: rows for split in SPLITS},
        data_dir=str(folder),
    )
    return seqio.TfdsDataSource("small:1.0.0", tfds_data_dir=str(folder))


def truncated(folder):
    return seqio.helpers.TruncatedDatasetProvider(function(folder), {"train": 8})


def few_shot(folder):
    return seqio.experimental.FewshotDataSource(
        tfds_set(folder), num_shots=2, train_feature_keys=("label", "text")
    )


# The rows are the same in either split.
SOURCES = {
    "TextLineDataSource": text_lines,
    "FileDataSource": files,
    "TFExampleDataSource": tf_examples,
    "ProtoDataSource": protos,
    "FunctionDataSource": function,
    "TfdsDataSource": tfds_set,
    "TruncatedDatasetProvider": truncated,
    "FewshotDataSource": few_shot,
}


def fields(dataset):
    """A preprocessor: what the sources give becomes what `encode_texts` reads."""

    def named(number, *parts):
        example = parts[-1]
        if isinstance(example, tuple):
            example = example[-1]
        example = example.get("eval", example) if isinstance(example, dict) else example
        if not isinstance(example, dict):
            label, text = tf.unstack(tf.strings.split(example, "\t"), 2)
            example = {"label": label, "text": text}
        return {
            "idx": tf.cast(number, tf.int32),
            "id": tf.strings.as_string(number),
            "text_a": example["text"],
            "text_b": "",
            "label": example["label"],
        }

    return dataset.enumerate().map(named)


def register(kind, folder):
    card = TaskCard(
        name=f"from_{kind}",
        version=1,
        kind="classification",
        summary="Rows of a source.",
        builder="",
        splits={},
        main_metric="accuracy",
        source="",
        licence="",
        citation="",
        labels=LABELS,
    )
    add_task(
        card,
        SOURCES[kind](folder),
        [
            fields,
            preprocessors.encode_texts,
            preprocessors.class_labels(LABELS),
            preprocessors.complete,
        ],
        postprocessors.class_label(LABELS),
        [accuracy],
    )
    return card.name


def test_every_public_source_is_tried():
    modules = (seqio, seqio.helpers, seqio.experimental)
    public = {
        name
        for module in modules
        for name, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, seqio.DataSource) and not name.startswith("_")
    }
    assert public - {"DataSource"} == set(SOURCES)


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """A task of each source, by the source's name."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    names = {}
    for kind in SOURCES:
        (tmp_path / kind).mkdir()
        names[kind] = register(kind, tmp_path / kind)
    return names


def test_examples_of_every_source(tasks, vocab_file):
    hashes = {}
    with run_context.use(vocabulary=WordPieceVocabulary(str(vocab_file))):
        for kind, name in tasks.items():
            [part] = examples(name, "dev", 32)
            assert part.num_examples == len(ROWS), kind
            labels = [LABELS[int(part.store.row("labels", i)[0])] for i in range(24)]
            assert sorted(labels) == sorted(label for label, _ in ROWS), kind
            task = seqio.get_mixture_or_task(name)
            assert data_sha256(task, "dev") == part.data_sha256, kind
            hashes[kind] = part.data_sha256
            assert len(ExampleTexts.read(task, "dev").ids) == len(ROWS)
    assert hashes["TruncatedDatasetProvider"] == hashes["FunctionDataSource"]
    # A sparse row has the hash of a dense one.
    assert hashes["ProtoDataSource"] == hashes["TFExampleDataSource"]
    assert len(set(hashes.values())) == len(SOURCES) - 2


def test_every_change_is_in_the_hash(tmp_path):
    """Of what only some sources give: lines, tuples, ragged, sparse and nested parts."""

    def data(elements):
        def dataset(split, shuffle_files, seed=None):
            return tf.data.Dataset.from_tensor_slices(elements)

        raw = seqio.FunctionDataSource(dataset, splits=["train"])
        return data_sha256(seqio.Task("unregistered", raw, {}), "train")

    def sparse(place, shape=(2, 3)):
        return {"a": tf.sparse.SparseTensor([[0, place]], [7], shape)}

    elements = [
        ["x", "y"],
        ["y", "x"],
        {"0": ["x", "y"], "1": ["y", "x"], "2": [1, 2]},
        (["x", "y"], ["x", "y"]),
        (["x", "y"], [["x"], ["y"]]),
        {"a": {"b": [1, 2]}},
        {"a": {"c": [1, 2]}},
        {"a": {"c": [1, 3]}},
        {"a": tf.ragged.constant([[[1], [2]], [[3]]])},
        {"a": tf.ragged.constant([[[1]], [[2], [3]]])},
        sparse(0),
        sparse(1),
        sparse(1, (2, 4)),
        tf.zeros([2, 3, 4]),
        tf.zeros([2, 4, 3]),
    ]
    hashes = [data(one) for one in elements]
    assert hashes == [data(one) for one in elements]
    assert len(set(hashes)) == len(elements)


def test_a_step_of_fine_tuning_on_all_of_them(tasks, finetune, tmp_path):
    names = sorted(tasks.values())
    several = (f"TASK = {names}", "EPOCHS = 0.5")
    assert main(finetune(*several)) == 0
    [path] = (tmp_path / "runs").glob("*/record.json")
    record = read_record(str(path))
    assert record.train_steps >= 1
    assert sorted({result.task for result in record.results}) == names
    assert all(result.num_examples == len(ROWS) for result in record.results)
