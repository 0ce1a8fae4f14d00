"""What numbers a run computes with."""

import dataclasses
from typing import Literal

import tensorflow as tf

from electra_bench.config.roles import Result
from electra_bench.registry import training

# First GPUs that round what matrix products read to TF32, NVIDIA's Ampere.
WITH_TF32 = (8, 0)


@training.register("precision")
@dataclasses.dataclass(frozen=True)
class Precision:
    """What a run computes with.

    Attributes:
        name: type of all numbers.
        tf32: whether GPUs may round the factors of matrix products to 10 bits behind the
            point, which is faster. TensorFlow's own default is that they may.
    """

    name: Result[Literal["float32"]] = "float32"
    tf32: Result[bool] = False

    def __post_init__(self):
        """Checks the name.

        Raises:
            ValueError: nothing computes so.
        """
        if self.name != "float32":
            raise ValueError(
                f"training.precision.name must be 'float32', got {self.name!r}"
            )

    def set(self) -> None:
        """Makes TensorFlow compute so, in the whole process."""
        tf.config.experimental.enable_tensor_float_32_execution(self.tf32)


def computed_with() -> str:
    """What a record says: "float32", or "float32 (tf32)" where a GPU rounds to TF32."""
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    if allowed and any(map(_has_tf32, tf.config.list_physical_devices("GPU"))):
        return "float32 (tf32)"
    return "float32"


def _has_tf32(gpu: tf.config.PhysicalDevice) -> bool:
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability", (0, 0)) >= WITH_TF32
