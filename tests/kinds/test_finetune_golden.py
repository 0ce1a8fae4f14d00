"""Losses, gradients and updates of fine-tuning against recorded numbers."""

import numpy as np
import pytest
import tensorflow as tf
from finetune_cases import MADE_SPAN_QA, NAMES, Case
from golden_cases import (
    assert_recorded_norms,
    assert_same_sum,
    dense_norm,
    golden_folder,
    with_sources,
)

NUM_UPDATES = 4


# Texts and tags are among several tasks.
@pytest.fixture(scope="module", params=with_sources(NAMES, ("multi", *MADE_SPAN_QA)))
def loaded(request):
    source, name = request.param
    return Case.load(golden_folder(request, source), name)


@pytest.fixture
def case(loaded):
    loaded.reset()
    return loaded


def norms(tensors, chosen):
    return np.array([np.linalg.norm(np.float64(tensors[i])) for i in chosen])


def test_variables_have_the_originals_names_and_shapes(case):
    shapes = {name: variable.shape.as_list() for name, variable in case.named.items()}
    assert shapes == dict(case.case["variables"])


def dense(gradients):
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def test_gradients(case):
    loss, gradients = case.differentiate()
    arrays, compared = case.arrays, case.compared
    np.testing.assert_allclose(loss, arrays["train/loss"], rtol=5e-5)
    assert_recorded_norms(gradients, arrays)
    gradients = dense(gradients)
    np.testing.assert_allclose(
        norms(gradients, compared), arrays["grad/l2"][compared], rtol=1e-4
    )
    for i, name in enumerate(case.names):
        if i not in compared:
            continue
        assert_same_sum(gradients[i], arrays["grad/sum"][i], name)
        if f"grad/full/{name}" in arrays:
            expected = arrays[f"grad/full/{name}"]
            largest = np.abs(expected).max()
            np.testing.assert_allclose(gradients[i], expected, atol=1e-4 * largest)


# Updates are those of the optimizer, which has tests of its own.
@pytest.mark.parametrize("loaded", with_sources(NAMES, ()), indirect=True)
@pytest.mark.parametrize("sum_rows", [False, True])
def test_updates_with_rates_by_layer(case, sum_rows):
    arrays, run = case.arrays, "step_onehot" if sum_rows else "step"
    optimizer = case.optimizer(sum_rows=sum_rows)
    layers = [
        (key, next(name for name in case.names if key in name))
        for key in case.case["learning_rate_keys"]
    ]

    for step in range(NUM_UPDATES):
        rate = float(optimizer.learning_rate(tf.constant(step)))
        rates = [rate * optimizer._shared.rates[name] for _, name in layers]
        np.testing.assert_allclose(rates, arrays[f"{run}/lr"][step], atol=1e-8)
        loss, gradients = case.differentiate()
        norm = optimizer.apply(gradients, tf.constant(step))
        check_step(case, run, step, loss, gradients, norm)
        values = [case.named[name].numpy() for name in case.names]
        check_variables(case, run, step, values)
        if run == "step":
            check_slots(case, optimizer, step)
        for name, value in zip(case.names, values, strict=True):
            key = f"{run}/{step + 1}/var/{name}"
            if key in arrays:
                np.testing.assert_allclose(value, arrays[key], atol=3e-5)
    # What the next update would begin with.
    loss, gradients = case.differentiate()
    norm = optimizer.apply(gradients, tf.constant(NUM_UPDATES))
    check_step(case, run, NUM_UPDATES, loss, gradients, norm)


def check_step(case, run, step, loss, gradients, norm):
    arrays = case.arrays
    # A large gradient turns rounding in the last variables into a difference of losses.
    tolerance = 5e-5 if step < NUM_UPDATES else 2e-4
    np.testing.assert_allclose(loss, arrays[f"{run}/loss"][step], rtol=tolerance)
    np.testing.assert_allclose(norm, arrays[f"{run}/clip_norm"][step], rtol=3e-4)
    if run == "step":  # with sums of rows it is the norm that is clipped by
        expected = arrays["step/dense_norm"][step]
        np.testing.assert_allclose(dense_norm(gradients), expected, rtol=3e-4)


def check_variables(case, run, step, values):
    compared = case.compared
    np.testing.assert_allclose(
        norms(values, compared), case.arrays[f"{run}/var_l2"][step, compared], rtol=2e-5
    )
    sums = [np.float64(values[i]).sum() for i in compared]
    np.testing.assert_allclose(
        sums, case.arrays[f"{run}/var_sum"][step, compared], atol=5e-4
    )


def check_slots(case, optimizer, step):
    for slot, tolerance in {"adam_m": 1e-3, "adam_v": 2e-3}.items():
        values = [optimizer.slots[f"{name}/{slot}"] for name in case.names]
        np.testing.assert_allclose(
            norms(values, case.compared),
            case.arrays[f"step/{slot}_l2"][step, case.compared],
            rtol=tolerance,
        )
