"""Pseudo-log-likelihoods: how probable every token of a text is, given all others.

A text's is the sum over its tokens. [CLS], [SEP] and padding have a value, too, which
counts for nothing.

Source: Clark et al. 2020 (Electric), sections 3.2 and 3.3; Salazar et al. 2020 for masked
language models.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench.core import Batch, Objective, Seed
from electra_bench.core.optional import HasEnergies, HasGenerator, HasMaskedLM
from electra_bench.objectives.electra import Electra
from electra_bench.objectives.generators import MaskedLM, TwoTower
from electra_bench.objectives.losses import token_losses
from electra_bench.objectives.masking import Masked
from electra_bench.objectives.sampling import tempered

TRAINABLE = (
    "OBJECTIVE = 'electric'; OBJECTIVE = 'electra' with "
    "objectives.electra.generator = 'two_tower'; OBJECTIVE = 'mlm'"
)


class PseudoLikelihood(NamedTuple):
    """A way to score texts.

    Attributes:
        name: one of `METHODS`.
        score: `score(batch, positions)`. Without masks: of every token, float32
            [batch, seq]; `positions` is not looked at. With masks: of the one token of
            each row at `positions`, int32 [batch, 1], which it masks, float32 [batch, 1].
        vocab_size: columns of the softmax that it computes at every scored position; 0
            for none.
        is_normalised: whether a score is the logarithm of a probability; if not, there is
            no perplexity.
        masks: whether a token is scored while it is masked, so that a text of n tokens
            takes n passes, not one.
    """

    name: str
    score: Callable[[Batch, tf.Tensor], tf.Tensor]
    vocab_size: int
    is_normalised: bool = True
    masks: bool = False


def electra_log_probs(
    logits: tf.Tensor, log_q: tf.Tensor, mask_prob: float
) -> tf.Tensor:
    """What a discriminator says of the probability of tokens, float32 [batch, seq].

    A token x stands at a place with probability p and is proposed there with probability
    q; a fraction a of the places is replaced by proposals. By Bayes' rule x is real with
    weight (1 - a) p + a q p, for a proposal that hits the original token is real, and
    replaced with weight a q (1 - p). The discriminator's odds of being real, D / (1 - D),
    are the ratio of the two, so p / (1 - p) = D / (1 - D) * a q / ((1 - a) + a q).

    Args:
        logits: log odds of being replaced, log((1 - D) / D), float32 [batch, seq].
        log_q: log q, float32 [batch, seq].
        mask_prob: a, in (0, 1).

    Source: Clark et al. 2020 (Electric), section 3.3, "ELECTRA-TT".
    """
    log_aq = tf.math.log(mask_prob) + log_q
    # log((1 - a) + a q): both terms are positive, so nothing cancels out.
    log_seen = tf.math.log((1.0 - mask_prob) + tf.exp(log_aq))
    return tf.math.log_sigmoid(log_aq - log_seen - logits)


def masked_log_probs(
    model: MaskedLM, batch: Batch, positions: tf.Tensor, mask_id: int
) -> tf.Tensor:
    """Log probabilities of the tokens at the positions while they are masked.

    Args:
        model: the masked language model.
        batch: the texts.
        positions: int32 [batch, n]; all of a row are masked at once.
        mask_id: of [MASK].

    Returns:
        float32 [batch, n].
    """
    ids = tf.gather(batch.input_ids, positions, batch_dims=1)
    # [batch, n, seq] -> [batch, seq]
    seq = tf.shape(batch.input_ids)[1]
    is_masked = tf.reduce_any(positions[:, :, tf.newaxis] == tf.range(seq), 1)
    masked = Masked(
        tf.where(is_masked, mask_id, batch.input_ids),
        positions,
        ids,
        tf.ones_like(ids, tf.float32),
    )
    proposed = model(batch, masked, seed=Seed.of(0), training=False)
    return -token_losses(proposed.logits, ids)


METHODS = ("electric", "electra_tt", "two_tower", "mlm")


def _possible(objective: Any, mask_id: int) -> dict[str, PseudoLikelihood]:
    """What an objective can be scored by, in the order of `METHODS`."""
    vocab = objective.encoder.embeddings.table.shape[0]
    generator = objective.generator if isinstance(objective, HasGenerator) else None
    possible = []
    if isinstance(objective, HasEnergies):

        def electric(batch, positions):
            return -objective.energies(batch)

        # A constant a token is missing to a log probability.
        possible.append(PseudoLikelihood("electric", electric, 0, is_normalised=False))
    # Subclasses tell other things of a token, or of other tokens.
    if type(objective) is Electra and isinstance(generator, TwoTower):

        def electra_tt(batch, positions):
            return _electra_tt(objective, batch)

        possible.append(PseudoLikelihood("electra_tt", electra_tt, vocab))
    if isinstance(generator, TwoTower):

        def two_tower(batch, positions):
            return -token_losses(generator.cloze_logits(batch), batch.input_ids)

        possible.append(PseudoLikelihood("two_tower", two_tower, vocab))
    # ELECTRA's generator is a masked language model, too.
    has_own = isinstance(objective, HasMaskedLM)
    model = objective.masked_lm if has_own else generator
    if isinstance(model, MaskedLM):
        score = functools.partial(masked_log_probs, model, mask_id=mask_id)
        possible.append(PseudoLikelihood("mlm", score, vocab, masks=True))
    return {way.name: way for way in possible}


def _electra_tt(objective: Electra, batch: Batch) -> tf.Tensor:
    """Log probabilities of all tokens, float32 [batch, seq]."""
    settings = objective.settings
    # q is what proposals were drawn from.
    cloze_logits = objective.generator.cloze_logits(batch)
    cloze_logits = tempered(cloze_logits, settings.temperature)
    log_q = -token_losses(cloze_logits, batch.input_ids)
    logits = objective.read(batch)
    return electra_log_probs(logits, log_q, settings.masking.mask_prob)


def pseudo_likelihood(
    objective: Objective, mask_id: int, method: str | None, what: str
) -> PseudoLikelihood:
    """The scores that an objective can give.

    Args:
        objective: with the checkpoint's values.
        mask_id: of [MASK].
        method: one of `METHODS`; None takes the one that the objective was trained for:
            `electric`, `electra_tt` or `mlm`.
        what: names the run and its objective in messages.

    Raises:
        ValueError: no such method, the objective lacks what it needs, or its generator
            proposed no original tokens, so that nothing follows for 'electra_tt'.
    """
    if method not in (None, *METHODS):
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    possible = _possible(objective, mask_id)
    trainable = f"pre-train one of: {TRAINABLE}"
    # The generator of ELECTRA is small, so it is scored only if asked for.
    trained_for = ["electric", "electra_tt"]
    if isinstance(objective, HasMaskedLM):
        trained_for.append("mlm")
    wanted = [method] if method else trained_for
    chosen = next((name for name in wanted if name in possible), None)
    # Without original tokens among the proposals no p follows from D and q.
    if "electra_tt" in possible and objective.settings.disallow_correct:
        if chosen == "electra_tt":
            raise ValueError(
                "the method 'electra_tt' needs a run with "
                "objectives.electra.disallow_correct = False, this one has True"
            )
        del possible["electra_tt"]
    if chosen:
        return possible[chosen]
    if method:
        others = ", ".join(possible)
        hint = f"it can be scored by: {others}" if others else trainable
        raise ValueError(f"{what} lacks what the method {method!r} needs; {hint}")
    hints = [f"--method {name} scores with its generator" for name in possible]
    hint = " or ".join([*hints, trainable])
    raise ValueError(f"{what} is not trained to score texts; {hint}")
