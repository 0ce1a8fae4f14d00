"""Pre-training examples in TFRecords, as the original's scripts write them."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from electra_bench.data.examples.builder import Examples
from electra_bench.data.text.streams import OnError, ReadReport

BATCH = 1024
FEATURES = ("input_ids", "input_mask", "segment_ids")


def iter_examples(
    files: Sequence[str],
    dtype: type,
    on_error: OnError = "raise",
    max_skipped: float = 1.0,
    report: ReadReport | None = None,
) -> Iterator[Examples]:
    """Examples of `pretrain_tfrecords`, without their padding.

    Args:
        files: TFRecord files, plain or with `.gz`.
        dtype: NumPy integer type of the ids.
        on_error: `skip` leaves out the rest of a damaged file.
        max_skipped: share of bytes that such files may have, see `iter_documents`.
        report: counts here.

    Yields:
        Some examples at a time, in the order of the files.

    Raises:
        ValueError: a damaged file, records without the three features, or more is left
            out than may be.

    Source: google-research/electra build_pretraining_dataset.py, `_make_tf_example`.
    """
    report = report if report is not None else ReadReport()
    report.total_bytes = sum(tf.io.gfile.stat(file).length for file in files)
    for file in files:
        try:
            yield from _examples_of(file, dtype)
        except (tf.errors.OpError, ValueError) as error:
            said = getattr(error, "message", None) or str(error) or type(error).__name__
            message = f"{file}: no pre-training examples: {said.splitlines()[0]}"
            if on_error == "raise":
                raise ValueError(message) from error
            report.skip(message)
            report.damaged_bytes += tf.io.gfile.stat(file).length
        report.files += 1
        report.read_bytes += tf.io.gfile.stat(file).length
    name = files[0] if len(files) == 1 else f"{len(files)} files"
    report.check(name, max_skipped, "max_skipped")


def _examples_of(file: str, dtype: type) -> Iterator[Examples]:
    records = tf.data.TFRecordDataset(
        file, compression_type="GZIP" if file.endswith(".gz") else None
    )
    ragged = tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    features = dict.fromkeys(FEATURES, ragged)
    parse = functools.partial(tf.io.parse_example, features=features)
    for batch in records.batch(BATCH).map(parse).prefetch(2):
        splits = [batch[name].row_splits.numpy() for name in FEATURES]
        if not all(np.array_equal(splits[0], other) for other in splits[1:]):
            raise ValueError("input_ids, input_mask and segment_ids differ in length")
        if np.any(np.diff(splits[0]) == 0):
            raise ValueError("a record without input_ids")
        # [rows] of all examples' padded tokens, one after the other
        ids, mask, segments = (batch[name].flat_values.numpy() for name in FEATURES)
        used = mask.astype(bool)
        lengths = np.add.reduceat(used.astype(np.int64), splits[0][:-1])
        yield Examples(
            ids[used].astype(dtype),
            segments[used].astype(np.uint8),
            lengths[lengths > 0],
        )
