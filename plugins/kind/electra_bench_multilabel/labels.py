"""What a task of this kind is made of: its labels as features, its answers as names."""

import numpy as np
import tensorflow as tf


def label_sets(labels):
    """Preprocessor that makes `labels`, 0 or 1 for every label, of the string `label`.

    Args:
        labels: names in the order of their ids. Commas stand between those of a text; an
            empty `label` is not known, any other name stops the run with an error.
    """

    def convert(example):
        written = tf.strings.split(example["label"], ",")
        # [written, labels]
        hits = tf.constant(labels) == written[:, tf.newaxis]
        is_given = example["label"] != ""
        known = tf.reduce_all(tf.reduce_any(hits, 1) | ~is_given)
        message = f"a label is not among {list(labels)}"
        with tf.control_dependencies([tf.debugging.Assert(known, [message, written])]):
            size = tf.where(is_given, len(labels), 0)
        return {**example, "labels": tf.cast(tf.reduce_any(hits, 0), tf.int32)[:size]}

    return lambda dataset: dataset.map(convert)


def label_names(labels):
    """What metrics compare: the names of the labels that a text has."""
    return lambda value, example=None, is_target=False: [
        labels[i] for i in np.flatnonzero(value)
    ]
