"""Optimizer, schedule and strategy by name: what reaches them, and what is an error."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.cli.main import main
from electra_bench.config.finetuning_hparams import finetuning
from electra_bench.config.pretraining_hparams import pretraining
from electra_bench.runs.launch import Session, parse
from electra_bench.training.adamw import AdamW
from electra_bench.training.choices import CHOICES, DEFAULTS
from electra_bench.training.optimizer import SlotOptimizer, build_optimizer, subtract

NAMES = ("electra/embeddings/table", "task_specific/things/kernel")
GIVEN = {
    "pretrain": ["models/tiny.gin", "CORPUS = 'pydoc'", "VOCAB = 'vocab.txt'"],
    "finetune": ["TASK = 'cola'"],
}
OTHER = "training.optimizer.name = 'descent_of_test'"
# What every record has said of the optimizer since the first one.
ADAMW = (
    *("peak_lr", "warmup_steps", "warmup_proportion", "warmup_shape", "decay_power"),
    *("weight_decay", "layer_decay", "layer_decay_gap", "clip_norm", "clip_sums_rows"),
    *("bias_correction", "beta_1", "beta_2", "epsilon"),
)


class Descent(SlotOptimizer):
    """Plain gradient descent."""

    def update(self, variable, gradient, rate, slots, step):
        subtract(variable, rate * gradient)


@pytest.fixture(autouse=True)
def descent():
    """An optimizer beside the built-in one; gin forgets no name."""
    if "descent_of_test" not in registry.optimizers.loaded():

        @registry.optimizers.register("descent_of_test")
        def build(shared, *, momentum: float = 0.0):
            """Gradient descent."""
            return Descent(shared)


def parsed(root, *bindings, files=()):
    given = [*GIVEN[root], *bindings]
    files = [f"runs/{root}.gin", *files, *(x for x in given if x.endswith(".gin"))]
    return parse(files, [x for x in given if not x.endswith(".gin")])


def built(root, *bindings, files=(), **given):
    """The optimizer of a run of 1,000 steps, and what it trains."""
    found = parsed(root, *bindings, files=files)
    variables = [tf.Variable([1.0], name=name) for name in NAMES]
    return build_optimizer(variables, 1000, 2, **given), variables, found


def rates(optimizer, *steps):
    return [float(optimizer.learning_rate(step)) for step in steps]


def text(found):
    return Session("finetune", found).spec("label", "name").text


def hparams(found):
    literals = config.literals(text(found))
    return {k: v for k, v in literals.items() if k.startswith("training.")}


@pytest.mark.parametrize("root", GIVEN)
def test_without_a_choice_a_record_says_what_it_always_said(root):
    given = {} if root == "pretrain" else {"weight_decay": 0.1}
    optimizer, _, found = built(root, **given)
    assert isinstance(optimizer, AdamW)
    expected = {f"training.adamw.{name}" for name in ADAMW if name not in given}
    assert set(hparams(found)) == expected


def test_macros_reach_another_optimizer_in_pretraining():
    macros = [
        "PRETRAIN_LEARNING_RATE = 0.25",
        "WARMUP_STEPS = 10",
        "WEIGHT_DECAY = 0.5",
    ]
    optimizer, variables, found = built("pretrain", OTHER, *macros)
    assert isinstance(optimizer, Descent)
    assert rates(optimizer, 0, 5) == pytest.approx([0.0, 0.125 * 0.995])
    optimizer.apply([tf.constant([0.5])] * 2, tf.constant(10))
    # The rate of step 10; decay of the value 1 and a gradient, clipped, of both of them.
    rate = 0.25 * 0.99
    np.testing.assert_allclose(variables[0], 1 - rate * 0.5 - rate * 0.5, rtol=1e-5)
    said = hparams(found)
    assert said["training.optimizer.name"] == "descent_of_test"
    assert said["training.optimizer.peak_lr"] == 0.25
    assert said["training.schedule.warmup_steps"] == 10
    assert not any(name.startswith("training.adamw.") for name in said)


def test_macros_and_the_runs_own_weight_decay_reach_it_in_fine_tuning():
    optimizer, variables, found = built(
        "finetune",
        OTHER,
        "LEARNING_RATE = 0.25",
        "WEIGHT_DECAY = 0.5",
        weight_decay=0.5,
    )
    assert found.value("runs.finetune.weight_decay") == 0.5
    # A tenth of the steps warms up; layers below learn more slowly.
    assert rates(optimizer, 50) == pytest.approx([0.125 * 0.95])
    optimizer.apply([tf.constant([0.0])] * 2, tf.constant(100))
    low, high = (1.0 - variable.numpy()[0] for variable in variables)
    assert high == pytest.approx(0.25 * 0.9 * 0.5, rel=1e-4)
    assert low / high == pytest.approx(0.8**4, rel=1e-3)
    assert "training.optimizer.weight_decay" not in hparams(found)


@pytest.mark.parametrize("macros", [[], ["WEIGHT_DECAY = 0.5"]])
@pytest.mark.parametrize("optimizer", [[], [OTHER]])
@pytest.mark.parametrize("root", GIVEN)
def test_copies_of_the_run_files_say_what_they_say(root, optimizer, macros, tmp_path):
    copied = tmp_path / "mine.gin"
    copied.write_text(config.find_gin_file(f"runs/{root}.gin").read_text())
    given = [*GIVEN[root], *optimizer, *macros]
    files = [str(copied), *(x for x in given if x.endswith(".gin"))]
    found = parse(files, [x for x in given if not x.endswith(".gin")])
    as_project = config.literals(text(parsed(root, *optimizer, *macros)))
    assert config.literals(text(found)) == as_project


@pytest.mark.parametrize(
    "binding",
    [
        "training.adamw.peak_lr = 1e-3",
        "training.adamw.warmup_steps = 7",
        "training.adamw.warmup_proportion = 0.2",
        "training.adamw.warmup_shape = 'separate'",
        "training.adamw.decay_power = 0.5",
        "training.adamw.weight_decay = 0.0",
    ],
)
def test_what_is_adamws_is_an_error_for_another_optimizer(binding):
    key = binding.partition(" = ")[0]
    with pytest.raises(
        config.ConfigError,
        match=f"^command line: {key} is bound, but the optimizer is 'descent_of_test'",
    ):
        parsed("pretrain", OTHER, binding)
    parsed("pretrain", binding)


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (["training.optimizer.peak_lr = 1e-3"], "bind training.adamw.peak_lr"),
        (["training.schedule.warmup_steps = 3"], "bind training.adamw.warmup_steps"),
        (["training.linear.decay_power = 2.0"], "bind training.adamw.decay_power"),
        (
            ["training.descent_of_test.momentum = 0.9"],
            "but the optimizer is 'adamw'",
        ),
        (
            [
                OTHER,
                "training.schedule.name='constant'",
                "training.linear.decay_power=2",
            ],
            "but the schedule is 'constant'",
        ),
        (
            ["training.schedule.name = 'constant'", "training.adamw.decay_power = 2.0"],
            "belongs to the schedule 'linear', and the schedule is 'constant'",
        ),
        (
            ["training.optimizer.name = 'adamv'"],
            r"no optimizers 'adamv'; near: \['adamw'",
        ),
        (
            ["training.schedule.name = 'linaer'"],
            r"no schedules 'linaer'; near: \['linear'",
        ),
        (["training.strategy.name = 'mirored'"], r"near: \['mirrored'\]"),
        (["training.adamv.peak_lr = 1.0"], r"no training 'adamv'; near: \['adamw'\]"),
    ],
)
def test_what_is_bound_in_vain_is_an_error(bindings, message):
    with pytest.raises(config.ConfigError, match=message):
        parsed("finetune", *bindings)


def test_the_users_own_file_is_no_file_of_the_project(tmp_path):
    path = tmp_path / "mine.gin"
    path.write_text("training.adamw.beta_1 = 0.8\n")
    with pytest.raises(config.ConfigError, match=r"mine.gin:1: training.adamw.beta_1"):
        parsed("finetune", OTHER, files=[str(path)])


@pytest.mark.parametrize("protocol", ["code_v1", "paper", "fixed"])
def test_a_protocol_says_how_any_optimizer_warms_up_and_clips(protocol):
    file = f"protocols/{protocol}.gin"
    optimizer, _, _ = built("pretrain", OTHER, "WARMUP_STEPS = 100", files=[file])
    adamw, _, _ = built("pretrain", "WARMUP_STEPS = 100", files=[file])
    assert rates(optimizer, 50, 100, 500) == rates(adamw, 50, 100, 500)
    gradient = tf.IndexedSlices(tf.constant([3.0, 4.0]), tf.constant([0, 0]), [1])
    norms = [
        float(x.apply([gradient, None], tf.constant(0))) for x in (optimizer, adamw)
    ]
    assert norms == ([5.0, 5.0] if protocol == "code_v1" else [7.0, 7.0])


@pytest.mark.parametrize("optimizer", [OTHER, "training.optimizer.name = 'adamw'"])
def test_a_schedule_is_chosen_for_either_optimizer(optimizer):
    made, _, found = built(
        "pretrain",
        optimizer,
        "training.schedule.name = 'constant'",
        "PRETRAIN_LEARNING_RATE = 0.5",
        "WARMUP_STEPS = 100",
    )
    assert rates(made, 0, 50, 100, 999) == [0.0, 0.25, 0.5, 0.5]
    said = hparams(found)
    assert said["training.schedule.name"] == "constant"
    assert ("training.adamw.warmup_steps" in said) == ("adamw" in optimizer)


@pytest.mark.parametrize("protocol", [None, "paper", "fixed"])
def test_a_run_with_another_schedule_is_read_again(protocol, tmp_path):
    """Of `adamw`, whose own schedule has parameters that now have no effect."""
    files = [f"protocols/{protocol}.gin"] if protocol else []
    choice = "training.schedule.name = 'constant'"
    made, _, found = built("finetune", choice, "LEARNING_RATE = 0.5", files=files)
    said = hparams(found)
    assert not {"training.adamw.decay_power", "training.adamw.warmup_shape"} & {*said}
    path = tmp_path / "config.gin"
    path.write_text(text(found))
    variables = [tf.Variable([1.0], name=name) for name in NAMES]
    parse([str(path)], [])
    again = build_optimizer(variables, 1000, 2)
    assert rates(again, 0, 50, 999) == rates(made, 0, 50, 999) == [0.0, 0.25, 0.5]


def test_a_saved_default_is_not_bound_in_vain(tmp_path):
    """Runs of earlier versions say them."""
    path = tmp_path / "config.gin"
    path.write_text(
        "training.schedule.name = 'constant'\n"
        "training.adamw.decay_power = 1.0\n"
        "training.adamw.warmup_shape = 'multiplied'\n"
    )
    found = parsed("finetune", files=[str(path)])
    assert found.value("training.schedule.name") == "constant"


def test_the_originals_dictionary_reaches_another_optimizer(tmp_path):
    path = tmp_path / "hparams.gin"
    given = {"task_names": ["cola"], "layerwise_lr_decay": 0.5, "learning_rate": 0.25}
    given |= {"warmup_proportion": 0.2}
    path.write_text("\n".join(finetuning(given, "data", "m").bindings))
    optimizer, variables, _ = built("finetune", OTHER, files=[str(path)])
    assert rates(optimizer, 100) == pytest.approx([0.125 * 0.9])
    optimizer.apply([tf.constant([0.5])] * 2, tf.constant(200))
    low, high = (1.0 - variable.numpy()[0] for variable in variables)
    assert low / high == pytest.approx(0.5**4, rel=1e-3)
    given = {"weight_decay_rate": 0.25, "lr_decay_power": 2.0}
    path.write_text("\n".join(pretraining(given, "data", "m").bindings))
    steps = ["PRETRAIN_LEARNING_RATE = 0.5", "WARMUP_STEPS = 0"]
    optimizer, _, found = built("pretrain", OTHER, *steps, files=[str(path)])
    assert rates(optimizer, 500) == pytest.approx([0.5 * 0.25])
    assert hparams(found)["training.optimizer.weight_decay"] == 0.25


def test_what_a_choice_needs_is_one_sentence():
    if "steep_of_test" not in registry.schedules.loaded():

        @registry.schedules.register("steep_of_test")
        def steep(peak_lr, total_steps, warmup, *, exponent: float):
            """Needs a number."""

    with pytest.raises(
        config.ConfigError, match=r"^training.steep_of_test needs exponent: give --gin"
    ):
        built("finetune", "training.schedule.name = 'steep_of_test'")


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (["features.tagging.name = 'wrods'"], r"no features 'wrods'; near: \['words'"),
        (
            [
                "features.tagging.name = 'windows'",
                "features.words.segment_id = 1",
            ],
            "features.words.segment_id is bound, but the tagging is 'windows'",
        ),
    ],
)
def test_features_are_checked_with_the_configuration(bindings, message):
    parsed("finetune", "features.words.segment_id = 1")
    with pytest.raises(config.ConfigError, match=f"^command line: .*{message}"):
        parsed("finetune", *bindings)


def test_a_choice_defaults_to_what_its_builder_says():
    for selector in CHOICES:
        registry.REGISTRIES[selector.partition(".")[0]].load(selector.partition(".")[2])
        key = f"{selector}.name"
        assert config.default_of(key) == DEFAULTS[key]


def test_the_runs_weight_decay_cannot_be_bound_for_the_optimizer():
    key = "training.optimizer.weight_decay"
    with pytest.raises(
        config.ConfigError, match=f"{key} is bound, but this run sets it"
    ):
        built("finetune", OTHER, f"{key} = 0.1", weight_decay=0.0)


def test_the_command_says_so_in_one_sentence_before_any_work(finetune, capsys):
    arguments = finetune("training.optimizer.name = 'adamv'")
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "no optimizers 'adamv'; near: ['adamw']" in line
