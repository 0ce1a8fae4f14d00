"""Clipping gradients by their global norm."""

from collections.abc import Sequence

import tensorflow as tf

from electra_bench.core import Gradient


def clip_by_global_norm(
    gradients: Sequence[Gradient], clip_norm: float, *, sum_rows: bool
) -> tuple[list[tf.Tensor | None], tf.Tensor]:
    """Scales all gradients so that their common norm is at most `clip_norm`.

    Args:
        gradients: dense, or `IndexedSlices` whose rows may repeat; None is kept.
        clip_norm: the largest norm; 0 leaves the gradients alone.
        sum_rows: whether repeated rows are added up before the norm is taken. The
            original does not, on CPU and GPU: where a table is used by look-ups only, its
            norm is then larger or smaller than the true one.

    Returns:
        The gradients, dense, and the norm before clipping.

    Source: google-research/electra model/optimization.py `create_optimizer`.
    """
    if sum_rows:
        gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
    norm = tf.linalg.global_norm(gradients)
    if clip_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    return [g if g is None else tf.convert_to_tensor(g) for g in gradients], norm
