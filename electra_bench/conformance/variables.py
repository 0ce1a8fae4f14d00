"""What holds for the variables of models, objectives and kinds alike."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.conformance.check import require
from electra_bench.core import Variables
from electra_bench.core.variables import variable_name
from electra_bench.training.checkpoints import Checkpoints, restore

# A bias that adds the same to all logits of a softmax has no gradient but rounding noise:
# that of the keys, and those of the start and the end of an answer.
WITHOUT_EFFECT = (
    "attention/self/key/bias",
    "task_specific/things/dense/bias",
    "task_specific/things/dense_1/bias",
)
# Where names may begin; the rest of the program finds variables by them.
PREFIXES = (
    "electra/",
    "generator/",
    "generator_ltr/",
    "generator_rtl/",
    "generator_predictions/",
    "cloze_predictions/",
    "discriminator_predictions/",
    "restoring_predictions/",
    "copy_predictions/",
    "baseline_predictions/",
    "task_specific/",
)

Named = dict[str, tf.Variable]


def named(module: tf.Module) -> Named:
    """A module's variables by name.

    Raises:
        Violation: two have the same.
    """
    names = [variable_name(variable) for variable in module.variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    require(not twice, f"two variables are named {twice[:3]}; a checkpoint needs one")
    return dict(zip(names, module.variables, strict=True))


def check_names(names: Sequence[str], prefixes: Sequence[str] = PREFIXES) -> None:
    """Checks how names begin.

    Raises:
        Violation: names one that begins otherwise.
    """
    for name in names:
        require(
            name.startswith(tuple(prefixes)),
            f"variable {name!r} must begin with one of {', '.join(prefixes)}: the name "
            "that the builder is given, or what a head predicts",
        )


def check_gradients(
    loss: Callable[[], tf.Tensor], variables: Sequence[tf.Variable]
) -> None:
    """Checks that a loss depends on every variable.

    Raises:
        Violation: names those without a gradient.
    """
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, variables)
    missing = [
        variable_name(variable)
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is None
        or not np.any(tf.convert_to_tensor(gradient))
        and not variable_name(variable).endswith(WITHOUT_EFFECT)
    ]
    require(not missing, f"no gradient reaches {', '.join(missing[:5])}")


def check_checkpoint(saved: Named, other: Named) -> None:
    """Checks that a checkpoint of some variables gives others their values.

    Raises:
        Violation: names a variable that came back with another value.
    """
    values = {name: variable.read_value() for name, variable in saved.items()}
    with tempfile.TemporaryDirectory() as folder:
        prefix = Checkpoints(os.path.join(folder, "checkpoints")).save(3, values, {})
        restore(prefix, other)
    _check_equal(values, other, "came back from a checkpoint with another value")


def check_initial_values(build: Callable[[int], tuple[tf.Module, Variables]]) -> None:
    """Checks that initial values are a function of the seed, and that a reset knows it.

    Args:
        build: a new module and what made its variables, from a seed.

    Raises:
        Violation: names a variable.
    """
    first, again = named(build(1)[0]), named(build(1)[0])
    module, variables = build(2)
    other = named(module)
    _check_equal(first, again, "starts with other values when it is built again")
    differ = not all(np.array_equal(other[name], x) for name, x in first.items())
    require(differ, "all variables start with the same values under two seeds")
    variables.reset(1)
    _check_equal(
        first,
        other,
        "was not made by the Variables that the builder is given, so a second run cannot "
        "reset it",
    )


def _check_equal(expected: Mapping[str, Any], found: Named, sentence: str) -> None:
    for name, value in expected.items():
        sentence = f"variable {name!r} {sentence}"
        require(name in found and np.array_equal(found[name], value), sentence)
