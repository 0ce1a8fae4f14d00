"""From raw examples to the features of every downstream task: seqio preprocessors."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.data.readers.labelled_source import dense, read_labels
from electra_bench.tasks.features import cuts
from electra_bench.vocabularies.run_vocabulary import run_vocabulary

# Rows handed on at once, to a tokenizer or to a store: one by one takes much longer.
ROWS_AT_ONCE = 512

Ragged = tuple[np.ndarray, np.ndarray]  # values, int64 row splits


def map_rows(
    dataset: tf.data.Dataset,
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    expands: bool = False,
) -> tf.data.Dataset:
    """Adds int32 features of rank 1 that a Python function makes of many rows at once.

    Args:
        dataset: examples, one a row.
        function: gets the inputs of up to `ROWS_AT_ONCE` rows, a NumPy array for features
            of rank 0, values and row splits for features of rank 1; returns values and
            row splits of every output.
        inputs: features to read.
        outputs: features to add.
        expands: whether the outputs may have several rows an example; the function then
            returns first, int64, whose each row is. What else an example holds is repeated.
    """
    types = [tf.int64, *[tf.int32, tf.int64] * len(outputs)]

    def flat(*arrays: np.ndarray) -> list[np.ndarray]:
        owners, *results = function(*arrays) if expands else ([], *function(*arrays))
        made = zip([owners, *itertools.chain(*results)], types, strict=True)
        return [np.asarray(array, dtype.as_numpy_dtype) for array, dtype in made]

    @tf.autograph.experimental.do_not_convert
    def add(batch: Mapping[str, Any]) -> dict[str, Any]:
        batch = {name: as_ragged(value) for name, value in batch.items()}
        columns = [batch[name] for name in inputs]
        # Of ragged ones values and row splits.
        arguments = tf.nest.flatten(columns, expand_composites=True)
        results = tf.numpy_function(flat, arguments, types)
        owners, *results = (tf.ensure_shape(result, [None]) for result in results)
        if expands:
            batch = {name: tf.gather(value, owners) for name, value in batch.items()}
        added = (
            # TensorFlow's own checks take longer than all the rest.
            tf.RaggedTensor.from_row_splits(values, splits, validate=False)
            for values, splits in zip(results[::2], results[1::2], strict=True)
        )
        return {**batch, **dict(zip(outputs, added, strict=True))}

    return dataset.ragged_batch(ROWS_AT_ONCE).map(add).unbatch().map(dense)


def as_ragged(value: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
    """Rows of one fixed length as ragged ones; numbers and strings as they are.

    TensorFlow 2.21 crashes when it unbatches dense rows of length 0.
    """
    if isinstance(value, tf.RaggedTensor) or value.shape.rank < 2:
        return value
    return tf.RaggedTensor.from_tensor(value)


def ragged(rows: Sequence[Sequence[int]]) -> Ragged:
    """Values and row splits of a list of rows."""
    splits = np.cumsum([0, *map(len, rows)])
    values = np.fromiter(itertools.chain.from_iterable(rows), np.int32, splits[-1])
    return values, splits


def pair_lengths(length_a: int, length_b: int, limit: int) -> tuple[int, int]:
    """How many tokens to keep of two texts that share `limit` tokens.

    The longer text gives up tokens until both fit; of two equally long ones the second.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `_truncate_seq_pair`, in closed form.
    """
    if length_a + length_b <= limit:
        return length_a, length_b
    kept_a = min(length_a, max(limit - length_b, (limit + 1) // 2))
    return kept_a, limit - kept_a


def encode_texts(
    dataset: tf.data.Dataset, sequence_length: Mapping[str, int] | None = None
) -> tf.data.Dataset:
    """Adds `input_ids` and `segment_ids` of `text_a` and `text_b`.

    [CLS] a [SEP], or [CLS] a [SEP] b [SEP] with segment 1 from the first token of b on.
    A text b without tokens counts as none. Examples that are longer than the limit are
    counted as "texts cut".

    Args:
        dataset: examples with the strings `text_a` and `text_b` (empty: one text only).
        sequence_length: `input_ids` is the token limit; without it nothing is cut.
    """
    vocabulary = run_vocabulary()
    special = vocabulary.special_ids
    limit = (sequence_length or {}).get("input_ids") or 2**31

    count_cut = cuts.counter("texts cut")
    count_text = cuts.text_counter(vocabulary)

    def encoded(column: np.ndarray) -> list[list[int]]:
        texts = [text.decode() for text in column]
        values, splits = vocabulary.encode_batch(texts)
        count_text(texts, values, splits)
        return [part.tolist() for part in np.split(values, splits[1:-1])]

    def encode(*texts: np.ndarray) -> list[Ragged]:
        ids, segments = [], []
        num_cut = 0
        pairs = (encoded(column) for column in texts)
        for a, b in zip(*pairs, strict=True):
            if len(b):
                kept_a, kept_b = pair_lengths(len(a), len(b), limit - 3)
                second = [*b[:kept_b], special.sep]
            else:
                kept_a, kept_b, second = min(len(a), limit - 2), 0, []
            first = [special.cls, *a[:kept_a], special.sep]
            ids.append(first + second)
            segments.append([0] * len(first) + [1] * len(second))
            num_cut += kept_a + kept_b < len(a) + len(b)
        count_cut(num_cut, len(ids))
        return [ragged(ids), ragged(segments)]

    return map_rows(dataset, encode, ["text_a", "text_b"], ["input_ids", "segment_ids"])


def class_labels(labels: Sequence[str]) -> Callable[..., tf.data.Dataset]:
    """Preprocessor that makes `labels` [1], the class id, of the string `label`.

    Args:
        labels: class names in the order of their ids. An empty `label` gives no id; any
            other stops the run with an error.
    """

    def convert(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # [classes] -> [1], or [0] without a label
        found = tf.where(tf.constant(labels) == example["label"])[:, 0]
        known = (tf.size(found) == 1) | (example["label"] == "")
        message = f"a label is not among {list(labels)}"
        check = tf.debugging.Assert(known, [message, example["label"]])
        with tf.control_dependencies([check]):
            return {**example, "labels": tf.cast(found, tf.int32)}

    return lambda dataset: dataset.map(convert)


def label_sets(labels: Sequence[str]) -> Callable[..., tf.data.Dataset]:
    """Preprocessor that makes `labels`, 0 or 1 for every one, of the string `label`.

    Args:
        labels: names in the order of their ids. `label` holds those of a text as
            `written_labels` writes them; an empty one gives none, other names stop the
            run with an error.
    """

    def convert(rows: np.ndarray) -> list[Ragged]:
        found = []
        for written in rows:
            names = read_labels(written.decode())
            unknown = [name for name in names or () if name not in labels]
            if unknown:
                raise ValueError(f"label {unknown[0]!r} is not among {list(labels)}")
            found.append([] if names is None else [int(x in names) for x in labels])
        return [ragged(found)]

    return lambda dataset: map_rows(dataset, convert, ["label"], ["labels"])


def scaled_values(smallest: float, largest: float) -> Callable[..., tf.data.Dataset]:
    """Preprocessor that makes `values` [1] of `label`, from 0 to 1 for those of the data.

    An empty `label` gives no value.

    Args:
        smallest: value of the data that becomes 0.
        largest: value of the data that becomes 1.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `RegressionTask`. Differs: it divides by the largest value, not by the range; equal
    where the smallest is 0, as in STS.
    """

    def convert(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        written = tf.boolean_mask([example["label"]], [example["label"] != ""])
        numbers = tf.strings.to_number(written, tf.float64)
        values = (numbers - smallest) / (largest - smallest)
        return {**example, "values": tf.cast(values, tf.float32)}

    return lambda dataset: dataset.map(convert)


def complete(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Adds `task_id` (0), `example_id` (`idx`), and empty `labels` or `values`."""

    def add(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            "labels": tf.zeros([0], tf.int32),
            "values": tf.zeros([0], tf.float32),
            **example,
            "task_id": tf.zeros([1], tf.int32),
            "example_id": tf.reshape(tf.cast(example["idx"], tf.int32), [1]),
        }

    return dataset.map(add)
