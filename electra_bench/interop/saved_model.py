"""A SavedModel, which TensorFlow Serving and other programs run without this package."""

from typing import Any

import tensorflow as tf

from electra_bench.core import Batch, Objective, Seed

INPUTS = ("input_ids", "input_mask", "segment_ids")


class Served(tf.Module):
    """An encoder, or a fine-tuned model, as one function of its three inputs."""

    def __init__(self, objective: Objective, whole: bool):
        """Takes a model with its values.

        Args:
            objective: a pre-training objective or a task kind.
            whole: whether to give its outputs too; only a task kind's need no masking.
        """
        super().__init__()
        self._objective = objective
        self._whole = whole

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, n) for n in INPUTS]
    )
    def serve(self, input_ids, input_mask, segment_ids) -> dict[str, Any]:
        """Maps int32 [batch, seq] to `sequence`, float32 [batch, seq, hidden], and more."""
        seed = Seed.of(0)  # nothing is drawn
        tokens = input_ids, input_mask, segment_ids
        encoded = self._objective.encoder(*tokens, seed=seed, training=False)
        if not self._whole:
            return {"sequence": encoded.sequence}
        rows = tf.shape(input_ids)[0]
        labels, values = tf.zeros([rows, 0], tf.int32), tf.zeros([rows, 0])
        zeros = tf.zeros([rows], tf.int32)
        no_rows = tf.zeros([rows, 0, 0], tf.int32)
        batch = Batch(
            *tokens, labels, values, zeros, tf.range(rows), place=zeros, rows=no_rows
        )
        outputs = self._objective.outputs(batch, seed)
        return {"sequence": encoded.sequence, **outputs}


def export_saved_model(objective: Objective, output: str, *, whole: bool) -> None:
    """Writes a SavedModel with the signature `serving_default`.

    Its inputs are `input_ids`, `input_mask` (1 for tokens) and `segment_ids`, int32
    [batch, seq], as the vocabulary beside it encodes text; its output is `sequence`, the
    last layer, and with `whole` what the task kind tells of it (`logits`, `probs`, ...).

    Args:
        objective: with its values.
        output: an empty folder.
        whole: see `Served`.
    """
    served = Served(objective, whole)
    tf.saved_model.save(served, output, signatures=served.serve)
