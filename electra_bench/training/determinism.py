"""What makes a run repeatable."""

import tensorflow as tf

from electra_bench.config.roles import Detail
from electra_bench.registry import training


@training.register("determinism")
def determinism(ops: Detail[bool] = True) -> None:
    """Makes equal runs on equal machines bit-identical, for the whole process.

    Thread counts, on which the last bits depend, are part of a record's `device`. What it
    costs is in docs/design/models.md.

    Args:
        ops: whether TensorFlow takes deterministic kernels only. Without, a run that was
            stopped ends as one that was not up to the order of sums; on GPUs it may be
            faster.
    """
    if ops:
        tf.config.experimental.enable_op_determinism()
