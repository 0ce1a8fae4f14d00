"""Forward pass, losses, gradients and updates against recorded numbers."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
from golden_cases import (
    Case,
    assert_recorded_norms,
    assert_same_sum,
    dense_norm,
    golden_folder,
    with_sources,
)

from electra_bench.core.variables import variable_name
from electra_bench.objectives.electra import electra
from electra_bench.objectives.electric import electric
from electra_bench.objectives.mlm import mlm
from electra_bench.objectives.pretrain_metrics import masked_lm_outputs

NAMES = (
    "electra_small",
    "electra_gen_full",
    "electra_large_like",
    "electra_tied_all",
    "electra_disallow_correct",
    "electra_temperature",
    "electra_uniform",
    "electra_untied_emb",
    "electra_two_tower",
    "electric",
    "electric_untied_emb",
    "mlm",
)
# Whose numbers are made from random inputs; electra_small has a test of its own.
MADE = (
    "electra_tied_all",
    "electra_disallow_correct",
    "electra_temperature",
    "electra_uniform",
    "electra_untied_emb",
    "electra_two_tower",
    "electric",
    "mlm",
)
# Updates are those of the optimizer, which has tests of its own.
of_the_original = pytest.mark.parametrize(
    "loaded", with_sources(NAMES, ()), indirect=True
)


@pytest.fixture(scope="module", params=with_sources(NAMES, MADE))
def loaded(request) -> Case:
    source, name = request.param
    return Case.load(golden_folder(request, source), name)


@pytest.fixture
def case(loaded) -> Case:
    loaded.reset()
    return loaded


def close(got, expected, fraction: float) -> None:
    """Compares against the largest value of the array."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(
        got, expected, rtol=0, atol=fraction * max(np.abs(expected).max(), 1e-12)
    )


def test_variables_have_the_originals_names_and_shapes(case):
    shapes = {name: variable.shape.as_list() for name, variable in case.named.items()}
    assert shapes == case.shapes


def test_forward_pass(case):
    arrays = case.arrays
    forward, terms = case.first_run
    proposed = forward.proposed if case.corrupts else forward
    close(proposed.logits, arrays["mlm/logits"], 5e-5)
    for name, term in terms.items():
        loss = term.value(term.weight)
        np.testing.assert_allclose(loss, arrays[f"{name}/loss"], rtol=5e-5)
    if not case.corrupts:
        assert set(terms) == {"mlm"}
        return
    two_tower = case.config["two_tower_generator"]
    assert set(terms) == {"cloze" if two_tower else "mlm", "disc"}
    if two_tower:
        # At padding every key is masked from the right.
        tokens = arrays["features/input_mask"] > 0
        close(proposed.cloze_logits[tokens], arrays["cloze/logits"][tokens], 5e-5)
    np.testing.assert_array_equal(forward.sampled_ids, arrays["sample/ids"])
    np.testing.assert_array_equal(forward.corrupted.input_ids, arrays["fake/input_ids"])
    objective = case.objective
    np.testing.assert_array_equal(objective.labels(forward), arrays["fake/labels"])
    tokens = arrays["features/input_mask"] > 0
    close(objective.logits(forward)[tokens], arrays["disc/logits"][tokens], 5e-5)


@of_the_original
def test_hidden_states(case):
    tokens = case.arrays["features/input_mask"] > 0
    for network, states in case.hidden_states().items():
        found = 0
        for name, value in states.items():
            key = f"hidden/{network}/{name}"
            if key in case.arrays:
                expected = case.arrays[key]
                if name != "attention_probs":
                    # At padding every key is masked from the right.
                    value, expected = (
                        x[..., tokens, :] for x in (value.numpy(), expected)
                    )
                close(value, expected, 5e-5)
                found += 1
        assert found >= 2


def test_gradients(case):
    arrays = case.arrays
    losses, gradients = case.differentiate()
    np.testing.assert_allclose(losses["total"], arrays["total_loss"], rtol=5e-5)
    assert_recorded_norms(gradients, arrays)
    dense = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
    for i, name in enumerate(case.variables):
        if name in case.zero_gradient:
            continue
        values = dense[i].astype(np.float64)
        np.testing.assert_allclose(
            np.linalg.norm(values), arrays["grad/l2"][i], rtol=1e-4
        )
        assert_same_sum(values, arrays["grad/sum"][i], name)
        key = f"grad/full/{name}"
        if key in arrays:
            close(dense[i], arrays[key], 1e-4)


@of_the_original
@pytest.mark.parametrize("sum_rows", [False, True])
def test_updates(case, sum_rows):
    arrays = case.arrays
    optimizer = case.optimizer(clip_sums_rows=sum_rows)
    run = "step_onehot" if sum_rows else "step"

    apply = tf.function(optimizer.apply, autograph=False)

    def update(step):
        losses, gradients = case.compiled()
        norm = apply(gradients, step)
        return losses, norm, dense_norm(gradients)

    for step in range(6):
        rate = optimizer.learning_rate(tf.constant(step))
        np.testing.assert_allclose(rate, arrays[f"{run}/lr"][step], atol=1e-8)
        _check_step(arrays, run, step, *update(tf.constant(step)))
        _check_variables(case, optimizer, run, step)
    # What the next update begins with.
    _check_step(arrays, run, 6, *update(tf.constant(6)))


