"""The head of the simple task kinds: dropout and one dense layer."""

import tensorflow as tf

from electra_bench.core import Seed, Variables
from electra_bench.core.random import dropout


class DenseHead(tf.Module):
    """Dropout and one dense layer on encoder states.

    There is no pooler and no hidden layer. The kernel starts Glorot-uniform, unlike the
    rest of the encoder.

    Source: google-research/electra finetune/classification/classification_tasks.py and
    finetune/tagging/tagging_tasks.py (`tf.layers.dense` with its default initialiser).
    """

    def __init__(
        self, variables: Variables, task: str, inputs: int, outputs: int, rate: float
    ):
        """Makes the variables.

        Args:
            variables: makes `task_specific/<task>/dense/kernel` and `bias`.
            task: registered name.
            inputs: width of the states.
            outputs: width of the result.
            rate: dropout, in [0, 1).
        """
        super().__init__(name="dense_head")
        scope = f"task_specific/{task}/dense"
        self.kernel = variables.glorot_uniform(f"{scope}/kernel", [inputs, outputs])
        self.bias = variables.zeros(f"{scope}/bias", [outputs])
        self._rate = rate

    def __call__(self, states: tf.Tensor, seed: Seed, training: bool) -> tf.Tensor:
        """Maps float32 [batch, ..., hidden] to float32 [batch, ..., classes]."""
        states = dropout(states, self._rate, seed.fold("head"), training)
        return tf.tensordot(states, self.kernel, axes=1) + self.bias
