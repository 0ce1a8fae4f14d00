"""What models, objectives and the trainer may ask of one another."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import tensorflow as tf

from electra_bench.core.batch import Batch
from electra_bench.core.loss_term import LossTerm
from electra_bench.core.random import Seed

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices | None
# Which tokens a token sees besides itself.
Direction = Literal["both", "left_to_right", "right_to_left"]
Role = Literal[
    "encoder", "discriminator", "generator", "generator_ltr", "generator_rtl"
]


class SpecialIds(NamedTuple):
    """Size of a vocabulary and the ids of its special tokens."""

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int


class EncoderOutput(NamedTuple):
    """What an encoder returns.

    Attributes:
        sequence: last layer, float32 [batch, seq, hidden].
        embedding: input of the first layer, float32 [batch, seq, hidden].
        layers: output of every layer, a tuple of float32 [batch, seq, hidden].
        attentions: attention probabilities before dropout of every layer, a tuple of
            float32 [batch, heads, seq, seq]; empty if the encoder has none.
    """

    sequence: tf.Tensor
    embedding: tf.Tensor
    layers: tuple[tf.Tensor, ...]
    attentions: tuple[tf.Tensor, ...]


@runtime_checkable
class Embeddings(Protocol):
    """The embedding layer, which a generator may share with the discriminator."""

    table: tf.Variable  # word embeddings, float32 [vocab or more, embed]
    size: int  # embed


@runtime_checkable
class Encoder(Protocol):
    """A text encoder (a `tf.Module`)."""

    embeddings: Embeddings
    hidden_size: int
    num_layers: int

    def __call__(
        self,
        input_ids: tf.Tensor,
        input_mask: tf.Tensor,
        segment_ids: tf.Tensor,
        *,
        seed: Seed,
        training: bool,
    ) -> EncoderOutput:
        """Encodes int32 [batch, seq] ids, mask and segments."""


class EncoderFactory(Protocol):
    """Builds the configured encoder, once per role.

    The name of a role's variables starts with `electra` for the default role and the
    discriminator, with the role for generators. gin bindings under the scope
    `discriminator/` apply to the discriminator only, those under `generator/` to all
    generators. A `generator_ltr` lets tokens see what stands before them, a
    `generator_rtl` what stands after them.
    """

    def __call__(
        self,
        role: Role = "encoder",
        *,
        embeddings: Embeddings | None = None,
        width: float = 1.0,
        depth: float = 1.0,
        projected: bool = True,
    ) -> Encoder:
        """Builds one encoder.

        Args:
            role: what it is for.
            embeddings: an embedding layer to share; None makes its own.
            width: factor of the hidden size (FFN and heads follow).
            depth: factor of the number of layers.
            projected: whether its own embeddings have the configured size, with a
                projection where the hidden size differs; if not, they are as wide as the
                hidden size.

        Raises:
            ValueError: the model cannot do what is asked for.
        """


@runtime_checkable
class Objective(Protocol):
    """A training objective (a `tf.Module`): pre-training objectives and task kinds."""

    encoder: Encoder

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> Mapping[str, LossTerm]:
        """The loss as named sums, and what else is to be logged in every step."""

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """Tensors [batch, ...] for evaluation and prediction; dropout is off.

        `seed` matters only where evaluating needs draws, as masking does.
        """


class Metrics(Protocol):
    """Sums up what an objective says of held-out batches."""

    def update(self, outputs: Mapping[str, tf.Tensor]) -> None:
        """Takes the `outputs` of one batch."""

    def result(self) -> dict[str, float]:
        """Name to value over all batches."""


@runtime_checkable
class PretrainingObjective(Objective, Protocol):
    """An objective on text without labels; `core/optional.py` says what it may have."""

    def metrics(self) -> Metrics:
        """A new accumulator of what is evaluated on held-out text."""


@runtime_checkable
class TaskKind(Objective, Protocol):
    """An objective of fine-tuning: label schema, head, loss and decoding.

    `loss_terms` leaves out rows without an example (`example_id` -1) and whatever has no
    label. A batch pads labels with `NO_LABEL`, so they may be wider than any row's own.
    A kind whose examples are several rows each also has `merge`, see `core/optional.py`.
    """

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """The answer to one example, and what it was chosen by.

        Args:
            outputs: the example's row of `outputs`.
            example: its features.

        Returns:
            Values that JSON can hold. The task's `postprocess_fn` turns the first into
            what `(targets, predictions)` metrics compare; `(targets, scores)` metrics get
            the second as it is.
        """

    def right_answer(self, example: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """What `decode` would return if it were right and certain.

        Read off the example's `labels` and `values`; None where these do not tell.
        """

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels and values as examples of this kind have them; what is checked with.

        Args:
            input_mask: int32 [batch, seq].
            segment_ids: every row has both segments, int32 [batch, seq].
            rng: for the draws.

        Returns:
            Integers [batch, labels] and floats [batch, values], either of width 0 if
            there are none.
        """


class Stage(NamedTuple):
    """A part of a training, for objectives that are trained in several.

    Attributes:
        start: fraction of the updates done before it, in [0, 1); 0 for the first.
        objective: gives the losses.
        variables: what is trained; everything else stays as it is.
        copies: pairs of variables; before the first update the second gets the value of
            the first.
    """

    start: float
    objective: Objective
    variables: tuple[tf.Variable, ...]
    copies: tuple[tuple[tf.Variable, tf.Variable], ...] = ()


class Schedule(Protocol):
    """The learning rate as a function of the step, and of nothing else."""

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""


@runtime_checkable
class Optimizer(Protocol):
    """What updates the variables of one stage of a training.

    Attributes:
        slots: what it keeps from step to step, by full name, `<variable>/<slot>`. All of it
            is 0 at the first step, is saved in checkpoints and put back from them; there is
            no other state, so that a run which was killed ends as an unbroken one.
    """

    slots: Mapping[str, tf.Variable]

    def learning_rate(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""

    def apply(self, gradients: Sequence[Gradient], step: tf.Tensor) -> tf.Tensor:
        """Updates the variables, inside a `tf.function`, in replica context.

        Every replica updates its own copy, from gradients that are the same on all.

        Args:
            gradients: one a variable, in their order; None leaves a variable alone.
            step: number of updates done before, int32 scalar.

        Returns:
            The global norm of the gradients before clipping.
        """
