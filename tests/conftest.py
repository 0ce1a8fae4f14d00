"""Fixtures that every test may use."""

import os
import signal
import sys
from pathlib import Path

import gin
import pytest
from power import Power

from electra_bench import registry

pytest_plugins = ["small_runs", "small_packages"]

# The tests themselves run in parallel; for models as small as theirs threads only wait.
for name in (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OPENBLAS_NUM_THREADS",
):
    os.environ.setdefault(name, "1")
# What XLA compiles here runs once: optimising it takes longer than it saves.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(folder: str) -> Path:
    path = SHARED / folder
    if not path.is_dir():
        pytest.skip(f"{path} is absent: it is needed for comparisons on real data")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets for development; not part of the project."""
    return _shared("data")


@pytest.fixture
def power(monkeypatch) -> Power:
    """Watches whether a power cut would lose something; see `Power.check`."""
    return Power(monkeypatch)


@pytest.fixture(scope="session")
def shared_golden() -> Path:
    """The original implementation's numbers; not part of the project."""
    return _shared("golden")


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Ctrl-C as usual: what a shell starts in the background ignores it, children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def two_cpus():
    """Two logical CPU devices, so that strategies with replicas can be tested."""
    import seqio  # noqa: F401  # its registries are put back after each test
    import tensorflow as tf

    from electra_bench.system import garbage

    garbage.look_seldom()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )


@pytest.fixture(scope="session", autouse=True)
def one_stack_for_all():
    """TensorFlow notes the stack of each operation of a graph: a twentieth of the time."""
    from tensorflow.python.util import tf_stack

    here = tf_stack.extract_stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf_stack, "extract_stack", lambda stacklevel=1: here)
        yield


@pytest.fixture(autouse=True)
def fresh_state():
    """Bindings and tasks of one test never reach another; nor does determinism.

    Once a run has switched it on it stays on, and then seqio's own shuffling, which has no
    seed, needs TensorFlow's. What pre-training has seen is looked up in all tasks that
    there are.
    """
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(1)
    gin.clear_config()
    before = [set(names) for names in _names_of_tasks()]
    yield
    gin.clear_config()
    for known, names in zip(before, _names_of_tasks(), strict=True):
        for name in set(names) - known - _DECLARED:
            del names[name]


_OURS = (registry.tasks, registry.mixtures)
_DECLARED = {name for one in _OURS for name in one._declared}


def _names_of_tasks() -> list[dict]:
    """What registries hold, the project's and seqio's once it is loaded."""
    ours = [things for one in _OURS for things in (one._things, one._origins)]
    seqio = sys.modules.get("seqio")
    theirs = (seqio.TaskRegistry, seqio.MixtureRegistry) if seqio else ()
    return [*ours, *(one._REGISTRY for one in theirs)]
