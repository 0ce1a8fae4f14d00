"""One of the original's cases whose numbers are part of the tests, so it always runs."""

import numpy as np
import pytest
import tensorflow as tf
from golden_cases import Case

from electra_bench.core.variables import variable_name
from electra_bench.interop.export_model import TrainedModel, export_tf1
from electra_bench.training.checkpoints import Checkpoints


@pytest.fixture
def case() -> Case:
    case = Case.load_small()
    case.reset()
    return case


def test_forward_pass(case):
    arrays = case.arrays
    forward, terms = case.run()
    corner = arrays["mlm/logits_corner"]
    np.testing.assert_allclose(forward.proposed.logits[:2, :3, :64], corner, atol=5e-4)
    np.testing.assert_array_equal(forward.sampled_ids, arrays["sample/ids"])
    np.testing.assert_array_equal(forward.corrupted.input_ids, arrays["fake/input_ids"])
    np.testing.assert_array_equal(forward.corrupted.labels, arrays["fake/labels"])
    logits = case.objective.logits(forward)
    np.testing.assert_allclose(logits, arrays["disc/logits"], atol=2e-4)
    for name, recorded in {"mlm": "mlm/loss", "disc": "disc/loss"}.items():
        value = terms[name].value(terms[name].weight)
        np.testing.assert_allclose(value, arrays[recorded], rtol=5e-5)


def test_gradients_and_updates(case):
    arrays = case.arrays
    optimizer = case.optimizer()
    moving = [i for i, n in enumerate(case.variables) if n not in case.zero_gradient]

    def norms(tensors):
        return np.array([np.linalg.norm(np.float64(tensors[i])) for i in moving])

    @tf.function
    def update(step):
        losses, gradients = case.differentiate()
        return losses["total"], gradients, optimizer.apply(gradients, step)

    for step in range(6):
        loss, gradients, norm = update(tf.constant(step))
        if step == 0:
            np.testing.assert_allclose(
                norms(gradients), arrays["grad/l2"][moving], rtol=1e-4
            )
        np.testing.assert_allclose(loss, arrays["step/total_loss"][step], rtol=5e-5)
        np.testing.assert_allclose(norm, arrays["step/clip_norm"][step], rtol=3e-4)
        values = [case.named[name].numpy() for name in case.variables]
        np.testing.assert_allclose(
            norms(values), arrays["step/var_l2"][step, moving], rtol=2e-5
        )


def test_metrics(case):
    forward, _ = case.run()
    metrics = case.objective.metrics()
    metrics.update(case.objective.evaluated(case.batch, forward))
    assert metrics.result() == pytest.approx(case.eval_metrics, rel=5e-5, abs=1e-6)


def test_a_checkpoint_for_the_original_has_its_names_and_shapes(case, tmp_path):
    tensors = {**case.named, **case.optimizer().slots}
    Checkpoints(str(tmp_path / "checkpoints")).save(6, tensors, {})
    export_tf1(TrainedModel.read(str(tmp_path)), str(tmp_path / "theirs"))
    found = dict(tf.train.list_variables(str(tmp_path / "theirs")))
    assert found.pop("global_step") == []
    assert found == case.shapes


def test_generator_and_discriminator_share_the_embedding_layer(case):
    objective = case.objective
    generator = objective.generator.encoder
    assert generator.embeddings is objective.encoder.embeddings
    names = [variable_name(v) for v in objective.trainable_variables]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("generator/embeddings/")]
