"""ELECTRA 15 %: the discriminator learns from the masked positions only."""

import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, SpecialIds, Variables
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.registry import objectives


class Electra15(Electra):
    """Tells for every sample whether it is another token than the original one."""

    def weights(self, batch: Batch, forward: Forward) -> tf.Tensor:
        """1 where a sample stands, float32 [batch, seq]."""
        del batch
        return tf.cast(forward.corrupted.sampled, tf.float32)


@objectives.register("electra_15")
def electra_15(
    encoders: EncoderFactory, variables: Variables, special_ids: SpecialIds
) -> Electra:
    """Builds the objective; all its parameters are those bound to `electra`.

    It shows how much ELECTRA gains by learning from every token.

    Args:
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.

    Source: Clark et al. 2020, section 3.5, "ELECTRA 15%".
    """
    return like_electra(Electra15, encoders, variables, special_ids)
