"""What models, objectives and task kinds may have, and what having it gives.

None of it is needed for training. Who asks for a member asks by `isinstance`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import tensorflow as tf

from electra_bench.core.batch import Batch
from electra_bench.core.protocols import EncoderOutput, Objective, Stage
from electra_bench.core.random import Seed


@runtime_checkable
class HasForwardFlops(Protocol):
    """An encoder whose cost stands in records and tables, and can be a budget."""

    def forward_flops(self, seq_length: int) -> float:
        """Operations of one pass over a sequence, method `v2`."""


@runtime_checkable
class HasSizes(Protocol):
    """An encoder that the ELECTRA paper's own count of operations knows, `paper-v1`.

    Attributes:
        sizes: `hidden`, `layers`, `embedding`, `ffn` and `heads`, all int.
    """

    sizes: Any


@runtime_checkable
class HasMaxPositions(Protocol):
    """Embeddings for a limited number of positions: longer sequences are an error.

    Attributes:
        max_positions: tokens of a sequence at most.
    """

    max_positions: int


@runtime_checkable
class HasPadding(Protocol):
    """Embeddings whose table may have rows after those of the vocabulary.

    Attributes:
        num_tokens: rows of the table that belong to tokens.
    """

    num_tokens: int


@runtime_checkable
class HasPacked(Protocol):
    """An encoder that reads packed batches, whose examples share rows, see `Batch`."""

    def packed(self, batch: Batch, *, seed: Seed, training: bool) -> EncoderOutput:
        """What a call returns, one example a row; `attentions` may be empty."""


@runtime_checkable
class HasNoPacking(Protocol):
    """An objective whose loss would be another one of packed batches.

    Attributes:
        no_packing: why; follows "since".
    """

    no_packing: str


@runtime_checkable
class HasStages(Protocol):
    """An objective that is trained in several stages, one after the other.

    Attributes:
        stages: at least one; each has a learning-rate schedule and optimizer slots of its
            own.
    """

    stages: tuple[Stage, ...]


@runtime_checkable
class HasWarning(Protocol):
    """An objective that can tell from what is logged that it does not learn."""

    def warning(self, means: Mapping[str, float]) -> str | None:
        """What may be wrong, shown once; None if nothing is.

        Args:
            means: of the logged values over some steps, none of them in the first quarter
                of a stage.
        """


@runtime_checkable
class HasTokenCounts(Protocol):
    """An objective that wants the frequencies of tokens before it is trained."""

    def count_tokens(self, count: Callable[[], np.ndarray]) -> None:
        """Called once, before the first step.

        Args:
            count: gives the occurrences of every token in the training text, [vocab];
                reads all of it, so it is called only if needed.
        """


@runtime_checkable
class HasTrainFlops(Protocol):
    """A pre-training objective whose cost stands in records and tables.

    `TRAIN_FLOPS` can then take the place of a number of steps.
    """

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `v2`; None if unknown."""


@runtime_checkable
class HasPaperFlops(Protocol):
    """A pre-training objective whose cost is known as the ELECTRA paper counts it."""

    def paper_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, `paper-v1`; None if unknown."""


@runtime_checkable
class HasEnergies(Protocol):
    """An objective that scores every token of a text in one pass, `score --method`."""

    def energies(self, batch: Batch) -> tf.Tensor:
        """Minus the log probability of every token up to a constant, [batch, seq]."""


@runtime_checkable
class HasMaskedLM(Protocol):
    """An objective that is a masked language model, which can score texts.

    Attributes:
        masked_lm: encoder and head, see `objectives.generators.MaskedLM`.
    """

    masked_lm: Any


@runtime_checkable
class HasGenerator(Protocol):
    """An objective with a generator; one that is a masked language model scores texts.

    Attributes:
        generator: what proposes tokens, see `objectives.generators.Generator`.
    """

    generator: Any


@runtime_checkable
class HasCount(Protocol):
    """A generator that proposes tokens by their frequency in the training text."""

    def count(self, token_counts: np.ndarray) -> None:
        """Takes how often each token occurs, [vocab], before training."""


@runtime_checkable
class HasMerge(Protocol):
    """A task kind whose examples may be several rows each, as windows of a context."""

    def merge(self, decoded: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
        """The answer to one example, and what it was chosen by.

        Args:
            decoded: what `decode` returned for all its rows, in their order.
        """


@runtime_checkable
class HasOutOfReach(Protocol):
    """A task kind that cannot give some right answers, however it is trained."""

    def out_of_reach(self, example: Mapping[str, Any]) -> str | None:
        """Why it cannot answer an example, in a word or two; None if it can.

        Args:
            example: one of its rows.
        """


@runtime_checkable
class HasThreshold(Protocol):
    """A task kind that gives no answer where a score of it is above a threshold."""

    def main_metric(self, name: str, metrics: Mapping[str, float]) -> str:
        """The metric that tables show.

        Args:
            name: that of the task's card.
            metrics: all that the task has, at whichever thresholds.
        """

    def threshold(self, metrics: Mapping[str, float]) -> Mapping[str, Any]:
        """What decides, see `TaskResult.threshold`; empty where nothing does."""


@runtime_checkable
class HasTasks(Protocol):
    """Several task kinds on one encoder.

    Attributes:
        tasks: name to its kind, in the order of `Batch.task_id`.
    """

    tasks: Mapping[str, Objective]


def stages_of(objective: Objective) -> tuple[Stage, ...]:
    """The stages of a training; a single one where the objective names none."""
    if isinstance(objective, HasStages):
        return objective.stages
    module = cast(tf.Module, objective)
    return (Stage(0.0, objective, tuple(module.trainable_variables)),)


def tasks_of(objective: Objective, name: str) -> Mapping[str, Any]:
    """Task to the kind that answers it.

    Args:
        objective: one task's kind, or several.
        name: of the task, where it is one.
    """
    return objective.tasks if isinstance(objective, HasTasks) else {name: objective}


def max_positions_of(encoder: Any) -> int | None:
    """Tokens of the longest sequence that an encoder takes; None for any length."""
    embeddings = encoder.embeddings
    return embeddings.max_positions if isinstance(embeddings, HasMaxPositions) else None


def num_tokens_of(embeddings: Any) -> int:
    """Rows of the table of word embeddings that belong to tokens."""
    if isinstance(embeddings, HasPadding):
        return embeddings.num_tokens
    return embeddings.table.shape[0]
