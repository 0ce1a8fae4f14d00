"""The conformance checks over all registered models, objectives and task kinds."""

import itertools

import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.conformance import kinds, models, objectives, specimens
from electra_bench.conformance.check import NotChecked
from electra_bench.conformance.objectives import Case
from electra_bench.core import Seed

MODELS = registry.models.names()
OBJECTIVES = [
    Case("objectives", name, model)
    for name, model in itertools.product(registry.objectives.names(), MODELS)
]
KINDS = [
    Case("kinds", name, model)
    for name, model in itertools.product(registry.kinds.names(), MODELS)
]
# A case to the checks that do not apply to it.
NOT_APPLICABLE = {
    **{case: {"columns_of_padding_count_for_nothing"} for case in OBJECTIVES},
    **{case: {"metrics_read_its_outputs", "cost_is_known"} for case in KINDS},
}
# An answer's text needs its context.
NOT_APPLICABLE[Case("kinds", "span_qa")] |= {
    "predictions_are_json",
    "right_answers_are_decoded_ones",
    "it_decodes_what_it_has_learnt",
}


def cases(subjects, checks):
    """Every check of every subject."""
    return [
        pytest.param(check, subject, id=f"{'-'.join(subject)}-{check.__name__}")
        for subject, check in itertools.product(subjects, checks)
    ]


def test_something_is_registered():
    assert {"electra", "mlm"} <= set(registry.objectives.names())
    assert {"classification", "tagging"} <= set(registry.kinds.names())
    assert "electra" in MODELS


@pytest.mark.parametrize(
    ("check", "subject"),
    [
        *cases([models.ModelCase(name) for name in MODELS], models.CHECKS),
        *cases(OBJECTIVES, objectives.CHECKS),
        *cases(KINDS, kinds.CHECKS),
    ],
)
def test_it_conforms(check, subject):
    if check.__name__ in NOT_APPLICABLE.get(subject, ()):
        with pytest.raises(NotChecked):
            check(subject)
    else:
        check(subject)


@pytest.mark.parametrize("case", [*OBJECTIVES, *KINDS], ids="-".join)
def test_dropout_is_on_in_training_only(case):
    objective, batch = objectives.built(case), case.batch()
    losses = [
        objectives.sums(objective.loss_terms(batch, Seed.of(3, 7), training=training))
        for training in (True, False)
    ]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("case", [*OBJECTIVES, *KINDS], ids="-".join)
def test_losses_are_the_same_under_xla(case):
    objective, batch = objectives.built(case), case.batch()

    def sums(batch):
        terms = objective.loss_terms(batch, Seed.of(3, 7), training=True)
        return {n: [t.total, t.weight] for n, t in terms.items() if t.is_trained}

    found = tf.function(sums, autograph=False, jit_compile=True)(batch)
    for name, expected in sums(batch).items():
        assert [*map(float, found[name])] == pytest.approx(
            [*map(float, expected)], rel=2e-6, abs=2e-6
        )


def test_sizes_that_gin_binds_are_kept():
    import gin

    registry.models.load("electra")
    gin.bind_parameter("models.electra.num_layers", 1)
    specimens.bind_sizes("electra")
    assert models.ModelCase("electra").build().num_layers == 1
