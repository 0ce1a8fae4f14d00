"""What a task of this kind is made of: its labels as features, its answers as names."""

import numpy as np
import tensorflow as tf


def steps(labels):
    """Preprocessor that makes `labels`, the steps up to the class that `label` names.

    Args:
        labels: names of the classes, the lowest first: of four the third one is
            [1, 1, 0]. An empty `label` is not known, any other name stops the run with
            an error.
    """

    def convert(example):
        found = tf.where(tf.constant(labels) == example["label"])[:, 0]
        known = (tf.size(found) == 1) | (example["label"] == "")
        check = tf.debugging.Assert(known, ["not among", labels, example["label"]])
        with tf.control_dependencies([check]):
            # [1, 1] > [steps] -> [1, steps], or [0, steps] without a label
            taken = found[:, tf.newaxis] > tf.range(len(labels) - 1, dtype=tf.int64)
        return {**example, "labels": tf.reshape(tf.cast(taken, tf.int32), [-1])}

    return lambda dataset: dataset.map(convert)


def class_name(labels):
    """What metrics compare: the name of the class that so many steps lead to."""

    def name(value, example=None, is_target=False):
        return labels[int(np.sum(value))] if np.size(value) else None

    return name
