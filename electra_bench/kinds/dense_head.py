"""What the simple task kinds share: an encoder, and one dense layer on its states."""

import tensorflow as tf

from electra_bench.core import Batch, Encoder, EncoderFactory, LossTerm, Seed, Variables
from electra_bench.core.random import dropout
from electra_bench.records import TaskCard


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


def last_states(
    encoder: Encoder, batch: Batch, seed: Seed, training: bool
) -> tf.Tensor:
    """The encoder's last layer on a batch, float32 [batch, seq, hidden]."""
    return encoder(
        batch.input_ids,
        batch.input_mask,
        batch.segment_ids,
        seed=seed,
        training=training,
    ).sequence


class EncoderWithHead(tf.Module):
    """An encoder with a dense head on its last layer; subclasses are task kinds."""

    def __init__(
        self,
        encoders: EncoderFactory,
        variables: Variables,
        card: TaskCard,
        outputs: int,
        head_dropout: float,
        reduction: str = "sum",
    ):
        """Builds encoder and head.

        Args:
            encoders: makes the encoder.
            variables: makes the head's variables.
            card: the task.
            outputs: width of the logits.
            head_dropout: dropout on the states that the head reads, in [0, 1).
            reduction: of the loss, see `LossTerm`; the original's fine-tuning sums.
        """
        super().__init__(name=card.kind)
        self.card = card
        self.encoder = encoders()
        self._reduction = reduction
        self._head = DenseHead(
            variables, card.name, self.encoder.hidden_size, outputs, head_dropout
        )

    def text_logits(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        """Logits of whole texts, from [CLS]: float32 [batch, outputs]."""
        return self._head(self._states(batch, seed, training)[:, 0], seed, training)

    def token_logits(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        """Logits of every token: float32 [batch, seq, outputs]."""
        return self._head(self._states(batch, seed, training), seed, training)

    def term(self, losses: tf.Tensor, counted: tf.Tensor) -> LossTerm:
        """The loss of those that count.

        Args:
            losses: of texts or tokens, float32 [batch, ...].
            counted: False for those without a label, bool, same shape.
        """
        return LossTerm(
            tf.reduce_sum(tf.where(counted, losses, 0.0)),
            tf.reduce_sum(tf.cast(counted, tf.float32)),
            reduction=self._reduction,
        )

    def _states(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        return last_states(self.encoder, batch, seed, training)