@of_the_original
def test_updates_with_the_rate_of_the_next_step(case):
    """As TensorFlow 2 runs the original's graph: it counts the step before the update."""
    arrays = case.arrays
    optimizer = case.optimizer()
    for step, rate in enumerate(arrays["step_next_lr/lr"]):
        found = optimizer.learning_rate(tf.constant(step + 1))
        np.testing.assert_allclose(found, rate, atol=1e-8)
        losses, gradients = case.compiled()
        np.testing.assert_allclose(
            losses["total"], arrays["step_next_lr/total_loss"][step], rtol=5e-5
        )
        # Nothing else depends on the step.
        optimizer.apply(gradients, tf.constant(step + 1))
        _check_variables(case, optimizer, "step_next_lr", step)


def _check_step(arrays, run, step, losses, norm, dense):
    for name, loss in losses.items():
        # Of the single terms only the runs as the original's were recorded.
        if name == "total" or run != "step_onehot":
            expected = arrays[f"{run}/{name}_loss"][step]
            np.testing.assert_allclose(loss, expected, rtol=5e-5, err_msg=name)
    for name, found in {"clip_norm": norm, "dense_norm": dense}.items():
        expected = arrays[f"{run}/{name}"][step]
        np.testing.assert_allclose(found, expected, rtol=3e-4, err_msg=name)


def _check_variables(case, optimizer, run, step):
    arrays = case.arrays
    for i, name in enumerate(case.variables):
        value = case.named[name].numpy()
        if name in case.zero_gradient:
            continue
        l2 = np.linalg.norm(value.astype(np.float64))
        np.testing.assert_allclose(l2, arrays[f"{run}/var_l2"][step, i], rtol=2e-5)
        np.testing.assert_allclose(
            value.astype(np.float64).sum(), arrays[f"{run}/var_sum"][step, i], atol=5e-4
        )
        if f"{run}/{step + 1}/var/{name}" in arrays:
            np.testing.assert_allclose(
                value, arrays[f"{run}/{step + 1}/var/{name}"], atol=3e-5
            )
        if run not in ("step", "resume"):
            continue
        for slot, tolerance in {"adam_m": 1e-3, "adam_v": 2e-3}.items():
            moment = optimizer.slots[f"{name}/{slot}"].numpy()
            np.testing.assert_allclose(
                np.linalg.norm(moment.astype(np.float64)),
                arrays[f"{run}/{slot}_l2"][step, i],
                rtol=tolerance,
                err_msg=name,
            )
            key = f"{run}/{step + 1}/{slot}/{name}"
            if key in arrays:
                close(moment, arrays[key], 1e-3)


def test_updates_go_on_from_the_originals_checkpoint_with_slots(shared_golden):
    case = Case.load(shared_golden, "electra_small")
    arrays, optimizer = case.arrays, case.optimizer()
    prefix = shared_golden / "checkpoints/electra_small/model.ckpt-6"
    reader = tf.train.load_checkpoint(str(prefix))
    for name, variable in {**case.named, **optimizer.slots}.items():
        variable.assign(reader.get_tensor(name))

    def update(step):
        losses, gradients = case.compiled()
        norm = optimizer.apply(gradients, tf.constant(step))
        return losses, norm, dense_norm(gradients)

    for i in range(3):
        rate = optimizer.learning_rate(tf.constant(6 + i))
        np.testing.assert_allclose(rate, arrays["resume/lr"][i], atol=1e-8)
        _check_step(arrays, "resume", i, *update(6 + i))
        _check_variables(case, optimizer, "resume", i)
    _check_step(arrays, "resume", 3, *update(9))


@pytest.mark.parametrize(
    "loaded",
    with_sources(NAMES, ("electra_two_tower", "electric", "mlm")),
    indirect=True,
)
def test_metrics(case):
    forward, _ = case.first_run
    objective = case.objective
    if case.corrupts:
        outputs = objective.evaluated(case.batch, forward)
    else:
        outputs = masked_lm_outputs(case.masked, forward.logits)
    metrics = objective.metrics()
    metrics.update(outputs)
    result = metrics.result()
    assert set(result) == set(case.eval_metrics)
    for name, expected in case.eval_metrics.items():
        assert result[name] == pytest.approx(expected, rel=5e-5, abs=1e-6), name


@of_the_original
def test_every_variable_is_reached(case):
    named = {variable_name(v) for v in case.objective.trainable_variables}
    _, gradients = case.differentiate()
    assert len(named) == len(gradients)
    assert all(gradient is not None for gradient in gradients)


# Those of google-research/electra, configure_pretraining.py.
DEFAULTS = {
    "mask_prob": 0.15,
    "gen_weight": 1.0,
    "disc_weight": 50.0,
    "generator": "masked_lm",
    "generator_hidden_size": 0.25,
    "generator_layers": 1.0,
    "untied_generator": True,
    "untied_generator_embeddings": False,
    "temperature": 1.0,
    "disallow_correct": False,
    "distinct_positions": False,
    "mask_token_prob": 0.85,
    "random_token_prob": 0.0,
}


@pytest.mark.parametrize("function", [electra, electric, mlm])
def test_defaults_are_the_originals(function):
    parameters = inspect.signature(function).parameters
    shared = DEFAULTS.keys() & parameters.keys()
    assert shared
    for name in shared:
        assert parameters[name].default == DEFAULTS[name], name
