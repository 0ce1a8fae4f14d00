"""Every file below gin/ parses, passes all checks and gives a root what it needs."""

import gin
import pytest

from electra_bench import config, registry
from electra_bench.config.statements import REQUIRED, Binding, Macro, read_file
from electra_bench.registry.parameters import load
from electra_bench.runs.launch import parse

ROOT = config.gin_root()
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.gin"))
MODELS = [name for name in FILES if name.startswith("models/")]
PROTOCOLS = [name for name in FILES if name.startswith("protocols/")]
# Given by the user, whatever the model.
GIVEN = {
    "pretrain": ["CORPUS = 'pydoc'", "VOCAB = 'vocab.txt'"],
    "finetune": ["TASK = 'cola'"],
}
# Macros of numbers; the others that a user must give are texts.
NUMBERS = {
    "BATCH_SIZE",
    "MAX_SEQ_LENGTH",
    "MINUTES",
    "PRETRAIN_LEARNING_RATE",
    "TRAIN_STEPS",
    "WARMUP_STEPS",
}
# Macros of suites that hold neither numbers nor text.
OTHERS = {"MODELS": {"a": {"init": "text"}}}
# Given by the code that calls the builder.
SUPPLIED = {
    "runs.pretrain": ("session",),
    "runs.finetune": ("session",),
    "models.electra": ("variables", "name", "vocab_size"),
    "objectives.electra": ("encoders", "variables", "special_ids"),
    "training.adamw": ("variables", "total_steps", "num_layers"),
}


def required(*files: str) -> list[str]:
    """Bindings of the macros that files leave to the user."""
    holding = {
        statement.key: statement.value
        for name in files
        for statement in read_file(name)
        if isinstance(statement, Binding) and not statement.parameter
    }
    return [
        f"{key} = {OTHERS.get(key, 8 if key in NUMBERS else 'text')!r}"
        for key, value in holding.items()
        if value == Macro(REQUIRED)
    ]


def test_there_are_files_of_every_sort():
    assert {name.split("/")[0] for name in FILES} == {
        "ablations",
        "models",
        "presets",
        "protocols",
        "runs",
        "suites",
    }
    assert "models/tiny.gin" in MODELS and "protocols/code_v1.gin" in PROTOCOLS


@pytest.mark.parametrize("name", FILES)
def test_parses_and_passes_the_checks(name):
    parsed = parse([name], required(name))
    assert parsed.bindings


@pytest.mark.parametrize("name", FILES)
def test_says_what_it_is_for(name):
    assert config.find_gin_file(name).read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("root", GIVEN)
def test_a_model_file_leaves_only_data_to_the_user(model, root):
    parse([f"runs/{root}.gin", model], GIVEN[root])
    selectors = [f"runs.{root}", "models.electra", "training.adamw"]
    for selector in [*selectors, "objectives.electra"]:
        load(*selector.split("."))
        config.require_bound(selector, SUPPLIED[selector])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("root", GIVEN)
def test_a_protocol_goes_with_both_runs(protocol, root):
    parsed = parse([f"runs/{root}.gin", "models/tiny.gin", protocol], GIVEN[root])
    name = protocol.removeprefix("protocols/").removesuffix(".gin")
    assert parsed.value(f"runs.{root}.protocol") == name
    for statement in read_file(protocol):
        assert parsed.value(statement.key) == statement.value, statement.key


@pytest.mark.parametrize("model", MODELS)
def test_bindings_reach_the_builders(model):
    parsed = parse(["runs/pretrain.gin", model], GIVEN["pretrain"])
    bound = gin.get_bindings("models.electra")
    assert bound["hidden_size"] == parsed.value("models.electra.hidden_size")
    assert bound["hidden_size"] % bound["num_heads"] == 0
    adamw = gin.get_bindings(registry.training.get("adamw"))
    assert adamw["peak_lr"] == parsed.value("PRETRAIN_LEARNING_RATE")


@pytest.mark.parametrize(
    "ablation", [name for name in FILES if name.startswith("ablations/")]
)
def test_an_ablation_goes_on_top_of_a_model(ablation):
    files = ["runs/pretrain.gin", "models/small.gin", ablation]
    parsed = parse(files, GIVEN["pretrain"])
    name = ablation.removeprefix("ablations/").removesuffix(".gin")
    assert parsed.value("runs.pretrain.label") == name
