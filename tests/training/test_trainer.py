"""The loop on a small objective: logging, resuming, replicas, broken losses."""

import json
import os
import signal
import time

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Batch, LossTerm, Variables
from electra_bench.core.batch import own_rows
from electra_bench.core.computing import compute_in
from electra_bench.core.random import dropout
from electra_bench.core.variables import variable_name
from electra_bench.data.examples.batches import StepBatches, signature
from electra_bench.training import checkpoint_files
from electra_bench.training import trainer as trainer_module
from electra_bench.training.checkpoint_files import checkpoint_steps
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.training.loop import Loop
from electra_bench.training.progress import ScoringProgress, TrainingProgress
from electra_bench.training.stages import training_stages
from electra_bench.training.strategy import mirrored
from electra_bench.training.trainer import NonFiniteLoss, Trainer, more_steps

STEPS = 20


class Line(tf.Module):
    """Fits the sum of a row's tokens by one weight, with dropout on the input."""

    def __init__(self):
        super().__init__()
        self.weight = Variables(1).truncated_normal("line/kernel", [4, 1])
        self.encoder = self

    def loss_terms(self, batch, seed, training):
        x = dropout(tf.cast(batch.input_ids, tf.float32), 0.2, seed.fold("x"), training)
        error = (x @ self.weight)[:, 0] - batch.values[:, 0]
        weight = tf.cast(tf.shape(error)[0], tf.float32)
        return {"line": LossTerm(tf.reduce_sum(error**2), weight)}


class Descent(tf.Module):
    """Gradient descent with momentum, so that there is a slot to resume."""

    def __init__(self, variables):
        super().__init__()
        self.variables_ = variables
        with tf.init_scope():
            self.slots = {
                f"{variable_name(v)}/m": tf.Variable(tf.zeros_like(v), name="m")
                for v in variables
            }

    def learning_rate(self, step):
        return tf.constant(1e-4)

    def apply(self, gradients, step):
        for variable, gradient in zip(self.variables_, gradients, strict=True):
            slot = self.slots[f"{variable_name(variable)}/m"]
            slot.assign(0.9 * slot + gradient)
            variable.assign_sub(1e-4 * slot)
        return tf.linalg.global_norm(gradients)


def make(step):
    rng = np.random.default_rng(step)
    ids = rng.integers(0, 9, (8, 4)).astype(np.int32)
    none = np.zeros((8, 0), np.int32)
    return Batch(
        ids,
        np.ones_like(ids),
        np.zeros_like(ids),
        none,
        ids.sum(1, keepdims=True).astype(np.float32),
        np.zeros(8, np.int32),
        np.arange(8, dtype=np.int32),
        **own_rows(8),
    )


def train(
    run_dir,
    steps=STEPS,
    strategy=None,
    make_batch=make,
    objective=None,
    keep_at=(),
    **settings,
):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        objective = objective or Line()
        stages = training_stages(objective, STEPS, lambda vs, steps: Descent(vs))
    trainer = Trainer(
        objective,
        stages,
        strategy=strategy,
        num_steps=STEPS,
        settings=Loop(**{"log_every": 2, "checkpoint_every": 4, **settings}),
        keep_at=keep_at,
    )

    dataset = StepBatches(make_batch, signature(8, 4), steps)
    trained = trainer.train(
        str(run_dir), 3, dataset, lambda step: {"held_out": {"quality": step}}
    )
    return trained, objective.weight.numpy()


