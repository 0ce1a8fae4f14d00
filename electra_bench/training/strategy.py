"""Which devices a run uses, and what makes it repeatable."""

import os

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


def make_deterministic() -> dict[str, int]:
    """Makes equal runs bit-identical; returns the thread counts, which matter too.

    Must be called before the first op runs. Costs little on CPUs: measured in
    docs/design/trainer.md.
    """
    tf.config.experimental.enable_op_determinism()
    threads = tf.config.threading
    return {
        "inter_op_threads": threads.get_inter_op_parallelism_threads(),
        "intra_op_threads": threads.get_intra_op_parallelism_threads(),
        "cpus": len(os.sched_getaffinity(0)),
    }
