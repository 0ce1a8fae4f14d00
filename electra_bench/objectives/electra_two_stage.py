"""Two-stage ELECTRA: the generator first, then a discriminator that starts as its copy."""

from electra_bench.core import (
    Batch,
    EncoderFactory,
    LossTerm,
    SpecialIds,
    Stage,
    Variables,
)
from electra_bench.models import flops_paper
from electra_bench.models.flops import TRAIN_FACTOR
from electra_bench.objectives.electra import Electra, like_electra
from electra_bench.objectives.generators import MaskedLM
from electra_bench.objectives.mlm import MaskedLanguageModelling
from electra_bench.objectives.replaced_tokens import Forward, ReplacedTokens
from electra_bench.registry import objectives


class TwoStageElectra(Electra):
    """ELECTRA whose two networks learn one after the other.

    Half of the updates train the generator as a masked language model. Then the
    discriminator's encoder gets its values and is trained for the other half, while the
    generator stays as it is. They share nothing, or the second half would change it.
    """

    def make_heads(self, variables: Variables) -> None:
        """Creates `discriminator_predictions/...`.

        Raises:
            ValueError: the two encoders are not alike.
        """
        super().make_heads(variables)
        shapes = [
            [variable.shape for variable in encoder.variables]
            for encoder in (self.generator.encoder, self.encoder)
        ]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "electra_two_stage needs a generator like the discriminator; bindings "
                "under generator/ or discriminator/ make them different"
            )
        self._masked_lm = MaskedLanguageModelling(
            self.generator, self._special_ids, self._replacing.masking
        )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Both stages."""
        learned = (
            *self.encoder.trainable_variables,
            *self._head.trainable_variables,
        )
        copies = zip(
            self.generator.encoder.variables, self.encoder.variables, strict=True
        )
        return (
            Stage(0.0, self._masked_lm, tuple(self.generator.trainable_variables)),
            Stage(0.5, self, learned, tuple(copies)),
        )

    def generator_terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """None: the generator does not learn any more."""
        del batch, forward
        return {}

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, mean of both stages, method `v2`.

        None if the encoder does not count its own.
        """
        generation = self._masked_lm.train_flops_per_sequence(seq_length)
        joint = super().train_flops_per_sequence(seq_length)
        if generation is None or joint is None:
            return None
        # In the second stage the generator runs forward only.
        frozen = joint - generation + generation / TRAIN_FACTOR
        return (generation + frozen) / 2.0

    def paper_flops_per_sequence(self, seq_length: int) -> float | None:
        """The same by method `paper-v1`; None for encoders without sizes."""
        generation = self.generator.paper_flops(seq_length)
        joint = super().paper_flops_per_sequence(seq_length)
        if generation is None or joint is None:
            return None
        # The first stage trains the generator; in the second it runs forward only.
        factor = flops_paper.TRAIN_FACTOR
        return (factor * generation + joint - (factor - 1) * generation) / 2.0


@objectives.register("electra_two_stage")
def electra_two_stage(
    encoders: EncoderFactory, variables: Variables, special_ids: SpecialIds
) -> ReplacedTokens:
    """Builds the objective; its parameters are those bound to `electra`.

    But for the generator's: it is as large as the discriminator and has embeddings of its
    own, whatever is bound there, and `gen_weight`, for it learns alone. Each stage has the
    learning rate schedule of a run of its length.

    Args:
        encoders: builds both encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.

    Source: Clark et al. 2020, section 3.2, "training algorithms".
    """
    return like_electra(
        TwoStageElectra,
        encoders,
        variables,
        special_ids,
        generator=MaskedLM(variables, encoders("generator")),
    )
