"""Telling which tokens have changed places: replaced tokens without a generator."""

import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, Seed, SpecialIds, Variables
from electra_bench.objectives.detection import Detection
from electra_bench.objectives.masking import Masked, Masking
from electra_bench.objectives.sampling import Corrupted, corrupt
from electra_bench.registry import objectives


def moved_on(chosen: Masked) -> tf.Tensor:
    """The chosen tokens, each in the place of the one before: int32 [batch, preds].

    Places are chosen in random order, so the cycle is a random one.

    Args:
        chosen: tokens and, in `weights`, which of the slots are used: the first ones.
    """
    # [batch, 1]
    used = tf.cast(tf.reduce_sum(chosen.weights, -1, keepdims=True), tf.int32)
    # [batch, preds]
    sources = (tf.range(tf.shape(chosen.ids)[1]) + 1) % tf.maximum(used, 1)
    return tf.gather(chosen.ids, sources, batch_dims=1)


class ShuffledTokens(Detection):
    """Finds the tokens that have changed places."""

    def __init__(
        self,
        encoders: EncoderFactory,
        variables: Variables,
        special_ids: SpecialIds,
        shuffle_prob: float,
    ):
        super().__init__(encoders("discriminator"), variables, special_ids)
        self._shuffle_prob = shuffle_prob

    def corrupt(self, batch: Batch, seed: Seed) -> Corrupted:
        """Some tokens, each in the place of another; [CLS] and [SEP] stay."""
        masking = Masking(self._shuffle_prob, distinct_positions=True)
        chosen = masking(batch, self.special_ids, seed.fold("places"))
        return corrupt(batch.input_ids, chosen.positions, moved_on(chosen))


@objectives.register("shuffled_tokens")
def shuffled_tokens(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    shuffle_prob: float = 0.1,
) -> ShuffledTokens:
    """Builds the objective: a part of the tokens change places, the encoder finds them.

    It costs the passes of one encoder, where ELECTRA needs its generator's besides.

    Args:
        encoders: builds the encoder.
        variables: creates the head's variables.
        special_ids: of the vocabulary.
        shuffle_prob: fraction of the tokens that change places, in (0, 1).

    Raises:
        ValueError: `shuffle_prob` is outside (0, 1).

    Source: Yamaguchi et al. 2021, EMNLP, "Shuffle". Differs: ELECTRA's head; a place that
    gets an equal token counts as unchanged.
    """
    if not 0.0 < shuffle_prob < 1.0:
        raise ValueError(
            f"objectives.shuffled_tokens.shuffle_prob must be in (0, 1), got {shuffle_prob}"
        )
    return ShuffledTokens(encoders, variables, special_ids, shuffle_prob)
