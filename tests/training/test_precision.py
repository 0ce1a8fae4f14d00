"""What a record says of the precision is what was computed with."""

import gin
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.core.computing import compute_in, compute_type
from electra_bench.training import precision
from electra_bench.training.build import prepare
from electra_bench.training.environment import environment


@pytest.fixture(autouse=True)
def as_before():
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
    compute_in(tf.float32)


@pytest.mark.parametrize(
    ("tf32", "capability", "said"),
    [
        (False, (9, 0), "float32"),
        (True, (9, 0), "float32 (tf32)"),
        # A GPU that cannot, and none.
        (True, (7, 5), "float32"),
        (True, None, "float32"),
    ],
)
def test_tf32_is_off_unless_it_is_bound_and_then_said(
    tf32, capability, said, monkeypatch
):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    registry.training.load("precision")
    if tf32:
        gin.bind_parameter("training.precision.tf32", True)
    prepare()
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    assert allowed == tf32
    gpus = [] if capability is None else ["GPU:0"]
    real = tf.config.list_physical_devices
    monkeypatch.setattr(
        tf.config,
        "list_physical_devices",
        lambda kind=None: gpus if kind == "GPU" else real(kind),
    )
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": capability},
    )
    assert environment()["precision"] == said


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_what_is_bound_is_computed_in_and_said(name):
    registry.training.load("precision")
    gin.bind_parameter("training.precision.name", name)
    prepare()
    assert (compute_type().name, environment()["precision"]) == (name, name)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16", "bfloat16"),
        ("fpu amx_bf16 amx_tile", "bfloat16"),
        ("fpu avx2", "float32"),
    ],
)
def test_auto_is_what_the_processor_is_fast_in(flags, expected, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: set(flags.split()))
    registry.training.load("precision")
    gin.bind_parameter("training.precision.name", "auto")
    prepare()
    assert environment()["precision"] == expected


def test_no_other_precision_is_claimed():
    registry.training.load("precision")
    gin.bind_parameter("training.precision.name", "float8")
    said = "one of float32, bfloat16, float16, auto; got 'float8'"
    with pytest.raises(ValueError, match=said):
        prepare()
