"""Training in stages: what is trained when, schedules that restart, resuming."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Batch, LossTerm, Stage, Variables
from electra_bench.core.batch import own_rows
from electra_bench.data.examples.batches import StepBatches, signature
from electra_bench.training.adamw import adamw
from electra_bench.training.loop import Loop
from electra_bench.training.stages import training_stages
from electra_bench.training.trainer import Trainer

STEPS, HALF = 20, 10


class Half(tf.Module):
    """Fits the sum of a row's tokens by one weight."""

    def __init__(self, name):
        super().__init__()
        self.weight = Variables(1).truncated_normal(name, [4, 1])

    def loss_terms(self, batch, seed, training):
        del seed, training
        x = tf.cast(batch.input_ids, tf.float32)
        error = (x @ self.weight)[:, 0] - batch.values[:, 0]
        weight = tf.cast(tf.shape(error)[0], tf.float32)
        return {"error": LossTerm(tf.reduce_sum(error**2), weight)}


class Both(tf.Module):
    """Trains one weight, then another that starts as its copy."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Half("first/kernel"), Half("second/kernel")

    @property
    def stages(self):
        a, b = self.first, self.second
        return (
            Stage(0.0, a, (a.weight,)),
            Stage(0.5, b, (b.weight,), ((a.weight, b.weight),)),
        )


def make(step):
    rng = np.random.default_rng(step)
    ids = rng.integers(0, 9, (8, 4)).astype(np.int32)
    zeros = np.zeros_like(ids)
    values = ids.sum(1, keepdims=True).astype(np.float32)
    row = np.zeros(8, np.int32)
    return Batch(ids, zeros + 1, zeros, zeros[:, :0], values, row, row, **own_rows(8))


def build(num_steps=STEPS):
    objective = Both()
    stages = training_stages(
        objective,
        num_steps,
        lambda variables, steps: adamw(variables, steps, peak_lr=0.1, warmup_steps=2),
    )
    return objective, stages


def train(run_dir, *, until=STEPS, every=4):
    """Trains; gives both weights after every step by the data that the step reads."""
    objective, stages = build()
    trainer = Trainer(
        objective,
        stages,
        strategy=tf.distribute.get_strategy(),
        num_steps=STEPS,
        settings=Loop(log_every=1, checkpoint_every=every),
    )
    trainer.train(
        str(run_dir),
        3,
        StepBatches(make, signature(8, 4), until),
    )
    return [half.weight.numpy() for half in (objective.first, objective.second)]


def lines(run_dir):
    with open(os.path.join(run_dir, "metrics.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def stopped(run_dir, step, every):
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(run_dir, until=step, every=every)


def test_every_stage_trains_its_own_variables_with_its_own_schedule(tmp_path):
    first, second = train(tmp_path)
    rates = [line["learning_rate"] for line in lines(tmp_path)]
    assert rates[:HALF] == rates[HALF:]
    losses = [line["loss"] for line in lines(tmp_path)]
    # The second goes on where the first stopped, not from its own initial values.
    assert losses[HALF] < losses[0] / 2
    assert np.abs(second - first).max() > 0.01
    stopped(tmp_path / "half", HALF, every=HALF)
    half = tf.train.load_checkpoint(str(tmp_path / "half" / "checkpoints"))
    np.testing.assert_array_equal(first, half.get_tensor("first/kernel"))


@pytest.mark.parametrize(("step", "every"), [(9, 4), (10, 5), (11, 5), (15, 4)])
def test_a_run_that_stops_in_either_stage_ends_as_an_unbroken_one(
    tmp_path, step, every
):
    unbroken = train(tmp_path / "a", every=every)
    stopped(tmp_path / "b", step, every)
    resumed = train(tmp_path / "b", every=every)
    np.testing.assert_array_equal(resumed, unbroken)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")


def test_every_stage_needs_a_step():
    with pytest.raises(ValueError, match="2 stages need at least one step each, got 1"):
        build(num_steps=1)
