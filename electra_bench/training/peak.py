"""What the device of a process can do at most, for comparison."""

import functools
import time

import tensorflow as tf

from electra_bench.core.computing import compute_type

# Of square matrices: large enough for any device, a tenth of a second on two cores.
SIZE = 2048
TIMES = 3


@functools.cache
def _measured(dtype: tf.DType) -> float:
    """FLOPs a second of a large matrix product: the best of some, on the first device."""
    factor = tf.ones([SIZE, SIZE], dtype)
    product = tf.function(lambda x: tf.matmul(x, x)[0, 0], autograph=False)
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        product(factor).numpy()
        seconds.append(time.perf_counter() - started)
    return 2.0 * SIZE**3 / min(seconds)


def peak_flops_per_s() -> float:
    """What a large matrix product reaches here, in the precision of this process.

    Measured once: what data sheets say of a device, no program reaches.
    """
    return _measured(compute_type())
