"""What the device of a process can do at most, for comparison."""

import functools
import time

import tensorflow as tf

from electra_bench.core.computing import compute_type

# Sizes of square matrices, and how many products follow each other: a tenth of a second on
# two cores. On what is faster by thousands that would be less than to start a product and
# to wait for its result.
ON_CPU, ON_OTHERS = (2048, 1), (8192, 16)
TIMES = 3


@functools.cache
def _measured(dtype: tf.DType) -> float:
    """FLOPs a second of large matrix products: the best of some, on the first device."""
    kinds = ("GPU", "TPU")
    others = any(tf.config.list_logical_devices(kind) for kind in kinds)
    size, count = ON_OTHERS if others else ON_CPU
    # With itself it gives itself, so that nothing overflows.
    factor = tf.fill([size, size], tf.constant(1.0 / size, dtype))

    @tf.function(autograph=False)
    def products(x):
        for _ in range(count):
            x = tf.matmul(x, factor)
        return x[0, 0]

    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        products(factor).numpy()
        seconds.append(time.perf_counter() - started)
    return 2.0 * size**3 * count / min(seconds)


def peak_flops_per_s() -> float:
    """What large matrix products reach here, in the precision of this process.

    Measured once: what data sheets say of a device, no program reaches.
    """
    return _measured(compute_type())
