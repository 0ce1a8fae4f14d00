"""How much memory a process has needed."""

import resource
import sys

import tensorflow as tf


def peak_bytes() -> int:
    """The most memory so far: of the first GPU if there is one, else of the process."""
    if tf.config.list_logical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    # In KiB, but on macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 2**10
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
