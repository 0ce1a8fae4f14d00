"""Schedule, clipping, layer-wise rates and updates against the original's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.training import optimizer as optimizer_module
from electra_bench.training.adamw import adamw
from electra_bench.training.layerwise import layer_rates, multipliers
from electra_bench.training.optimizer import clip_by_global_norm
from electra_bench.training.schedules import linear, warmup_length

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = json.loads((GOLDEN / "optimizer.json").read_text())


@pytest.fixture(scope="module")
def arrays():
    return np.load(GOLDEN / "optimizer.npz")


@pytest.mark.parametrize("case", RECORDED["schedule"])
def test_schedule(case):
    args = case["args"]
    warmup = warmup_length(
        args["num_train_steps"],
        args.get("warmup_steps", 0),
        args.get("warmup_proportion", 0.0),
    )
    assert warmup == args["effective_warmup_steps"]
    rate = linear(
        args["learning_rate"],
        args["num_train_steps"],
        warmup,
        decay_power=args.get("lr_decay_power", 1.0),
    )
    for step, expected in zip(case["steps"], case["learning_rate"], strict=True):
        got = rate(step)
        # The original divides 0 by 0 at step 0 without warm-up.
        expected = args["learning_rate"] if expected == "NaN" else expected
        np.testing.assert_allclose(got, expected, atol=1e-8)


def test_separate_warm_up_reaches_the_peak_and_zero():
    def rate(step, warmup=10):
        return float(linear(1.0, 110, warmup, warmup_shape="separate")(step))

    assert [rate(step) for step in (0, 5, 10, 60, 110, 120)] == pytest.approx(
        [0, 0.5, 1, 0.5, 0, 0], abs=1e-6
    )
    assert rate(0, warmup=0) == 1.0
    assert rate(50, warmup=200) == pytest.approx(0.25)


def test_unknown_shape_of_the_warm_up():
    with pytest.raises(ValueError, match="'multiplied' or 'separate', got 'linear'"):
        adamw([tf.Variable(0.0, name="x")], 10, peak_lr=1e-3, warmup_shape="linear")


@pytest.mark.parametrize("case", RECORDED["layerwise"])
def test_layerwise_multipliers(case):
    got = multipliers(
        case["n_transformer_layers"], case["layerwise_lr_decay_power"], gap=True
    )
    assert got == pytest.approx(dict(case["multiplier_by_name_key_in_order"]), rel=1e-9)


def test_layerwise_multipliers_without_the_gap():
    got = multipliers(2, 0.5, gap=False)
    assert got == {
        "/embeddings/": 0.125,
        "/embeddings_project/": 0.125,
        "encoder/layer_0/": 0.25,
        "encoder/layer_1/": 0.5,
        "task_specific/": 1.0,
    }


@pytest.mark.parametrize("case", RECORDED["layerwise_name_errors"])
def test_layerwise_names(case):
    arguments = (case["variables"], case["n_transformer_layers"], 0.8)
    if case["result"] == "accepted":
        assert len(layer_rates(*arguments, gap=True)) == len(case["variables"])
        return
    with pytest.raises(ValueError, match="expected exactly one of"):
        layer_rates(*arguments, gap=True)


@pytest.mark.parametrize("described", RECORDED["adamw"]["variables"])
def test_weight_decay_by_name(described):
    decayed = optimizer_module.is_decayed(described["name"])
    assert decayed == described["weight_decay_applied"]


def test_updates(arrays, monkeypatch):
    hyper = RECORDED["adamw"]["hyperparameters"]
    names = [described["name"] for described in RECORDED["adamw"]["variables"]]
    variables = [
        tf.Variable(arrays[f"adamw/{name}/value/before"], name=name) for name in names
    ]
    optimizer = adamw(
        variables,
        1000,
        peak_lr=hyper["learning_rate"],
        weight_decay=hyper["weight_decay_rate"],
        clip_norm=0.0,
    )
    for name, slot in optimizer.slots.items():
        variable, kind = name.rsplit("/", 1)
        slot.assign(arrays[f"adamw/{variable}/{kind}/before"])
    # A constant rate, as in the recorded run.
    monkeypatch.setattr(
        optimizer, "learning_rate", lambda step: tf.constant(hyper["learning_rate"])
    )

    def gradient(name, k):
        key = f"adamw/{name}/grad_step{k}"
        if key in arrays:
            return tf.constant(arrays[key])
        return tf.IndexedSlices(
            tf.constant(arrays[f"{key}_values"]),
            tf.constant(arrays[f"adamw/{name}/grad_indices"]),
            arrays[f"adamw/{name}/value/before"].shape,
        )

    for k in range(RECORDED["adamw"]["n_steps"]):
        optimizer.apply([gradient(name, k) for name in names], tf.constant(k))
        for variable, name in zip(variables, names, strict=True):
            for kind, tensor in {
                "value": variable,
                "adam_m": optimizer.slots[f"{name}/adam_m"],
                "adam_v": optimizer.slots[f"{name}/adam_v"],
            }.items():
                np.testing.assert_allclose(
                    tensor,
                    arrays[f"adamw/{name}/{kind}/after_step{k}"],
                    # The fused operation computes 1 - beta_2 in float32: 1.3e-5 off.
                    rtol=3e-5 if kind == "adam_v" else 1e-5,
                    atol=5e-7,
                    err_msg=f"{name} {kind} {k}",
                )


@pytest.mark.parametrize("sum_rows", [False, True])
def test_clipping(arrays, sum_rows):
    table = tf.IndexedSlices(
        tf.constant(arrays["clip/slices/values"]),
        tf.constant(arrays["clip/slices/indices"]),
        arrays["clip/slices/as_dense"].shape,
    )
    dense = tf.constant(arrays["clip/dense_grad"])
    clipped, norm = clip_by_global_norm([table, None, dense], 1.0, sum_rows=sum_rows)
    kind, what = ("dense", "table") if sum_rows else ("slices", "table_as_dense")
    np.testing.assert_allclose(norm, arrays[f"clip/norm_with_{kind}"], rtol=1e-6)
    folder = f"clip/clipped_with_{kind}"
    np.testing.assert_allclose(clipped[0], arrays[f"{folder}/{what}"], rtol=1e-5)
    assert clipped[1] is None
    np.testing.assert_allclose(clipped[2], arrays[f"{folder}/dense_grad"], rtol=1e-5)


def test_bias_correction_makes_the_first_update_the_rate():
    variable = tf.Variable([1.0, -1.0], name="x/kernel")
    optimizer = adamw(
        [variable], 10, peak_lr=0.1, weight_decay=0.0, bias_correction=True, epsilon=0.0
    )
    optimizer.apply([tf.constant([0.3, -0.2])], tf.constant(0))
    np.testing.assert_allclose(variable, [0.9, -0.9], rtol=1e-5)


def test_layerwise_rates_are_applied():
    names = ("electra/embeddings/word_embeddings", "task_specific/x/dense/kernel")
    variables = [tf.Variable([1.0], name=name) for name in names]
    optimizer = adamw(
        variables, 10, 2, peak_lr=0.1, weight_decay=0.0, layer_decay=0.5, clip_norm=0.0
    )
    optimizer.apply([tf.constant([1.0])] * 2, tf.constant(0))
    low, high = (1.0 - variable.numpy()[0] for variable in variables)
    assert low / high == pytest.approx(0.5**4, rel=1e-4)


def test_variables_without_gradient_stay():
    variables = [tf.Variable([1.0], name=name) for name in ("a/kernel", "b/kernel")]
    optimizer = adamw(variables, 10, peak_lr=0.1)
    optimizer.apply([None, tf.constant([1.0])], tf.constant(0))
    assert variables[0].numpy() == 1.0
    assert variables[1].numpy() != 1.0


def test_slots_are_named_after_their_variables():
    optimizer = adamw([tf.Variable([1.0], name="a/kernel")], 10, peak_lr=0.1)
    assert {n: v.shape.as_list() for n, v in optimizer.slots.items()} == {
        "a/kernel/adam_m": [1],
        "a/kernel/adam_v": [1],
    }


def test_settings_are_checked():
    variable = tf.Variable([1.0], name="a/kernel")
    with pytest.raises(ValueError, match="needs num_layers"):
        adamw([variable], 10, peak_lr=0.1, layer_decay=0.8)
    with pytest.raises(ValueError, match="total_steps >= 1, got 0"):
        adamw([variable], 0, peak_lr=0.1)
    with pytest.raises(ValueError, match="different names"):
        adamw([variable, tf.Variable([2.0], name="a/kernel")], 10, peak_lr=0.1)


def test_updates_under_a_strategy():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        variable = tf.Variable([1.0, 2.0], name="a/kernel")
        optimizer = adamw([variable], 10, peak_lr=0.1)

    @tf.function
    def update():
        gradients = [tf.constant([1.0, 1.0])]
        return strategy.run(lambda: optimizer.apply(gradients, tf.constant(0)))

    np.testing.assert_allclose(update(), np.sqrt(2.0), rtol=1e-6)
    assert (variable.numpy() < [1.0, 2.0]).all()
