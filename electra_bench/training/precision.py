"""What numbers a run computes with."""

import dataclasses
import functools
from pathlib import Path
from typing import Literal

import tensorflow as tf

from electra_bench.config.roles import Result
from electra_bench.core.computing import compute_in, compute_type
from electra_bench.registry import training

Name = Literal["float32", "bfloat16", "float16", "auto"]
NAMES = ("float32", "bfloat16", "float16", "auto")
# First GPUs with fast products of bfloat16, and that round what float32 products read to
# TF32: NVIDIA's Ampere.
AMPERE = (8, 0)
# What processors call fast products of bfloat16.
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}


@training.register("precision")
@dataclasses.dataclass(frozen=True)
class Precision:
    """What a run computes with.

    Attributes:
        name: type of matrix products and of what stands between layers; variables,
            softmax, norms, losses and the optimizer are float32 in any case. "auto" is
            bfloat16 on TPUs, on GPUs from Ampere on and on processors with avx512_bf16 or
            AMX, float32 elsewhere. In "float16" losses are scaled, see `LossScale`.
        tf32: whether GPUs may round the factors of float32 products to 10 bits behind the
            point, which is faster. TensorFlow's own default is that they may.
    """

    name: Result[Name] = "float32"
    tf32: Result[bool] = False

    def __post_init__(self):
        """Checks the name.

        Raises:
            ValueError: nothing computes so.
        """
        if self.name not in NAMES:
            raise ValueError(
                f"training.precision.name must be one of {', '.join(NAMES)}; got "
                f"{self.name!r}"
            )

    def set(self) -> None:
        """Makes TensorFlow compute so, in the whole process."""
        tf.config.experimental.enable_tensor_float_32_execution(self.tf32)
        name = self.name
        if name == "auto":
            name = "bfloat16" if has_fast_bfloat16() else "float32"
        dtype = tf.as_dtype(name)
        compute_in(dtype)
        # On CPUs a matrix product that is fused with its bias lays out the weights anew
        # each time, which in half the size costs as much as the product.
        is_fused = dtype == tf.float32
        tf.config.optimizer.set_experimental_options({"remapping": is_fused})


def computed_with() -> str:
    """What a record says: "float32", "bfloat16"; "float32 (tf32)" where a GPU rounds so."""
    name = compute_type().name
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    if allowed and any(map(_is_ampere, tf.config.list_physical_devices("GPU"))):
        return f"{name} (tf32)"
    return name


def has_fast_bfloat16() -> bool:
    """Whether the devices of this process multiply bfloat16 faster than float32."""
    if tf.config.list_logical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return all(map(_is_ampere, gpus))
    return bool(CPU_FLAGS & _cpu_flags())


@functools.cache
def _cpu_flags() -> frozenset[str]:
    """What the processor can do, in the words of Linux; nothing where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def _is_ampere(gpu: tf.config.PhysicalDevice) -> bool:
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability", (0, 0)) >= AMPERE
