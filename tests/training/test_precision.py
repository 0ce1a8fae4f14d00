"""What a record says of the precision is what was computed with."""

import gin
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.training.build import prepare
from electra_bench.training.environment import environment


@pytest.fixture(autouse=True)
def as_before():
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    tf.config.experimental.enable_tensor_float_32_execution(allowed)


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


def test_no_other_precision_is_claimed():
    registry.training.load("precision")
    gin.bind_parameter("training.precision.name", "bfloat16")
    with pytest.raises(ValueError, match="must be 'float32', got 'bfloat16'"):
        prepare()