def lines(run_dir):
    with open(os.path.join(run_dir, "metrics.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_every_logged_step_has_one_line_and_tensorboard_has_events(tmp_path):
    trained, _ = train(tmp_path, eval_every=10)
    logged = [(line["step"], line["phase"]) for line in lines(tmp_path)]
    expected = [(step, "train") for step in range(2, 21, 2)]
    expected[5:5] = [(10, "eval")]
    assert logged == [*expected, (20, "eval")]
    assert trained.tokens == STEPS * 8 * 4 == lines(tmp_path)[-2]["tokens"]
    assert lines(tmp_path)[-2]["loss"] < lines(tmp_path)[0]["loss"]
    assert trained.evaluation == {"held_out": {"quality": 20}}
    assert any("events" in name for name in os.listdir(tmp_path / "tensorboard"))


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path, capsys):
    _, unbroken = train(tmp_path / "a")
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(tmp_path / "b", steps=11)  # the data end: the process dies after step 10
    assert Checkpoints(str(tmp_path / "b" / "checkpoints")).latest.endswith("-8")
    # As a killed process leaves the file: a line that the checkpoint does not cover, and
    # one without its end; and a damaged one.
    with open(tmp_path / "b" / "metrics.jsonl", "ab") as file:
        file.write(b'{"step": 11, "ph\xff\0se"}}\n{"step": 12, "phase"')
    damage(tmp_path / "b" / "checkpoints" / "model.ckpt-8.data-00000-of-00001")
    _, resumed = train(tmp_path / "b")
    np.testing.assert_array_equal(resumed, unbroken)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    said = capsys.readouterr().err
    assert "model.ckpt-4 is used" in said and "goes on after step 4 of 20" in said
    assert "left out line 6, which is damaged" in said


def test_ctrl_c_writes_a_checkpoint_and_the_same_call_goes_on(tmp_path, power):
    _, unbroken = train(tmp_path / "a", log_every=7)

    def interrupting(step):
        if step == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return make(step)

    with pytest.raises(
        KeyboardInterrupt, match=r"stopped after step \d+ of 20; the same"
    ):
        train(tmp_path / "b", make_batch=interrupting, log_every=7, checkpoint_every=0)
    assert Checkpoints(str(tmp_path / "b" / "checkpoints")).latest
    _, resumed = train(tmp_path / "b", log_every=7)
    np.testing.assert_array_equal(resumed, unbroken)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    power.check()


def test_a_run_of_other_random_numbers_does_not_go_on(tmp_path):
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(tmp_path, steps=11)
    path = tmp_path / "checkpoints" / "model.ckpt-8.json"
    state = json.loads(path.read_text())
    assert state.pop("random") == 2
    path.write_text(json.dumps(state))
    # As a version of before has left it.
    (tmp_path / "checkpoints" / "model.ckpt-8.sha256").unlink()
    with pytest.raises(ValueError, match=r"begun with other random .*--overwrite"):
        train(tmp_path)


def test_a_run_does_not_go_on_in_another_precision(tmp_path):
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(tmp_path, steps=11)
    compute_in(tf.bfloat16)
    try:
        with pytest.raises(ValueError, match="begun in float32, .* make bfloat16 here"):
            train(tmp_path)
    finally:
        compute_in(tf.float32)


@pytest.mark.parametrize("parts", [1, 3])
def test_two_replicas_train_as_one(tmp_path, parts):
    if len(tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip("needs two logical CPU devices: set in tests/conftest.py")
    _, one = train(tmp_path / "one")
    _, two = train(tmp_path / "two", strategy=mirrored(), micro_batches=parts)
    np.testing.assert_allclose(two, one, rtol=1e-5)
    for a, b in zip(lines(tmp_path / "one"), lines(tmp_path / "two"), strict=True):
        for name in ("phase", "task"):
            assert a.pop(name, None) == b.pop(name, None)
        assert a == pytest.approx(b, rel=1e-4)


def test_checkpoints_of_some_fractions_stay(tmp_path):
    sparse = {"log_every": 20, "checkpoint_every": 0, "keep": 1}
    train(tmp_path, keep_at=(0.25, 0.45, 0.65, 1.0), **sparse)
    assert checkpoint_steps(str(tmp_path)) == [5, 9, 13, 20]


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.0, 16), (0.49, 16), (0.5, 8), (0.7, 8), (3.0, 8)]
)
def test_a_call_takes_about_a_second(seconds, count):
    assert more_steps(8, seconds) == count


