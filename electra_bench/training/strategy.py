"""Which devices a run uses, and what makes it repeatable."""

import tensorflow as tf

from electra_bench.registry import training


@training.register("strategy")
def strategy(name: str = "default") -> tf.distribute.Strategy:
    """Builds the distribution strategy.

    Args:
        name: "default" for one device; "mirrored" for all GPUs of this machine (all
            logical CPU devices where there is none).

    Raises:
        ValueError: unknown name.
    """
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        devices = [device.name for device in tf.config.list_logical_devices(kind)]
        return tf.distribute.MirroredStrategy(devices)
    raise ValueError(f"no strategy {name!r}; all: ['default', 'mirrored']")


def make_deterministic() -> None:
    """Makes equal runs on equal machines bit-identical.

    Thread counts, on which the last bits depend, are part of a record's `device`. What it
    costs is in docs/design/models.md.
    """
    tf.config.experimental.enable_op_determinism()
