"""What the task kinds share: an encoder, and one dense layer on its states."""

import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerm, Seed, Variables
from electra_bench.core.random import dropout
from electra_bench.models.encoder import last_states
from electra_bench.models.layers import Dense
from electra_bench.records import TaskCard


class EncoderWithHead(tf.Module):
    """An encoder with dropout and a dense layer on its last states.

    There is no pooler and no hidden layer. The kernel starts Glorot-uniform, unlike the
    rest of the encoder. Subclasses are task kinds.

    Source: google-research/electra finetune/classification/classification_tasks.py and
    finetune/tagging/tagging_tasks.py (`tf.layers.dense` with its default initialiser).
    """

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
            variables: makes `task_specific/<task>/dense/kernel` and `bias`.
            card: the task.
            outputs: width of the logits.
            head_dropout: dropout on the states that the head reads, in [0, 1).
            reduction: of the loss, see `LossTerm`; the original's fine-tuning sums.
        """
        super().__init__(name=card.kind)
        self.card = card
        self.encoder = encoders()
        self._reduction = reduction
        self._head_dropout = head_dropout
        self._head = Dense(
            variables,
            f"task_specific/{card.name}/dense",
            self.encoder.hidden_size,
            outputs,
            initializer="glorot_uniform",
        )

    def text_logits(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        """Logits of whole texts, from [CLS]: float32 [batch, outputs]."""
        states = last_states(self.encoder, batch, seed, training)
        return self._logits(states[:, 0], seed, training)

    def token_logits(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        """Logits of every token: float32 [batch, seq, outputs]."""
        states = last_states(self.encoder, batch, seed, training)
        return self._logits(states, seed, training)

    def term(self, losses: tf.Tensor, counted: tf.Tensor) -> LossTerm:
        """The loss of those that count, see `counted_term`."""
        return counted_term(losses, counted, self._reduction)

    def _logits(self, states: tf.Tensor, seed: Seed, training: bool) -> tf.Tensor:
        # [batch, ..., hidden] -> [batch, ..., outputs]
        seed = seed.fold("head")
        return self._head(dropout(states, self._head_dropout, seed, training))


def counted_term(
    losses: tf.Tensor, counted: tf.Tensor, reduction: str, coefficient: float = 1.0
) -> LossTerm:
    """The loss of those that count.

    Args:
        losses: of texts or tokens, float32 [batch, ...].
        counted: False for those without a label, bool, same shape.
        reduction: see `LossTerm`.
        coefficient: of this term.
    """
    return LossTerm(
        tf.reduce_sum(tf.where(counted, losses, 0.0)),
        tf.reduce_sum(tf.cast(counted, tf.float32)),
        coefficient,
        reduction,
    )
