"""TFRecords in the form in which the original's scripts write them."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.data.examples.tfrecords import iter_examples
from electra_bench.data.text.streams import ReadReport

ROWS = [([101, 5, 6, 102, 7, 102], 4), ([101, 8, 102], 3), ([101, 9, 102, 9, 102], 3)]


def record(ids, first, length=8):
    padding = [0] * (length - len(ids))
    segments = [0] * first + [1] * (len(ids) - first)
    features = {
        "input_ids": ids + padding,
        "input_mask": [1] * len(ids) + padding,
        "segment_ids": segments + padding,
    }
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(int64_list=tf.train.Int64List(value=value))
                for name, value in features.items()
            }
        )
    ).SerializeToString()


def write(path, rows, **options):
    with tf.io.TFRecordWriter(str(path), **options) as writer:
        for row in rows:
            writer.write(record(*row))
    return str(path)


def read(*files, **options):
    return [
        (ids.tolist(), int((segments == 0).sum()))
        for batch in iter_examples(files, np.uint16, **options)
        for ids, segments in zip(
            np.split(batch.input_ids, np.cumsum(batch.lengths)[:-1]),
            np.split(batch.segment_ids, np.cumsum(batch.lengths)[:-1]),
            strict=True,
        )
    ]


def test_padding_is_taken_off(tmp_path):
    plain = write(tmp_path / "pretrain_data.tfrecord-0-of-2", ROWS)
    packed = write(tmp_path / "b.tfrecord.gz", ROWS[:1], options="GZIP")
    assert read(plain, packed) == [*ROWS, ROWS[0]]


def test_many_rows_keep_their_order(tmp_path):
    rows = [([101, *range(1000, 1000 + i % 5), 102], 2 + i % 5) for i in range(2500)]
    assert read(write(tmp_path / "a.tfrecord", rows)) == rows


def test_damage_is_named_or_counted(tmp_path):
    good = write(tmp_path / "good.tfrecord", ROWS)
    bad = tmp_path / "bad.tfrecord"
    bad.write_bytes((tmp_path / "good.tfrecord").read_bytes()[:-7])
    with pytest.raises(ValueError, match="bad.tfrecord: no pre-training examples"):
        read(str(bad))
    report = ReadReport()
    assert read(str(bad), good, on_error="skip", report=report)[-3:] == ROWS
    assert report.skipped == 1


def test_other_records_are_refused(tmp_path):
    path = str(tmp_path / "other.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(ValueError, match="other.tfrecord: .*without input_ids"):
        read(path)
