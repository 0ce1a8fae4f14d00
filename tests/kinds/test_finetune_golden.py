"""Losses, gradients and updates of fine-tuning against the original's numbers."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from golden_cases import assert_recorded_norms, assert_same_sum, dense_norm
from test_kinds import GoldenCase, batch_of, card, close
from test_span_qa import SWITCHES

from electra_bench.core import Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.kinds.classification import classification
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.kinds.regression import regression
from electra_bench.kinds.span_qa import span_qa
from electra_bench.kinds.tagging import tagging
from electra_bench.models.electra import electra
from electra_bench.training.adamw import adamw

NAMES = (
    "mrpc",
    "mnli",
    "sts",
    "chunk",
    "multi",
    "squad",
    "squadv1",
    "squad_not_joint",
    "squad_no_answerable",
)
CLASSES = {"mrpc": ("0", "1"), "mnli": ("0", "1", "2")}
NUM_UPDATES = 4


class Case:
    """One recorded case, whatever its tasks: objective, batch and arrays."""

    def __init__(self, folder, name):
        manifest = json.loads((folder / "manifest_finetune.json").read_text())
        self.case = manifest["cases"][name]
        self.arrays = np.load(folder / f"finetune_{name}.npz")
        self.names = [variable for variable, _ in self.case["variables"]]
        self.objective = self._objective(dict(self.case["variables"]))
        self.named = {variable_name(v): v for v in self.objective.trainable_variables}
        reader = tf.train.load_checkpoint(str(folder / self.case["checkpoint"]))
        self._values = {name: reader.get_tensor(name) for name in self.named}
        self.batch = self._batch()

    def _objective(self, shapes):
        changes = self.case["config"]["model_hparam_overrides"]
        variables = Variables(1)
        encoders = functools.cache(
            lambda: electra(
                variables,
                "electra",
                520,
                hidden_size=changes["hidden_size"],
                num_layers=changes["num_hidden_layers"],
                num_heads=changes["num_attention_heads"],
                ffn_size=shapes["electra/encoder/layer_0/intermediate/dense/kernel"][1],
                embedding_size=shapes["electra/embeddings/word_embeddings"][1],
                max_positions=changes["max_position_embeddings"],
                dropout=0.0,
                attention_dropout=0.0,
            )
        )
        made = {}
        for task in self.case["task_names"]:
            if task in CLASSES:
                of_task = card(task, "classification", CLASSES[task])
                # The recorded runs dropped nothing.
                made[task] = classification(
                    encoders, variables, of_task, head_dropout=0.0
                )
            elif task == "sts":
                of_task = card(task, "regression")
                made[task] = regression(encoders, variables, of_task, head_dropout=0.0)
            elif task == "chunk":
                of_task = card(task, "tagging", tuple(self.case["label_mapping"]))
                made[task] = tagging(encoders, variables, of_task)
            else:
                made[task] = span_qa(
                    encoders,
                    variables,
                    card(task, "span_qa"),
                    windows_without_answer="answerable",
                    **{switch: self.case["config"][switch] for switch in SWITCHES},
                )
        if len(made) == 1:
            [objective] = made.values()
            return objective
        return MultiTask(made)

    def _batch(self):
        """The recorded batch; rows of padding have the number after the last task's."""
        names = ("input_ids", "input_mask", "segment_ids")
        ids, mask, segments = (self.arrays[f"features/{name}"] for name in names)
        task_id = self.arrays["features/task_id"]
        labels = np.full(ids.shape, -1)
        values = np.zeros([len(ids), 1])
        tasks = self.case["task_names"]
        for row, number in enumerate(task_id):
            if number < len(tasks):
                self._fill(tasks[number], row, labels, values)
        is_padding = task_id == len(tasks)
        batch = batch_of(
            ids,
            mask,
            segments,
            labels,
            values,
            np.where(is_padding, -1, np.arange(len(ids))),
        )
        return batch._replace(task_id=tf.constant(task_id, tf.int32))

    def _fill(self, task, row, labels, values):
        def feature(name):
            return self.arrays[f"features/{task}_{name}"][row]

        if task in CLASSES:
            labels[row, 0] = feature("label_ids")
        elif task == "sts":
            values[row, 0] = feature("targets")
        elif task == "chunk":
            count = int(feature("labels_mask").sum())
            words = feature("labeled_positions")[:count]
            labels[row, words] = feature("labels")[:count]
        else:
            ends = ("start_positions", "end_positions", "is_impossible")
            labels[row, :3] = [feature(name) for name in ends]

    def reset(self):
        """Gives all variables their recorded initial values."""
        for name, variable in self.named.items():
            variable.assign(self._values[name])

    def optimizer(self, *, sum_rows):
        config = self.case["config"]
        return adamw(
            [self.named[name] for name in self.names],
            self.case["num_train_steps"],
            self.objective.encoder.num_layers,
            peak_lr=config["learning_rate"],
            warmup_proportion=config["warmup_proportion"],
            weight_decay=config["weight_decay_rate"],
            layer_decay=config["layerwise_lr_decay"],
            clip_sums_rows=sum_rows,
        )

    def differentiate(self):
        """The loss and the gradients in the order of `names`."""
        with tf.GradientTape() as tape:
            terms = self.objective.loss_terms(self.batch, Seed.of(0), training=True)
            loss = tf.add_n([t.coefficient * t.value(t.weight) for t in terms.values()])
        return loss, tape.gradient(loss, [self.named[name] for name in self.names])

    @property
    def compared(self):
        """Variables whose gradient is more than rounding."""
        zero = set(self.case["variables_with_mathematically_zero_gradient"])
        return [i for i, name in enumerate(self.names) if name not in zero]


@pytest.fixture(scope="module", params=NAMES)
def loaded(request, shared_golden):
    return Case(shared_golden, request.param)


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


def test_mnli_tells_three_classes(shared_golden):
    case = GoldenCase(shared_golden, "mnli", "classification", ("0", "1", "2"))
    labels = case.task_feature("label_ids")[:, None]
    batch = case.batch(labels, np.zeros([len(labels), 0]))
    close(case.objective.outputs(batch, Seed.of(0))["logits"], case.predicted("logits"))
    case.check_loss(batch)
