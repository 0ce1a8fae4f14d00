"""Dense layers, layer normalisation and GELU as the original computes them."""

import math
from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from electra_bench.core import Variables
from electra_bench.models.flops import dense_flops

LAYER_NORM_EPSILON = 1e-12


@tf.custom_gradient
def gelu(x: tf.Tensor):
    """Gaussian error linear unit, the exact form with erf; same shape as `x`.

    Its own gradient keeps only `x` and the distribution function, which makes a training
    step of a small model about a tenth faster on CPU than automatic differentiation.

    Source: Hendrycks and Gimpel 2016; google-research/electra model/modeling.py `gelu`.
    """
    cdf = 0.5 + 0.5 * tf.math.erf(x * math.sqrt(0.5))

    def gradient(dy):
        density = tf.exp(-0.5 * tf.square(x)) * (1.0 / math.sqrt(2.0 * math.pi))
        return dy * (cdf + x * density)

    return x * cdf, gradient


def dense(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """An affine map of the last dimension, [..., inputs] to [..., units].

    Args:
        x: of any float type, in which it is computed.
        kernel: float32 [inputs, units].
        bias: float32 [units].
    """
    inputs, units = kernel.shape
    # One matrix product over all rows is faster than a batched one.
    # [..., inputs] -> [rows, units]
    y = tf.matmul(tf.reshape(x, [-1, inputs]), tf.cast(kernel, x.dtype))
    y = tf.nn.bias_add(y, tf.cast(bias, x.dtype))
    return tf.reshape(y, tf.concat([tf.shape(x)[:-1], [units]], 0))


def layer_norm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Normalises the last dimension to mean 0 and variance 1, then scales and shifts.

    Args:
        x: [..., size], of any float type; it is computed in float32.
        gamma: float32 [size].
        beta: float32 [size].

    Source: Ba et al. 2016; google-research/electra model/modeling.py `layer_norm`: biased
    variance, epsilon 1e-12 (the default of `tf.contrib.layers`).
    """
    wide = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(wide, -1, keepdims=True)
    centred = wide - mean
    variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
    scale = tf.math.rsqrt(variance + LAYER_NORM_EPSILON) * gamma
    return tf.cast(centred * scale + beta, x.dtype)


class Dense(tf.Module):
    """An affine map of the last dimension, followed by an activation."""

    def __init__(
        self,
        variables: Variables,
        name: str,
        inputs: int,
        units: int,
        *,
        activation: Callable[[tf.Tensor], tf.Tensor] | None = None,
        initializer: Literal["truncated_normal", "glorot_uniform"] = "truncated_normal",
    ):
        """Creates `<name>/kernel` [inputs, units] and `<name>/bias` [units].

        Args:
            variables: creates them.
            name: complete, for instance `electra/embeddings_project`.
            inputs: size of the last dimension of the input.
            units: size of the last dimension of the output.
            activation: applied to the result; None for a linear layer.
            initializer: of the kernel. The original leaves TF1's default, glorot, to
                `embeddings_project`, to all fine-tuning heads and to the
                discriminator's logit; everything else is truncated normal.
        """
        super().__init__()
        self.kernel = getattr(variables, initializer)(f"{name}/kernel", [inputs, units])
        self.bias = variables.zeros(f"{name}/bias", [units])
        self._activation = activation

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps [..., inputs] to [..., units], in the type of the input."""
        y = dense(x, *self.weights)
        return y if self._activation is None else self._activation(y)

    @property
    def weights(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Kernel and bias as they are now."""
        return tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)

    def forward_flops(self, positions: int) -> float:
        """Operations at so many positions, without the activation."""
        return float(positions * dense_flops(*self.kernel.shape))

    def partial(self, x: tf.Tensor, start: int) -> tf.Tensor:
        """What some of the inputs add, before the bias and the activation.

        Args:
            x: [..., size], the inputs `start` to `start + size - 1`.
            start: number of the first.

        Returns:
            [..., units].
        """
        size, units = x.shape[-1], self.kernel.shape[1]
        kernel = tf.cast(self.kernel[start : start + size], x.dtype)
        y = tf.matmul(tf.reshape(x, [-1, size]), kernel)
        return tf.reshape(y, tf.concat([tf.shape(x)[:-1], [units]], 0))


class LayerNorm(tf.Module):
    """The variables of a norm, see `layer_norm`."""

    def __init__(self, variables: Variables, name: str, size: int):
        """Creates `<name>/gamma` and `<name>/beta`, float32 [size]."""
        super().__init__()
        self.gamma = variables.ones(f"{name}/gamma", [size])
        self.beta = variables.zeros(f"{name}/beta", [size])

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps [..., size] to the same shape and type; computes in float32."""
        return layer_norm(x, *self.weights)

    @property
    def weights(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Scale and shift as they are now."""
        return tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
