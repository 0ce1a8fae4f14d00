"""Adversarial ELECTRA: the generator is rewarded where it deceives the discriminator."""

import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerms, SpecialIds, Variables
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.objectives.generators import MaskedLM
from electra_bench.objectives.heads import logit
from electra_bench.objectives.losses import mean_term, token_losses
from electra_bench.objectives.masking import gather_positions
from electra_bench.registry import objectives


class AdversarialElectra(Electra):
    """ELECTRA whose generator learns by REINFORCE.

    The reward R of a sample is the discriminator's loss at its position; a baseline b,
    told from the generator's own states, is subtracted. The generator is not told which
    tokens are right.
    """

    def make_heads(self, variables: Variables) -> None:
        """Creates `baseline_predictions/...` beside ELECTRA's."""
        super().make_heads(variables)
        if not isinstance(self.generator, MaskedLM):
            raise ValueError(
                "electra_adversarial needs objectives.electra.generator = 'masked_lm'"
            )
        if self.settings.temperature != 1.0 or self.settings.disallow_correct:
            raise ValueError(
                "electra_adversarial rewards the distribution that samples come from: "
                "objectives.electra.temperature must be 1.0 and disallow_correct False"
            )
        name = "baseline_predictions/dense"
        self._baseline = logit(variables, name, self.generator.encoder.hidden_size)

    def generator_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """`adversarial` and `baseline`: means over the used slots."""
        masked, proposed = forward.masked, forward.proposed
        rewards = self.rewards(batch, forward)
        logits = self.baseline_logits(forward)
        advantages = tf.stop_gradient(rewards + tf.math.log_sigmoid(logits))
        # Gradient ascent of E[R] is descent of -(R - b) log p(sample).
        losses = advantages * token_losses(proposed.logits, forward.sampled_ids)
        # exp(-R) is the probability that the discriminator gives to the truth.
        baseline = tf.nn.sigmoid_cross_entropy_with_logits(tf.exp(-rewards), logits)
        return {
            "adversarial": mean_term(losses, masked.weights, self.settings.gen_weight),
            "baseline": mean_term(baseline, masked.weights, 1.0),
        }

    def rewards(self, batch: Batch, forward: Forward) -> tf.Tensor:
        """The discriminator's loss at the masked positions, float32 [batch, preds]."""
        losses = self.detected(batch, forward).losses()
        return tf.stop_gradient(gather_positions(losses, forward.masked.positions))

    def baseline_logits(self, forward: Forward) -> tf.Tensor:
        """Of the baseline -log sigmoid(w h), float32 [batch, preds]."""
        # What the baseline learns must not change the generator.
        hidden = tf.stop_gradient(forward.proposed.hidden)
        return tf.squeeze(self._baseline(hidden), -1)


@objectives.register("electra_adversarial")
def electra_adversarial(
    encoders: EncoderFactory, variables: Variables, special_ids: SpecialIds
) -> Electra:
    """Builds the objective; all its parameters are those bound to `electra`.

    `gen_weight` is the coefficient of the REINFORCE term. Bind `distinct_positions`,
    or `repeated_positions` to "once": otherwise of two different samples for one position
    neither stands in the text.

    Args:
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.

    Raises:
        ValueError: the generator reads no masked text, or its samples come from another
            distribution than its own.

    Source: Clark et al. 2020, appendix F. Where it is silent: the baseline's sigmoid
    learns exp(-R), and its gradient stops at the generator's states.
    """
    return like_electra(AdversarialElectra, encoders, variables, special_ids)
