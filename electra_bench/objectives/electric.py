"""Electric: an energy-based cloze model, trained by noise-contrastive estimation."""

import functools
import math
from typing import Any

import tensorflow as tf

from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, SpecialIds, Variables
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.objectives.losses import token_losses
from electra_bench.objectives.sampling import tempered
from electra_bench.registry import objectives

PRIORS = {
    "odds": lambda prob: math.log(prob / (1.0 - prob)),
    "fraction": math.log,
}


class Electric(Electra):
    """Tells the energy of every token, and so whether it is noise.

    A token x has the probability exp(-E) given the others, noise has the probability q
    that it is drawn with from what the towers say; the odds that the token is noise follow
    from both.
    """

    # The towers' states wrap around at the ends of a row.
    no_packing = "the odds of [CLS] and [SEP] depend on what stands beyond the text"

    def __init__(self, *networks: Any, prior: str):
        """Takes what `Electra` takes, and the prior, see `electric`."""
        super().__init__(*networks)
        if self.settings.disallow_correct:
            raise ValueError(
                "electric needs noise whose distribution does not depend on the token that "
                "it replaces: objectives.electra.disallow_correct must be False, got True"
            )
        self._prior = PRIORS[prior](self.settings.masking.mask_prob)

    def labels(self, forward: Forward) -> tf.Tensor:
        """1 where a sample stands, the original token or not, int32 [batch, seq]."""
        return forward.corrupted.sampled

    def logits(self, forward: Forward) -> tf.Tensor:
        """Log odds that a token is noise, float32 [batch, seq]."""
        read = forward.corrupted.input_ids
        # Noise is drawn from q, and so with its temperature.
        drawn_from = tempered(forward.proposed.cloze_logits, self.settings.temperature)
        log_q = -token_losses(drawn_from, read)
        energies = self._head(forward.sequence)
        return energies + tf.stop_gradient(log_q) + self._prior

    def energies(self, batch: Batch) -> tf.Tensor:
        """E of every token of a text as it is, float32 [batch, seq]; no dropout.

        Minus their sum over a text's tokens is its pseudo-log-likelihood, up to a
        constant a token.
        """
        return self.read(batch)


@objectives.register("electric")
def electric(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    distinct_positions: Result[bool] = False,
    prior: Result[str] = "odds",
) -> Electric:
    """Builds the objective; all other parameters are those bound to `electra`.

    Its generator has two towers with layers of their own, whatever is bound there: the
    probability of every token is needed, also where it is not replaced. And
    `distinct_positions` is its own.

    Args:
        encoders: builds the three encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        distinct_positions: draw positions without replacement, as the paper does; its code
            does not, see `electra`.
        prior: what the log odds of noise start from. "odds": log(p / (1 - p)) with the
            fraction p of replaced tokens, as the original's code; "fraction": log p, as
            the paper's log(k q / n).

    Returns:
        The objective.

    Raises:
        ValueError: no such prior, a number is out of range, or `disallow_correct`.

    Source: Clark et al. 2020 (Electric), section 2, algorithms 1 and 2;
    google-research/electra run_pretraining.py `_get_discriminator_output`.
    """
    if prior not in PRIORS:
        raise ValueError(
            f"objectives.electric.prior must be one of {sorted(PRIORS)}, got {prior!r}"
        )
    return like_electra(
        functools.partial(Electric, prior=prior),
        encoders,
        variables,
        special_ids,
        generator="two_tower",
        untied_generator=True,
        distinct_positions=distinct_positions,
    )
