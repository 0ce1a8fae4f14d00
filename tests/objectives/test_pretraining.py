"""What holds for the pre-training objectives `electra` and `mlm` alike."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from paper_models import PUBLISHED

from electra_bench.core import Batch, Seed, SpecialIds, Variables
from electra_bench.core.batch import own_rows
from electra_bench.core.variables import variable_name
from electra_bench.models.electra import electra as electra_encoder
from electra_bench.models.flops import (
    EncoderSizes,
    discriminator_head_flops,
    encoder_flops,
    masked_lm_head_flops,
    sampling_flops,
)
from electra_bench.objectives.electra import electra
from electra_bench.objectives.mlm import mlm
from electra_bench.training.adamw import adamw

SPECIAL = SpecialIds(size=60, pad=0, unk=1, cls=2, sep=3, mask=4)
BUILDERS = {"electra": electra, "mlm": mlm}
SIZES = dict(hidden_size=32, num_layers=2, num_heads=2, ffn_size=64, embedding_size=16)


def factory(role="encoder", *, embeddings=None, width=1.0, depth=1.0, projected=True):
    return electra_encoder(
        Variables(1),
        role if role.startswith("generator") else "electra",
        SPECIAL.size,
        embeddings,
        width,
        depth,
        projected=projected,
        **SIZES,
    )


def build(name, **hparams):
    return BUILDERS[name](factory, Variables(1), SPECIAL, **hparams)


def batch(rows=6, seq=24) -> Batch:
    rng = np.random.default_rng(1)
    lengths = rng.integers(8, seq + 1, rows)
    mask = (np.arange(seq) < lengths[:, None]).astype(np.int32)
    # Text with a pattern, so that there is something to learn.
    ids = (10 + (np.arange(seq) + rng.integers(0, 7, [rows, 1])) % 7) * mask
    ids[:, 0] = SPECIAL.cls
    ids[np.arange(rows), lengths - 1] = SPECIAL.sep
    return Batch(
        tf.constant(ids, tf.int32),
        tf.constant(mask),
        tf.zeros([rows, seq], tf.int32),
        tf.zeros([rows, 0], tf.int32),
        tf.zeros([rows, 0]),
        tf.zeros([rows], tf.int32),
        tf.range(rows),
        **own_rows(rows),
    )


def rows_of(whole: Batch, first: int, last: int) -> Batch:
    return Batch(*(tensor[first:last] for tensor in whole))


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("name", BUILDERS)
def test_losses_do_not_depend_on_how_a_batch_is_split(name, distinct):
    objective = build(name, distinct_positions=distinct)
    whole = objective.loss_terms(batch(), Seed.of(5, 2), training=True)
    parts = [
        objective.loss_terms(
            rows_of(batch(), *limits), Seed.of(5, 2, limits[0]), training=True
        )
        for limits in ((0, 2), (2, 6))
    ]
    for term, expected in whole.items():
        if not expected.is_trained:
            continue
        total = sum(float(part[term].total) for part in parts)
        weight = sum(float(part[term].weight) for part in parts)
        assert weight == float(expected.weight)
        assert total == pytest.approx(float(expected.total), rel=1e-5)
        assert parts[0][term].coefficient == expected.coefficient


@pytest.mark.parametrize("name", BUILDERS)
def test_masking_is_new_at_every_step_and_the_same_at_the_same(name):
    objective = build(name)
    first, again, other = (
        objective.mask(batch(), Seed.of(5, step)).positions for step in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != other.numpy()).any()


@pytest.mark.parametrize("name", BUILDERS)
def test_training_lowers_the_loss(name):
    objective = build(name)
    variables = objective.trainable_variables
    optimizer = adamw(variables, 120, peak_lr=3e-3)

    @tf.function
    def update(step):
        with tf.GradientTape() as tape:
            terms = objective.loss_terms(batch(), Seed.of(0, step), training=True)
            loss = tf.add_n([t.coefficient * t.value(t.weight) for t in terms.values()])
        optimizer.apply(tape.gradient(loss, variables), step)
        return terms["mlm"].value(terms["mlm"].weight)

    losses = [float(update(tf.constant(step))) for step in range(60)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.parametrize("name", BUILDERS)
def test_rows_of_padding_count_for_nothing(name):
    objective = build(name)
    rows = [tf.concat([t, tf.zeros_like(t[:2])], 0) for t in batch()]
    padded = objective.loss_terms(Batch(*rows), Seed.of(1), training=False)
    plain = objective.loss_terms(batch(), Seed.of(1), training=False)
    for term, expected in plain.items():
        assert float(padded[term].weight) == float(expected.weight)
        assert float(padded[term].total) == pytest.approx(
            float(expected.total), rel=1e-5
        )


@pytest.mark.parametrize("name", BUILDERS)
def test_metrics_accumulate_over_batches(name):
    objective = build(name)
    metrics = objective.metrics()
    outputs = [objective.outputs(batch(), Seed.of(0, step)) for step in range(2)]
    for part in outputs:
        metrics.update(part)
    result = metrics.result()
    weights = np.concatenate([part["masked_lm_weights"] for part in outputs])
    losses = np.concatenate([part["mlm_loss"] for part in outputs])
    assert result["masked_lm_loss"] == pytest.approx(
        float((losses * weights).sum() / weights.sum()), rel=1e-5
    )
    assert ("disc_auc" in result) == (name == "electra")
    assert all(0 <= result[key] <= 1 for key in result if "loss" not in key)


def test_disallow_correct_never_samples_the_original():
    objective = build("electra", disallow_correct=True, mask_prob=0.4)
    outputs = objective.outputs(batch(), Seed.of(0))
    same = outputs["sampled_ids"] == outputs["masked_lm_ids"]
    assert not (same.numpy() & (outputs["masked_lm_weights"].numpy() > 0)).any()


def test_one_encoder_can_generate_and_discriminate():
    tied = build("electra", untied_generator=False)
    names = [variable_name(variable) for variable in tied.trainable_variables]
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.startswith("generator/")]
    assert tied.generator.encoder is tied.encoder
    untied = build("electra", generator_hidden_size=1.0)
    # It runs as often as two encoders do.
    counts = [o.train_flops_per_sequence(24) for o in (tied, untied)]
    assert counts[0] == pytest.approx(counts[1])
    with tf.GradientTape() as tape:
        terms = tied.loss_terms(batch(), Seed.of(5, 1), training=True)
        total = sum(
            term.coefficient * term.value(term.weight) for term in terms.values()
        )
    assert all(g is not None for g in tape.gradient(total, tied.trainable_variables))


def test_names_of_the_mlm_are_the_originals():
    names = {variable_name(v) for v in build("mlm").trainable_variables}
    assert {name.split("/")[0] for name in names} == {
        "electra",
        "generator_predictions",
    }


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("mask_prob", [0.0, 1.0])
def test_mask_prob_is_checked(name, mask_prob):
    with pytest.raises(ValueError, match=rf"{name}.mask_prob must be in \(0, 1\)"):
        build(name, mask_prob=mask_prob)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repeated_positions": "twice"}, "must be one of mean, once; got 'twice'"),
        ({"mask_token_prob": 0.95, "random_token_prob": 0.1}, "together at most 1"),
        ({"random_token_prob": -0.1}, "must be at least 0"),
    ],
)
def test_settings_of_masking_are_checked(name, wrong, message):
    with pytest.raises(ValueError, match=f"objectives.{name}.*{message}"):
        build(name, **wrong)


def test_the_temperature_is_checked():
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        build("electra", temperature=0.0)


def test_flops_are_the_sum_of_the_parts():
    full = EncoderSizes(hidden=32, layers=2, heads=2, ffn=64, embedding=16)
    small = EncoderSizes(hidden=16, layers=2, heads=1, ffn=32, embedding=16)
    seq, preds = 20, 3
    head = masked_lm_head_flops(32, 16, SPECIAL.size, preds)
    assert build("mlm").train_flops_per_sequence(seq) == 3 * (
        encoder_flops(full, seq) + head
    )
    objective = build("electra", generator_hidden_size=0.5)
    assert objective.train_flops_per_sequence(seq) == 3 * (
        encoder_flops(full, seq)
        + discriminator_head_flops(32, seq)
        + encoder_flops(small, seq)
        + masked_lm_head_flops(16, 16, SPECIAL.size, preds)
    ) + sampling_flops(SPECIAL.size, preds)


@pytest.mark.parametrize("name", BUILDERS)
def test_flops_are_unknown_for_encoders_that_do_not_count(name):
    objective = build(name)
    part = objective.parts()[0]
    parts = [part._replace(encoders=(types.SimpleNamespace(),))]
    objective.parts = lambda: parts
    assert objective.train_flops_per_sequence(20) is None


def test_flops_of_the_papers_models_by_its_method(monkeypatch):
    sizes = dict(hidden_size=256, num_layers=12, num_heads=4, ffn_size=1024)
    monkeypatch.setitem(SIZES, "embedding_size", 128)
    for name, value in sizes.items():
        monkeypatch.setitem(SIZES, name, value)
    monkeypatch.setattr(sys.modules[__name__], "SPECIAL", SPECIAL._replace(size=30522))
    small = build("electra").paper_flops_per_sequence(128)
    assert 128e6 * small == pytest.approx(PUBLISHED["electra_small"], rel=1e-9)
    bert = build("mlm").paper_flops_per_sequence(128)
    assert 128 * 1.45e6 * bert == pytest.approx(PUBLISHED["bert_small"], rel=1e-9)
