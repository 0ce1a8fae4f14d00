"""Variables with the original's names, initialised from (seed, name)."""

import copy
import zlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# From a seed to an initial value.
InitialValue = Callable[[int], tf.Tensor]
# From a variable's name and shape to that.
NormalValues = Callable[[str, list[int]], InitialValue]


class Variables:
    """Creates a model's variables.

    An initial value depends on the seed and the variable's own name only, so adding a
    head or building the generator first changes nothing elsewhere. Names are complete
    (`electra/encoder/layer_0/attention/self/query/kernel`), so that a checkpoint of the
    original is a look-up.
    """

    def __init__(self, seed: int):
        """Starts without variables.

        Args:
            seed: of the initial values.
        """
        self._seed = seed
        self._normal = normal_values(0.02)
        self._made: list[tuple[tf.Variable, InitialValue]] = []

    def with_normal(self, values: NormalValues) -> "Variables":
        """The same collection, for a part whose normal variables start otherwise."""
        part = copy.copy(self)
        part._normal = values
        return part

    def truncated_normal(self, name: str, shape) -> tf.Variable:
        """Truncated normal of standard deviation 0.02, or what the part has instead."""
        return self._make(name, self._normal(name, shape))

    def glorot_uniform(self, name: str, shape) -> tf.Variable:
        """Uniform in +-sqrt(6 / (fan_in + fan_out)); TF1's default for dense kernels."""
        limit = (6.0 / (shape[0] + shape[-1])) ** 0.5
        return self._make(
            name,
            lambda seed: tf.random.stateless_uniform(
                shape, seed=_seed_of(seed, name), minval=-limit, maxval=limit
            ),
        )

    def zeros(self, name: str, shape) -> tf.Variable:
        """All zero."""
        return self._make(name, lambda seed: tf.zeros(shape))

    def ones(self, name: str, shape) -> tf.Variable:
        """All one."""
        return self._make(name, lambda seed: tf.ones(shape))

    def reset(self, seed: int) -> None:
        """Gives every variable the initial value that it has under another seed."""
        for variable, value in self._made:
            variable.assign(_drawn(value, seed))

    def _make(self, name: str, value: InitialValue) -> tf.Variable:
        variable = replicated(_drawn(value, self._seed), name)
        self._made.append((variable, value))
        return variable


def _drawn(value: InitialValue, seed: int) -> tf.Tensor:
    # Other devices make other bits of the same integers.
    with tf.device("CPU"):
        return value(seed)


def replicated(value: tf.Tensor, name: str, trainable: bool = True) -> tf.Variable:
    """A variable of which every replica has a copy."""
    return tf.Variable(
        value,
        name=name,
        trainable=trainable,
        # Every replica computes the same update from all-reduced gradients, so that of
        # the first one counts and nothing needs to be averaged.
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def normal_values(stddev: float) -> NormalValues:
    """Normal initial values; those beyond two standard deviations are drawn again.

    Args:
        stddev: of the values before that.
    """

    def value(name: str, shape: list[int]) -> InitialValue:
        return lambda seed: tf.random.stateless_truncated_normal(
            shape, seed=_seed_of(seed, name), stddev=stddev
        )

    return value


def _seed_of(seed: int, name: str) -> tf.Tensor:
    return tf.constant([seed, zlib.crc32(name.encode()) % 2**31], tf.int32)


def variable_name(variable: tf.Variable) -> str:
    """The name without TensorFlow's output suffix: `a/b/kernel`, not `a/b/kernel:0`."""
    return variable.name.split(":")[0]


def by_name(module: Any, *, trainable: bool = False) -> dict[str, tf.Variable]:
    """The variables of a module by their names in checkpoints.

    Args:
        module: a `tf.Module`: an encoder or an objective.
        trainable: only those that are trained.
    """
    variables = module.trainable_variables if trainable else module.variables
    return {variable_name(variable): variable for variable in variables}
