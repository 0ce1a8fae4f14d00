"""What every registered model, objective and task kind has to do; plugins included.

A plugin's builder takes part by being registered. Its parameters without defaults must have
the names of `SIZES`.
"""

import functools
import inspect
import itertools
from typing import NamedTuple

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Batch, Objective, Seed, SpecialIds, Stage, Variables
from electra_bench.core.batch import NO_LABEL
from electra_bench.core.variables import variable_name
from electra_bench.records import TaskCard
from electra_bench.runs.building import encoder_factory
from electra_bench.training.checkpoints import Checkpoints, restore

SPECIAL = SpecialIds(size=60, pad=0, unk=1, cls=2, sep=3, mask=4)
SIZES = {
    "hidden_size": 32,
    "num_layers": 2,
    "num_heads": 2,
    "ffn_size": 64,
    "embedding_size": 16,
}
ROWS, SEQ, CLASSES = 8, 24, 3
MODELS = registry.models.names()
# (registry, name of the objective or kind, model)
CASES = [
    *itertools.product(["objectives"], registry.objectives.names(), MODELS),
    *itertools.product(["kinds"], registry.kinds.names(), MODELS),
]
every_case = pytest.mark.parametrize("case", CASES, ids="-".join)
PREFIXES = (
    "electra/",
    "generator/",
    "generator_ltr/",
    "generator_rtl/",
    "generator_predictions/",
    "cloze_predictions/",
    "discriminator_predictions/",
    "restoring_predictions/",
    "copy_predictions/",
    "baseline_predictions/",
    "task_specific/",
)
# A bias that adds the same to all logits of a softmax has no gradient but rounding noise:
# that of the keys, and those of the start and the end of an answer.
WITHOUT_EFFECT = (
    "attention/self/key/bias",
    "task_specific/things/dense/bias",
    "task_specific/things/dense_1/bias",
)


class Built(NamedTuple):
    objective: Objective
    variables: Variables

    @property
    def named(self) -> dict[str, tf.Variable]:
        return {variable_name(v): v for v in self.objective.variables}


def build(case, seed: int = 1) -> Built:
    """A new objective with its own variables."""
    group, name, model = case
    variables = Variables(seed)
    bind_sizes(model)
    shared = {"encoders": encoder_factory(model, variables, SPECIAL.size)}
    shared["variables"] = variables
    builder = registry.REGISTRIES[group].get(name)
    if group == "objectives":
        return Built(builder(**shared, special_ids=SPECIAL), variables)
    return Built(builder(**shared, card=card(name)), variables)


# Building takes longer than most tests; those that change variables build their own.
built = functools.cache(build)


def bind_sizes(model: str) -> None:
    parameters = inspect.signature(registry.models.get(model)).parameters
    for name in SIZES.keys() & parameters.keys():
        gin.bind_parameter(f"models.{model}.{name}", SIZES[name])


def card(kind: str) -> TaskCard:
    return TaskCard(
        name="things",
        version=1,
        kind=kind,
        summary="",
        builder="",
        splits={},
        main_metric="",
        source="",
        licence="",
        citation="",
        labels=tuple("abc"),
        label_range=(0.0, 5.0),
    )


