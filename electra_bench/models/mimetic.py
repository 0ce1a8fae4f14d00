"""Initial values with which narrow encoders attend to their neighbours from the start."""

import math

import numpy as np
import tensorflow as tf

from electra_bench.core.variables import InitialValue, NormalValues, normal_values

# Wave lengths of the positions go from 2 pi towards this times 2 pi.
WAVE_BASE = 10_000.0


def mimetic_values(stddev: float) -> NormalValues:
    """Keys equal to queries and sinusoidal positions in place of normal values.

    For encoders with the variable names of `models/encoder.py`; others start as with
    `normal_values`. With equal keys and queries a token attends to similar tokens, and
    positions as sinusoids are similar to their neighbours. The variables are trained from
    there like all others.

    Source: after Trockman and Kolter 2023 (arXiv:2305.09828), who make the
    product of query and key matrices resemble the identity, as it does in pre-trained
    Transformers, and take Vaswani et al. 2017's sinusoids for positions. Differs: their
    values and attention outputs start with a product like minus the identity; here these
    are independent.

    Args:
        stddev: of the normal values before they are cut, and root mean square of the
            sinusoids. With 1 / sqrt(hidden size) queries and keys are about as long as
            the normalised states that they are made of; with less the scores are too
            small for attention to differ from an average.

    Returns:
        For `Variables.with_normal`.
    """
    normal = normal_values(stddev)

    def value(name: str, shape: list[int]) -> InitialValue:
        if name.endswith("/position_embeddings"):
            positions = tf.constant(sinusoids(*shape) * stddev * math.sqrt(2.0))
            return lambda seed: positions
        # The draws depend on the name, so the query's name gives the query's values.
        return normal(name.replace("/self/key/", "/self/query/"), shape)

    return value


def sinusoids(positions: int, size: int) -> np.ndarray:
    """Sine and cosine of each position in `size / 2` wave lengths.

    Source: Vaswani et al. 2017, section 3.5, with all sines before all cosines.

    Args:
        positions: number of rows.
        size: of an embedding; an odd one has a sine more.

    Returns:
        float32 [positions, size].
    """
    frequencies = WAVE_BASE ** -(np.arange(0, size, 2) / size)
    angles = np.arange(positions)[:, np.newaxis] * frequencies
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return waves[:, :size].astype(np.float32)
