"""Evaluation on two replicas: both compute, and the numbers are those of one."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.conformance.objectives import Case
from electra_bench.conformance.specimens import texts
from electra_bench.core import Seed
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.held_out import HeldOut
from electra_bench.training.replicas import on_all_replicas
from electra_bench.training.strategy import mirrored

ONE = tf.distribute.get_strategy()


@pytest.fixture(scope="module")
def two():
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(cpus) < 2:
        pytest.skip("needs two logical CPU devices: set in tests/conftest.py")
    return mirrored()


def test_every_replica_computes_its_part_of_the_rows(two):
    def outputs(batch, seed):
        context = tf.distribute.get_replica_context()
        number = tf.cast(context.replica_id_in_sync_group, tf.int32)
        rows = tf.shape(batch.input_ids)[0]
        draws = seed.uniform([rows, 3])
        return {"ids": batch.input_ids, "at": tf.fill([rows], number), "draws": draws}

    shared = tf.function(on_all_replicas(two, outputs), autograph=False)
    found = shared(texts(rows=5), Seed.of(0, 7))
    # The second one computes the last row twice.
    assert found["at"].numpy().tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(found["ids"], texts(rows=5).input_ids)
    np.testing.assert_array_equal(found["draws"], Seed.of(0, 7).uniform([5, 3]))


# The second draws samples on both replicas.
@pytest.mark.parametrize("name", ["mlm", "electra"])
def test_metrics_of_held_out_text_are_those_of_one_device(name, two, tmp_path):
    batch = texts(rows=10)
    with ExampleWriter(str(tmp_path / "rows")) as writer:
        for row in range(10):
            length = int(batch.input_mask[row].numpy().sum())
            tokens = (batch.input_ids, batch.segment_ids)
            ids, segments = (x[row, :length].numpy() for x in tokens)
            writer.append({"input_ids": ids, "segment_ids": segments})
    part = TaskExamples("text", 1.0, ExampleStore([str(tmp_path / "rows")]), "no hash")
    metrics = []
    for strategy in (ONE, two):
        with strategy.scope():
            objective, _ = Case("objectives", name).build()
        held = HeldOut(objective, [part], 5, 24, 2, strategy)
        metrics.append(held.evaluation()(0)["text"])
    one, shared = metrics
    assert shared == pytest.approx(one, rel=1e-5)
