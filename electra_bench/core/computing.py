"""How encoders and their large heads compute: in which type, and what they keep."""

import tensorflow as tf

_type = tf.float32
_recomputes = False


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


def recomputes_layers() -> bool:
    """Whether gradients compute layers once more instead of keeping what is inside them."""
    return _recomputes


def recompute_layers(recomputes: bool) -> None:
    """Sets that of all graphs that are built from now on, in the whole process."""
    global _recomputes
    _recomputes = recomputes
