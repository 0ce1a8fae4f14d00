"""Which devices a run uses."""

import functools

import tensorflow as tf

from electra_bench.config.roles import Detail
from electra_bench.registry import strategies, training
from electra_bench.training.choices import build


@training.register("strategy")
def strategy(name: Detail[str] = "default") -> tf.distribute.Strategy:
    """Builds the distribution strategy that is chosen by its registered name.

    A registered strategy is a builder whose parameters, if it has any, are gin's.

    Args:
        name: registered strategy.

    Raises:
        UnknownName: no such strategy.
    """
    return build(strategies, name)


@strategies.register("default")
def default() -> tf.distribute.Strategy:
    """One device."""
    return tf.distribute.get_strategy()


@strategies.register("mirrored")
def mirrored() -> tf.distribute.Strategy:
    """All GPUs of this machine, or all logical CPU devices where there is none."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    return _mirrored(tuple(devices))


# Each numbers its sums over replicas from the same number on, and a process takes those of
# a second one for the first one's.
@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)
