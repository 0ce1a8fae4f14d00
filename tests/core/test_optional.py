"""What encoders, objectives and kinds may have is found where it is, and nowhere else."""

import pytest

from electra_bench.conformance import specimens
from electra_bench.conformance.check import Violation, require_members
from electra_bench.conformance.objectives import Case
from electra_bench.core import (
    Objective,
    PretrainingObjective,
    TaskKind,
    Variables,
    optional,
)
from electra_bench.core.optional import max_positions_of, stages_of, tasks_of
from electra_bench.kinds.multi_task import MultiTask


class Bare:
    """An objective, or an encoder, with nothing that is optional."""

    encoder = embeddings = trainable_variables = ()

    def loss_terms(self, batch, seed, training):
        return {}

    def outputs(self, batch, seed):
        return {}


def protocols_of(thing):
    return {
        name.removeprefix("Has")
        for name, protocol in vars(optional).items()
        if name.startswith("Has") and isinstance(thing, protocol)
    }


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        ("objectives", "mlm", {"MaskedLM", "TrainFlops", "PaperFlops"}),
        (
            "objectives",
            "electric",
            {"Generator", "Energies", "TokenCounts", "Warning", "NoPacking"},
        ),
        ("objectives", "electra_two_stage", {"Stages", "Generator"}),
        ("kinds", "span_qa", {"Merge", "OutOfReach", "Threshold"}),
        ("kinds", "tagging", {"Merge"}),
        ("kinds", "classification", set()),
    ],
)
def test_of_the_built_in_ones(group, name, expected):
    found = protocols_of(Case(group, name).build()[0])
    assert expected <= found
    if group == "kinds":
        assert found == expected


def test_of_the_built_in_encoder_and_of_several_tasks():
    encoder = specimens.encoder("electra", Variables(1))
    assert protocols_of(encoder) == {"ForwardFlops", "Sizes", "Packed"}
    assert max_positions_of(encoder) == encoder.embeddings.max_positions
    kind = Case("kinds", "tagging").build()[0]
    several = MultiTask({"a": kind, "b": kind})
    assert protocols_of(several) == {"Tasks"}
    assert [*tasks_of(several, "a")] == ["a", "b"]
    assert tasks_of(kind, "a") == {"a": kind}


def test_nothing_optional_is_needed():
    bare = Bare()
    assert protocols_of(bare) == set()
    [stage] = stages_of(bare)
    assert (stage.start, stage.objective, stage.variables) == (0.0, bare, ())
    assert max_positions_of(bare) is None
    assert isinstance(bare, Objective)


@pytest.mark.parametrize(
    ("protocol", "missing"),
    [
        (PretrainingObjective, "Bare has no metrics; see core.PretrainingObjective"),
        (
            TaskKind,
            "Bare has no decode, right_answer, sample_targets; see core.TaskKind",
        ),
    ],
)
def test_a_missing_member_is_named(protocol, missing):
    with pytest.raises(Violation, match=missing):
        require_members(Bare(), protocol)
