"""Which devices a run uses, and what makes it repeatable."""

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
    return tf.distribute.MirroredStrategy(devices)


def make_deterministic() -> None:
    """Makes equal runs on equal machines bit-identical.

    Thread counts, on which the last bits depend, are part of a record's `device`. What it
    costs is in docs/design/models.md.
    """
    tf.config.experimental.enable_op_determinism()
