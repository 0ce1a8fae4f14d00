"""Recorded fine-tuning cases: objective, batch and arrays; see `golden_cases`."""

import functools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from golden_cases import initial_values

from electra_bench.core import Batch, Seed, Variables
from electra_bench.core.batch import own_rows
from electra_bench.core.variables import variable_name
from electra_bench.kinds.classification import classification
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.kinds.regression import regression
from electra_bench.kinds.span_qa import span_qa
from electra_bench.kinds.tagging import tagging
from electra_bench.models.electra import electra
from electra_bench.records import TaskCard
from electra_bench.training.adamw import adamw

CLASSES = {"mrpc": ("0", "1"), "mnli": ("0", "1", "2")}
SPAN_QA = ("squad", "squadv1", "squad_not_joint", "squad_no_answerable")
NAMES = ("mrpc", "mnli", "sts", "chunk", "multi", *SPAN_QA)
# Those of which numbers are made: the heads of squadv1 are those of squad.
MADE_SPAN_QA = ("squad", "squad_not_joint", "squad_no_answerable")
SWITCHES = (
    "joint_prediction",
    "answerable_classifier",
    "answerable_uses_start_logits",
    "answerable_weight",
    "beam_size",
    "n_best_size",
    "max_answer_length",
)


def card(name: str, kind: str, labels: tuple[str, ...] = ()) -> TaskCard:
    """A card that says no more than a kind asks for."""
    return TaskCard(
        name=name,
        version=1,
        kind=kind,
        summary="",
        builder="",
        splits={},
        main_metric="",
        source="",
        licence="",
        citation="",
        labels=labels,
    )


def batch_of(ids, mask, segments, labels, values, example_id=None):
    """A batch of one task."""
    rows = len(ids)
    return Batch(
        *(tf.constant(x, tf.int32) for x in (ids, mask, segments, labels)),
        tf.constant(values, tf.float32),
        tf.zeros([rows], tf.int32),
        tf.range(rows) if example_id is None else tf.constant(example_id, tf.int32),
        **own_rows(rows),
    )


class Case:
    """One recorded case, whatever its tasks: objective, batch and arrays."""

    def __init__(self, case: dict, arrays, values, vocabulary=None, **settings):
        """Builds the objective; `values(name)` gives the initial value of a variable.

        `vocabulary` and `settings` are those of questions beside the recorded ones.
        """
        self.case = case
        self.arrays = arrays
        self.names = [variable for variable, _ in case["variables"]]
        self._span_qa = {"vocabulary": vocabulary, **settings}
        self.objective = self._objective(dict(case["variables"]))
        self.named = {variable_name(v): v for v in self.objective.trainable_variables}
        self._initial_value = values
        self.batch = self._batch()

    @classmethod
    def load(cls, folder: Path, name: str, **settings) -> "Case":
        """Reads a case of a folder of recorded numbers; variables have their values."""
        manifest = json.loads((folder / "manifest_finetune.json").read_text())
        case = manifest["cases"][name]
        arrays = np.load(folder / f"finetune_{name}.npz")
        loaded = cls(case, arrays, initial_values(folder, case), **settings)
        loaded.reset()
        return loaded

    @property
    def task(self) -> str:
        """The name of the only task."""
        [task] = self.case["task_names"]
        return task

    def predicted(self, name: str) -> np.ndarray:
        """A recorded output for the batch."""
        return self.arrays[f"predict/{self.task}/{name}"]

    def outputs(self) -> dict[str, np.ndarray]:
        """The outputs for the batch."""
        found = self.objective.outputs(self.batch, Seed.of(0))
        return {name: value.numpy() for name, value in found.items()}

    def _objective(self, shapes):
        changes = self.case["config"]["model_hparam_overrides"]
        variables = Variables(1)
        encoders = functools.cache(
            lambda: electra(
                variables,
                "electra",
                self.case["config"]["vocab_size"],
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
                    **self._span_qa,
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
            variable.assign(self._initial_value(name))

    def optimizer(self, *, sum_rows: bool):
        """The case's optimizer."""
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

    def loss(self, training: bool = True) -> tf.Tensor:
        """The weighted sum of all terms."""
        terms = self.objective.loss_terms(self.batch, Seed.of(0), training)
        return tf.add_n([t.coefficient * t.value(t.weight) for t in terms.values()])

    def differentiate(self):
        """The loss and the gradients in the order of `names`."""
        with tf.GradientTape() as tape:
            loss = self.loss()
        return loss, tape.gradient(loss, [self.named[name] for name in self.names])

    @property
    def compared(self):
        """Variables whose gradient is more than rounding."""
        zero = set(self.case["variables_with_mathematically_zero_gradient"])
        return [i for i, name in enumerate(self.names) if name not in zero]
