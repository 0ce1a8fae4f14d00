"""What is counted of every objective, by both methods."""

import dataclasses

import pytest
import tensorflow as tf
from test_ablations import SIZES, SPECIAL, built

from electra_bench.core import Stage, Variables
from electra_bench.models.flops import (
    EncoderSizes,
    dense_flops,
    discriminator_head_flops,
    encoder_flops,
    masked_lm_head_flops,
    sampling_flops,
)
from electra_bench.models.flops_paper import Transformer
from electra_bench.objectives.flops import CountedByParts, Part
from electra_bench.objectives.heads import DiscriminatorHead

SEQ, SLOTS = 20, 6
HIDDEN, EMBED, VOCAB = SIZES["hidden_size"], SIZES["embedding_size"], SPECIAL.size
FULL = EncoderSizes(HIDDEN, SIZES["num_layers"], 2, SIZES["ffn_size"], EMBED)
NARROW = dataclasses.replace(FULL, hidden=8, heads=1, ffn=16)

ENCODER, GENERATOR = encoder_flops(FULL, SEQ), encoder_flops(NARROW, SEQ)
DETECTOR = discriminator_head_flops(HIDDEN, SEQ)
SAMPLING = sampling_flops(VOCAB, SLOTS)
MASKED_LM = GENERATOR + masked_lm_head_flops(8, EMBED, VOCAB, SLOTS)
FULL_LM = ENCODER + masked_lm_head_flops(HIDDEN, EMBED, VOCAB, SLOTS)
TWO_TOWERS = 2 * GENERATOR + masked_lm_head_flops(16, EMBED, VOCAB, SEQ)
RESTORED = masked_lm_head_flops(HIDDEN, EMBED, VOCAB, SEQ)
COPIED = SEQ * dense_flops(HIDDEN, 1)

EXPECTED = {
    "electra": 3 * (MASKED_LM + ENCODER + DETECTOR) + SAMPLING,
    "electra_15": 3 * (MASKED_LM + ENCODER + DETECTOR) + SAMPLING,
    "electra_adversarial": 3 * (MASKED_LM + ENCODER + DETECTOR) + SAMPLING,
    "electric": 3 * (TWO_TOWERS + ENCODER + DETECTOR) + SAMPLING,
    "replace_mlm": 3 * (MASKED_LM + FULL_LM) + SAMPLING,
    "all_tokens_mlm": 3 * (MASKED_LM + ENCODER + RESTORED + COPIED) + SAMPLING,
    # Half of the updates train the generator, in the other half it runs forward.
    "electra_two_stage": (3 * FULL_LM + FULL_LM + SAMPLING + 3 * (ENCODER + DETECTOR))
    / 2,
}


def papers(sizes: EncoderSizes, **other) -> Transformer:
    return Transformer(
        sizes.hidden,
        sizes.layers,
        SEQ,
        VOCAB,
        EMBED,
        sizes.ffn,
        sizes.heads,
        **other,
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_operations_are_those_of_the_parts(name):
    assert built(name).train_flops_per_sequence(SEQ) == EXPECTED[name]


def test_the_papers_method_counts_the_same_parts():
    encoder, generator = papers(FULL), papers(NARROW)
    both = papers(FULL, output_fraction=1.0)
    masked_lm = generator.forward(generator.embedding_output())
    detector = encoder.forward(encoder.binary_output())
    full_lm = encoder.forward(encoder.embedding_output())
    expected = {
        "electra": 2 * (masked_lm + detector),
        # Two towers, and a softmax on their states at every position.
        "electric": 2 * (2 * generator.forward(0) + both.embedding_output() + detector),
        "replace_mlm": 2 * (masked_lm + full_lm),
        "all_tokens_mlm": 2 * (masked_lm + both.forward(both.embedding_output())),
        "electra_two_stage": (2 * full_lm + full_lm + 2 * detector) / 2,
    }
    found = {name: built(name).paper_flops_per_sequence(SEQ) for name in expected}
    assert found == pytest.approx(expected, rel=1e-12)


class Pooler(tf.Module):
    """A head that no method knows by name."""

    def forward_flops(self, positions: int) -> float:
        return 7.0 * positions


class Mine(CountedByParts):
    """An objective of a plugin."""

    def __init__(self, *parts: Part, stages: tuple[Stage, ...] = ()):
        super().__init__()
        self._parts = parts
        if stages:
            self.stages = stages

    def parts(self):
        return self._parts


def test_a_head_that_counts_itself_is_counted_and_unknown_to_the_paper():
    encoder = built("electra").encoder
    mine = Mine(Part((encoder,), Pooler()))
    assert mine.train_flops_per_sequence(SEQ) == 3 * (ENCODER + 7 * SEQ)
    assert mine.paper_flops_per_sequence(SEQ) is None


def test_an_encoder_without_sizes_has_no_count():
    head = DiscriminatorHead(Variables(1), "discriminator_predictions", HIDDEN)
    mine = Mine(Part((tf.Module(),), head))
    assert mine.train_flops_per_sequence(SEQ) is None
    assert mine.paper_flops_per_sequence(SEQ) is None


def test_a_stage_whose_objective_names_no_parts_has_no_count():
    encoder = built("electra").encoder
    head = DiscriminatorHead(Variables(1), "discriminator_predictions", HIDDEN)
    part, variables = Part((encoder,), head), encoder.trainable_variables
    counted, foreign = Mine(part), tf.Module()
    staged = Mine(
        part, stages=(Stage(0.0, foreign, variables), Stage(0.5, counted, variables))
    )
    assert staged.train_flops_per_sequence(SEQ) is None


def test_what_is_trained_in_a_quarter_of_the_updates_costs_its_share():
    encoder = built("electra").encoder
    head = DiscriminatorHead(Variables(1), "discriminator_predictions", HIDDEN)
    counted = Mine(Part((encoder,), head))
    forward = ENCODER + DETECTOR
    stages = (
        Stage(0.0, counted, encoder.trainable_variables),
        Stage(0.25, counted, ()),
    )
    staged = Mine(stages=stages)
    assert staged.train_flops_per_sequence(SEQ) == 0.25 * 3 * forward + 0.75 * forward
