"""Two-stage ELECTRA: the generator first, then a discriminator that starts as its copy."""

from electra_bench.core import Batch, EncoderFactory, SpecialIds, Stage, Variables
from electra_bench.core.loss_term import LossTerms
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.objectives.generators import MaskedLM
from electra_bench.objectives.mlm import MaskedLanguageModelling
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
            self.generator, self._special_ids, self.settings.masking
        )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Both stages."""
        learned = (*self.encoder.trainable_variables, *self._head.trainable_variables)
        copies = zip(
            self.generator.encoder.variables, self.encoder.variables, strict=True
        )
        return (
            Stage(0.0, self._masked_lm, tuple(self.generator.trainable_variables)),
            Stage(0.5, self, learned, tuple(copies)),
        )

    def generator_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """None: the generator does not learn any more."""
        del batch, forward
        return {}


@objectives.register("electra_two_stage")
def electra_two_stage(
    encoders: EncoderFactory, variables: Variables, special_ids: SpecialIds
) -> Electra:
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
