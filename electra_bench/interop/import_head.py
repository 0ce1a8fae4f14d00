"""The head of a fine-tuned model of Hugging Face's, as that of a task here."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from electra_bench.interop.huggingface import ForeignModel, ForeignModelError
from electra_bench.interop.huggingface_names import TASK_HEADS
from electra_bench.records import TaskCard

# Both have a dense layer with an activation first: ELECTRA's in its head, BERT's pooler.
OTHER_HEAD = "ForSequenceClassification"


class ForeignHead(NamedTuple):
    """A head that a task here has, too: one dense layer on the last states.

    Attributes:
        card: of the task.
        columns: of the layer, in the order of the task's labels or of an answer's ends.
    """

    card: TaskCard
    columns: list[int]

    @property
    def layer(self) -> str:
        """Its name in the file."""
        return TASK_HEADS[self.card.kind].layer

    def shapes(self, hidden_size: int) -> dict[str, list[int]]:
        """Names and shapes in the file."""
        size = len(self.columns)
        return {
            f"{self.layer}/kernel": [hidden_size, size],
            f"{self.layer}/bias": [size],
        }

    def renamed(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The model's tensors with those of the head as they are named here."""
        kept = dict(tensors)
        kernel = kept.pop(f"{self.layer}/kernel")[:, self.columns]
        bias = kept.pop(f"{self.layer}/bias")[self.columns]
        dense = TASK_HEADS[self.card.kind].dense
        kernels, biases = np.split(kernel, len(dense), 1), np.split(bias, len(dense))
        for name, weights, offset in zip(dense, kernels, biases, strict=True):
            scope = f"task_specific/{self.card.name}/{name}"
            kept |= {f"{scope}/kernel": weights, f"{scope}/bias": offset}
        return kept

    def bindings(self, max_positions: int | None) -> dict[str, Any]:
        """What makes runs build this head and find its task.

        Args:
            max_positions: of the encoder; None for that of `models.electra`.
        """
        bindings: dict[str, Any] = {"runs.finetune.task": self.card.name}
        if max_positions and max_positions < self.card.max_seq_length:
            bindings["runs.finetune.max_seq_length"] = max_positions
        if self.card.kind == "span_qa":
            bindings["kinds.span_qa.joint_prediction"] = False
            bindings["kinds.span_qa.answerable_classifier"] = False
        return bindings


def foreign_head(
    source: str, model: ForeignModel, card: TaskCard | None
) -> ForeignHead | None:
    """The head of a model; None if neither it has one nor a task asks for one.

    Args:
        source: folder of the model.
        model: as read.
        card: of the task whose head it is to be; None to import an encoder.

    Raises:
        ForeignModelError: its head is another function than a task's here, is for another
            kind or for other labels, is not there, or no task is given for it.
    """
    name = model.architecture
    if name.endswith(OTHER_HEAD):
        raise ForeignModelError(
            f"{source}: {name} has a dense layer with an activation before that of the "
            "classes, which the head of a classification task here lacks; save its "
            "encoder alone to import that"
        )
    ends = {kind: head.architecture for kind, head in TASK_HEADS.items()}
    kind = next((kind for kind, end in ends.items() if name.endswith(end)), None)
    if card is None:
        if kind:
            raise ForeignModelError(
                f"{source} is {name}, which has the head of a task of kind "
                f"{kind!r}: give --task with the name of the task"
            )
        return None
    if kind is None:
        heads = " or ".join(f"...{end}" for end in ends.values())
        raise ForeignModelError(
            f"{source} is {name or 'of no architecture'} by its config.json, which has "
            f"no head of a task: --task needs {heads}"
        )
    if card.kind != kind:
        raise ForeignModelError(
            f"{source}: the head of {name} is for tasks of kind {kind!r}, and "
            f"{card.name!r} is of kind {card.kind!r}"
        )
    columns = _columns(source, model, card) if kind == "tagging" else [0, 1]
    return ForeignHead(card, columns)


def _columns(source: str, model: ForeignModel, card: TaskCard) -> list[int]:
    """The model's numbers of a task's labels."""
    number_of = {label: int(number) for number, label in model.id2label.items()}
    theirs = sorted(number_of, key=number_of.__getitem__)
    if sorted(theirs) != sorted(card.labels):
        raise ForeignModelError(
            f"{source}: by id2label in its config.json the labels are {theirs}, those of "
            f"task {card.name!r} are {list(card.labels)}"
        )
    return [number_of[label] for label in card.labels]