def test_scoring_says_how_fast_it_is(capsys, monkeypatch):
    clock = iter([100.0, 104.0, 104.0, 120.0, 120.0, 120.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    progress = ScoringProgress("mine", 10, 1000)
    progress.update(1, 100)
    progress.update(3, 400)
    said = capsys.readouterr().err
    assert said == "mine: 50.0 %  4/10 passes  25 tokens/s  eta 20 s\n"


def test_how_fast_training_is_and_what_it_waits_for(capsys, monkeypatch):
    monkeypatch.setattr(
        "electra_bench.training.progress.peak_flops_per_s", lambda: 40.0
    )
    progress = TrainingProgress("mine", 0, 4, 0, step_flops=20.0)
    clock = iter([progress.start + 2.0, progress.start + 3.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock, progress.start + 4.0))
    progress.computed(125.0)
    speed = progress.update(2, 100, {"loss": 2.0}, waited_s=0.5)
    assert speed == {
        "tokens_per_s": 50.0,
        "waiting_share": 0.25,
        "padding_share": pytest.approx(0.2),
        "peak_share": 0.5,
    }


def test_the_speed_of_a_run_goes_on_with_it(tmp_path):
    whole, _ = train(tmp_path / "a", checkpoint_every=5)
    assert whole.speed["tokens_per_s"] > 0
    assert 0 <= whole.speed["waiting_share"] < 1
    state = checkpoint_files.read_state(whole.checkpoint)
    # All but what was compiled.
    assert state["speed"][:3] == [19, 19 * 8 * 4, 19 * 8 * 4]
    again, _ = train(tmp_path / "a", checkpoint_every=5)
    assert again.speed == whole.speed


def test_waiting_for_batches_is_measured():
    def slow(step):
        time.sleep(0.03)
        return make(step)

    batches = StepBatches(slow, signature(8, 4), 3)
    assert len(list(batches(0))) == 3
    assert 0.05 < batches.waited_s < 1.0


def test_the_last_state_is_shown_in_any_case(capsys):
    progress = TrainingProgress("mine", 0, 4, 0)
    progress.update(2, 10, {"loss": 2.0})
    assert capsys.readouterr().err == ""
    progress.update(4, 30, {"loss": 1.0})
    said = capsys.readouterr().err
    assert said.startswith("mine: step 4/4  loss 1.0000  ") and "eta 0 s" in said


def test_the_best_checkpoint_is_kept(tmp_path):
    settings = {"eval_every": 4, "best_metric": "quality", "higher_is_better": False}
    _, unbroken = train(tmp_path, **settings)
    checkpoints = Checkpoints(str(tmp_path / "checkpoints"))
    assert checkpoints.best.step == 4
    assert os.path.exists(f"{checkpoints.best.prefix}.index")
    for damaged, left in (("best.json", b""), ("model.ckpt-4.index", b"\0")):
        (tmp_path / "checkpoints" / damaged).write_bytes(left)
        _, again = train(tmp_path, **settings)
        np.testing.assert_array_equal(again, unbroken)
        assert checkpoints.best.step == 4
        checkpoint_files.check_whole(checkpoints.best.prefix)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    def poisoned(step):
        batch = make(step)
        return batch if step < 9 else batch._replace(values=batch.values * np.nan)

    with pytest.raises(
        NonFiniteLoss,
        match=r"step 10 has loss nan and .*batch-of-step-10.*model\.ckpt-8",
    ):
        train(tmp_path, make_batch=poisoned)
    with np.load(tmp_path / "batch-of-step-10.npz") as dumped:
        np.testing.assert_array_equal(dumped["input_ids"], make(9).input_ids)
        assert np.isnan(dumped["values"]).all()


class Doubtful(Line):
    """Finds every loss too large."""

    def warning(self, means):
        return f"the loss is {means['line_loss']:.0f}"


def test_what_an_objective_finds_wrong_is_shown_once_and_not_early(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(trainer_module, "WARN_AFTER_STEPS", 9)
    train(tmp_path, objective=Doubtful())
    said = capsys.readouterr().err.splitlines()
    warnings = [line for line in said if "warning: " in line]
    # Lines come every two steps, and a quarter of the training is five.
    [shown] = warnings
    assert "warning: step 10: the loss is " in shown


def test_steps_are_profiled(tmp_path, capsys):
    _, plain = train(tmp_path / "a")
    _, profiled = train(tmp_path / "b", profile=(6, 7))
    np.testing.assert_array_equal(profiled, plain)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    assert list((tmp_path / "b" / "tensorboard").rglob("*.xplane.pb"))
    assert "profile of steps 6 to 7: tensorboard" in capsys.readouterr().err
    for wrong in ((0, 3), (3, 2)):
        with pytest.raises(ValueError, match="a first and a last step, counted from 1"):
            Loop(profile=wrong)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="log_every must be at least 1, got 0"):
        Loop(log_every=0)


def test_periods_need_not_fit_one_another(tmp_path):
    train(tmp_path / "a", log_every=3, checkpoint_every=4, eval_every=5)
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(tmp_path / "b", 9, log_every=3, checkpoint_every=4, eval_every=5)
    train(tmp_path / "b", log_every=3, checkpoint_every=4, eval_every=5)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    steps = [x["step"] for x in lines(tmp_path / "a") if x["phase"] == "train"]
    assert steps == [3, 6, 9, 12, 15, 18, 20]


def test_a_misspelt_best_metric_is_named(tmp_path):
    with pytest.raises(ValueError, match="no metric 'qualty'; it has .'quality'."):
        train(tmp_path, eval_every=4, best_metric="qualty")