def batch(case) -> Batch:
    """Rows of different lengths, with labels as the kind has them."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(10, SEQ + 1, ROWS)
    mask = (np.arange(SEQ) < lengths[:, None]).astype(np.int32)
    ids = rng.integers(5, SPECIAL.size, [ROWS, SEQ]) * mask
    segments = (np.arange(SEQ) >= lengths[:, None] // 2).astype(np.int32) * mask
    ids[:, 0] = SPECIAL.cls
    ids[np.arange(ROWS), lengths - 1] = SPECIAL.sep
    labels, values = np.zeros([ROWS, 0]), np.zeros([ROWS, 0])
    group, name, _ = case
    if group == "kinds":
        labels = rng.integers(0, CLASSES, [ROWS, 1])
        values = rng.uniform(0.0, 1.0, [ROWS, 1])
    if name == "tagging":
        labels = np.where(mask * (rng.random([ROWS, SEQ]) < 0.7), 1, NO_LABEL)
    if name == "span_qa":
        labels = np.stack([lengths // 2, lengths - 2, lengths * 0], axis=1)
    integers = (ids, mask, segments, labels)
    return Batch(
        *(tf.constant(x, tf.int32) for x in integers),
        tf.constant(values, tf.float32),
        tf.zeros([ROWS], tf.int32),
        tf.range(ROWS),
    )


def rows_of(whole: Batch, first: int, last: int) -> Batch:
    return Batch(*(tensor[first:last] for tensor in whole))


def with_rows_of_padding(whole: Batch, count: int) -> Batch:
    zeros = Batch(*(tf.zeros_like(tensor[:count]) for tensor in whole))
    fill = zeros._replace(
        labels=zeros.labels + NO_LABEL, example_id=zeros.example_id - 1
    )
    return Batch(*(tf.concat(parts, 0) for parts in zip(whole, fill, strict=True)))


def with_columns_of_padding(whole: Batch, count: int) -> Batch:
    fields = ("input_ids", "input_mask", "segment_ids")
    return whole._replace(
        **{f: tf.pad(getattr(whole, f), [[0, 0], [0, count]]) for f in fields}
    )


def sums(terms) -> dict[str, tuple[float, float]]:
    """Of the losses; what is only measured, like an AUC, need not add up."""
    return {
        name: (float(term.total), float(term.weight))
        for name, term in terms.items()
        if term.is_trained
    }


def assert_same_sums(got, expected) -> None:
    assert got.keys() == expected.keys()
    for name, (total, weight) in expected.items():
        assert got[name][1] == weight, name
        assert got[name][0] == pytest.approx(total, rel=1e-5), name


def test_something_is_registered():
    assert {"electra", "mlm"} <= set(registry.objectives.names())
    assert {"classification", "tagging"} <= set(registry.kinds.names())
    assert "electra" in MODELS


@every_case
def test_losses_are_finite_and_the_same_when_compiled(case):
    objective = built(case).objective

    def terms(batch, step):
        return objective.loss_terms(batch, Seed.of(3, step), training=True)

    eager = sums(terms(batch(case), tf.constant(2)))
    assert all(np.isfinite(total) and weight > 0 for total, weight in eager.values())
    compiled = tf.function(terms, reduce_retracing=True)
    assert_same_sums(sums(compiled(batch(case), tf.constant(2))), eager)


@every_case
def test_outputs_have_a_row_for_every_example(case):
    outputs = tf.function(built(case).objective.outputs)(batch(case), Seed.of(3))
    assert outputs
    for name, tensor in outputs.items():
        assert tensor.shape[0] == ROWS, name
        if tensor.dtype.is_floating:
            assert np.isfinite(tensor.numpy()).all(), name


@every_case
def test_gradients_reach_every_trainable_variable(case):
    objective = built(case).objective
    whole = (Stage(0.0, objective, objective.trainable_variables),)
    stages = getattr(objective, "stages", whole)
    for stage in stages:
        with tf.GradientTape() as tape:
            terms = stage.objective.loss_terms(batch(case), Seed.of(3), training=True)
            loss = tf.add_n(
                [
                    term.coefficient * term.value(term.weight)
                    for term in terms.values()
                    if term.is_trained
                ]
            )
        gradients = tape.gradient(loss, stage.variables)
        untouched = [
            variable_name(variable)
            for variable, gradient in zip(stage.variables, gradients, strict=True)
            if gradient is None or not np.any(tf.convert_to_tensor(gradient))
        ]
        assert all(gradient is not None for gradient in gradients)
        assert not [name for name in untouched if not name.endswith(WITHOUT_EFFECT)]
    trained = {variable.ref() for stage in stages for variable in stage.variables}
    assert trained == {variable.ref() for variable in objective.trainable_variables}


@every_case
def test_weights_do_not_depend_on_parameters(case):
    objective = build(case).objective
    before = sums(objective.loss_terms(batch(case), Seed.of(3), training=True))
    for variable in objective.variables:
        variable.assign(1.5 * variable + 0.1)
    after = sums(objective.loss_terms(batch(case), Seed.of(3), training=True))
    for name, (total, weight) in before.items():
        assert after[name][1] == weight, name
        assert after[name][0] != total, name


@every_case
def test_rows_that_only_fill_up_a_batch_count_for_nothing(case):
    objective = built(case).objective
    plain = objective.loss_terms(batch(case), Seed.of(3), training=True)
    filled = with_rows_of_padding(batch(case), 3)
    padded = objective.loss_terms(filled, Seed.of(3), training=True)
    assert_same_sums(sums(padded), sums(plain))


@every_case
def test_halves_of_a_batch_sum_to_the_whole(case):
    objective = built(case).objective
    whole = sums(objective.loss_terms(batch(case), Seed.of(3, 7), training=True))
    without_dropout = objective.loss_terms(batch(case), Seed.of(3, 7), training=False)
    assert sums(without_dropout) != whole
    halves = [
        sums(
            objective.loss_terms(
                rows_of(batch(case), first, first + ROWS // 2),
                Seed.of(3, 7, first),
                training=True,
            )
        )
        for first in (0, ROWS // 2)
    ]
    added = {
        name: tuple(np.sum([half[name] for half in halves], axis=0)) for name in whole
    }
    assert_same_sums(added, whole)


@every_case
def test_a_checkpoint_gives_all_values_back_by_name(case, tmp_path):
    saved, other = build(case), build(case, seed=2)
    values = {name: v.read_value() for name, v in saved.named.items()}
    prefix = Checkpoints(str(tmp_path)).save(3, values, {})
    assert restore(prefix, other.named) == 3
    for name, value in values.items():
        np.testing.assert_array_equal(other.named[name], value, err_msg=name)
    expected = saved.objective.outputs(batch(case), Seed.of(3))
    found = other.objective.outputs(batch(case), Seed.of(3))
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor, err_msg=name)


@every_case
def test_names_of_variables_are_the_originals(case):
    group, _, _ = case
    variables = built(case).objective.variables
    names = built(case).named
    assert len(names) == len(variables), "two variables of one name"
    assert not [name for name in names if not name.startswith(PREFIXES)]
    heads = [name for name in names if name.startswith("task_specific/")]
    if group == "kinds":
        assert heads and all(h.startswith("task_specific/things/") for h in heads)
    else:
        assert not heads


@every_case
def test_initial_values_depend_on_the_seed_alone(case):
    first, again, other = build(case), build(case), build(case, seed=2)
    for name, value in first.named.items():
        np.testing.assert_array_equal(again.named[name], value, err_msg=name)
    assert any(np.any(other.named[name] != v) for name, v in first.named.items())
    other.variables.reset(1)
    for name, value in first.named.items():
        np.testing.assert_array_equal(other.named[name], value, err_msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_an_encoder_returns_all_its_layers(model):
    encoder = an_encoder(model)
    encoded = encode(encoder, batch(("", "", model)))
    assert len(encoded.layers) == encoder.num_layers
    for states in (encoded.sequence, encoded.embedding, *encoded.layers):
        assert states.shape == [ROWS, SEQ, encoder.hidden_size]
    np.testing.assert_array_equal(encoded.sequence, encoded.layers[-1])
    for probabilities in encoded.attentions:
        np.testing.assert_allclose(tf.reduce_sum(probabilities, -1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_columns_of_padding_change_no_token(model):
    encoder, whole = an_encoder(model), batch(("", "", model))
    plain = encode(encoder, whole).sequence
    padded = encode(encoder, with_columns_of_padding(whole, 8)).sequence[:, :SEQ]
    inside = whole.input_mask.numpy() == 1
    np.testing.assert_allclose(padded[inside], plain[inside], atol=1e-5)


def an_encoder(model: str):
    bind_sizes(model)
    return encoder_factory(model, Variables(1), SPECIAL.size)()


def encode(encoder, batch: Batch):
    return encoder(
        batch.input_ids,
        batch.input_mask,
        batch.segment_ids,
        seed=Seed.of(0),
        training=False,
    )
