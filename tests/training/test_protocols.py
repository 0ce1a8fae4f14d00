"""The protocol files: one binding for every quirk, the original's being the defaults."""

import inspect

import gin
import pytest

from electra_bench import registry
from electra_bench.config.statements import Binding, read_file
from electra_bench.runs import launch
from electra_bench.tasks.features.choices import pretraining_examples, tagged_words

PROTOCOLS = ("code_v1", "paper", "fixed")


def load(kind, name):
    registry.REGISTRIES[kind].load(name)


def bindings(protocol):
    statements = read_file(f"protocols/{protocol}.gin")
    return [s for s in statements if isinstance(s, Binding) and s.parameter]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocols_parse_and_name_themselves(protocol):
    parsed = launch.parse([f"protocols/{protocol}.gin"], [])
    for root in ("pretrain", "finetune"):
        assert parsed.value(f"runs.{root}.protocol") == protocol


def test_protocols_bind_the_same_parameters():
    first, *others = ({b.key for b in bindings(name)} for name in PROTOCOLS)
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("parameter", "original", "fixed"),
    [
        ("features.pretraining.cut_tokens", "dropped", "kept"),
        ("features.words.cut_words", "dropped", "windows"),
        ("features.words.empty_words", "next", "unknown"),
        ("kinds.span_qa.no_answer_threshold", "constant", "chosen"),
    ],
)
def test_what_only_fixed_does_otherwise(parameter, original, fixed):
    values = [{b.key: b.value for b in bindings(name)}[parameter] for name in PROTOCOLS]
    assert values == [original, original, fixed]


def test_what_holds_without_a_protocol():
    assert pretraining_examples().cut_tokens == "dropped"
    assert tagged_words().cut_words == "windows"


def test_defaults_of_optimizer_and_objectives_are_the_originals():
    selectors = (
        "training.adamw",
        "training.linear",
        "training.optimizer",
        "objectives.electra",
        "objectives.electric",
        "objectives.mlm",
    )
    checked = 0
    for binding in bindings("code_v1"):
        if binding.selector not in selectors:
            continue
        load(*binding.selector.split("."))
        builder = gin.get_configurable(binding.selector)
        default = inspect.signature(builder).parameters[binding.parameter].default
        assert default == binding.value, binding.key
        checked += 1
    assert checked >= 6
