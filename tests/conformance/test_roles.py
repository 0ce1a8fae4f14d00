"""Every parameter that gin may bind says what it is to a run."""

import inspect
import typing

import gin
import pytest

from electra_bench import registry
from electra_bench.config import types
from electra_bench.config.ranges import Positive
from electra_bench.config.roles import Role, bare, declared, role_of
from electra_bench.protocols.protocol import BEST_METRIC, Protocol
from electra_bench.registry import target_of
from electra_bench.registry.parameters import load

# Roots that leave a record.
ROOTS = ("pretrain", "finetune", "evaluate", "predict", "score", "rerank")
KINDS = ("models", "objectives", "kinds", "training", "features", "vocabularies")
PARTS = (registry.optimizers, registry.schedules, registry.strategies)
SELECTORS = [
    *(f"runs.{root}" for root in ROOTS),
    *(f"{k}.{n}" for k in KINDS for n in registry.REGISTRIES[k].names()),
    *(f"training.{n}" for part in PARTS for n in part.names()),
    "tasks.a_task_of_files",
]


def parameters(selector):
    """Those that gin has literals of."""
    load(*selector.split("."))
    builder = gin.get_configurable(selector)
    function = builder.__init__ if inspect.isclass(builder) else builder
    return {
        parameter.name: parameter.annotation
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self" and types.has_literals(parameter.annotation)
    }


@pytest.mark.parametrize("selector", SELECTORS)
def test_every_parameter_says_its_role(selector):
    for name, annotation in parameters(selector).items():
        assert role_of(annotation) is not None, f"{selector}.{name} says no role"


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_source_says_what_the_signature_says(selector):
    said = {name: role_of(a) for name, a in parameters(selector).items()}
    assert declared(target_of(selector)) == said


def test_roles_of_what_decides_whether_two_runs_are_the_same():
    finetune = declared(target_of("runs.finetune"))
    assert finetune["frozen"] == Role.RESULT and finetune["epochs"] == Role.PER_TASK
    assert finetune["model"] == finetune["task"] == Role.SUBJECT
    assert finetune["seed"] == Role.SEED
    assert finetune["workdir"] == finetune["data_dir"] == Role.MACHINE
    assert finetune["init"] == finetune["vocab"] == finetune["files"] == Role.CONTENT
    assert declared("electra_bench.training.loop:Loop")["keep"] == Role.MACHINE
    assert declared("electra_bench.training.loop:Loop")["log_every"] == Role.DETAIL


def test_a_role_is_looked_through():
    marked = parameters("runs.finetune")["epochs"]
    assert bare(marked) == Positive[float] | None
    assert types.fits(2, marked) and not types.fits("2", marked)
    assert types.shown(marked) == "float above 0 | None"
    assert typing.get_args(marked)[1] is Role.PER_TASK


# What no protocol has.
STRANGE = "a value that nobody has"


@pytest.mark.parametrize(
    ("root", "selector"),
    [
        (root, selector)
        for root in ("pretrain", "finetune")
        for selector in SELECTORS
        if not selector.startswith("runs.") or selector == f"runs.{root}"
    ],
)
def test_a_change_stars_the_protocol_or_is_declared_otherwise(root, selector):
    protocol = Protocol.read("code_v1", root)
    for name, annotation in parameters(selector).items():
        key = f"{selector}.{name}"
        is_said = key in protocol.values or key in protocol.allowed
        # It chooses the checkpoint that fine-tuning scores.
        is_said |= root == "finetune" and key == BEST_METRIC
        changes_result = role_of(annotation) in (Role.RESULT, Role.PER_TASK)
        is_starred = bool(protocol.changes({key: STRANGE}))
        assert is_starred == (changes_result or is_said), key
