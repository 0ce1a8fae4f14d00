"""In which type encoders and their large heads compute."""

import tensorflow as tf

_type = tf.float32


def compute_type() -> tf.DType:
    """The type of matrix products and of what stands between layers.

    Asked for when a graph is built. Variables, softmax, norms, losses and optimizers are
    float32 whatever it is, and so is all that modules give to others.
    """
    return _type


def compute_in(dtype: tf.DType) -> None:
    """Sets the type of all graphs that are built from now on, in the whole process."""
    global _type
    _type = dtype
