"""One update: gradients of the whole batch, in parts where memory is short."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from electra_bench.core import Batch, Gradient, LossTerm, Seed
from electra_bench.core.loss_term import LossTerms
from electra_bench.training.loss_scale import LossScale
from electra_bench.training.stages import TrainingStage

# Of every term the sum and the weight, float32 [2].
Sums: TypeAlias = dict[str, tf.Tensor]


class TrainingStep:
    """Updates the variables of a stage by a batch, on all replicas.

    A batch may go through the model in parts, one after the other. What is random is a
    function of a row's place in the whole batch, and a term is divided by its weight in
    the whole batch, so the update is that of the whole batch up to the order of sums.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        parts: int,
        compiled: bool,
        loss_scale: LossScale | None,
    ):
        """Describes a step; nothing is built yet.

        Args:
            strategy: under whose scope objective and optimizer were built.
            parts: of a replica's batch.
            compiled: whether XLA compiles it.
            loss_scale: of float16.
        """
        self._strategy = strategy
        self._alone = strategy.num_replicas_in_sync == 1
        self._parts = parts
        self._compiled = compiled
        self._loss_scale = loss_scale

    def update(
        self, trained: TrainingStage, batch: Batch, step: tf.Tensor, seed: tf.Tensor
    ) -> Mapping[str, tf.Tensor]:
        """One update.

        Args:
            trained: the stage.
            batch: the global one, distributed.
            step: updates done before, int32 scalar.
            seed: of the run, int32 scalar.

        Returns:
            What is logged, float32 scalars: terms, their sum, the gradient's norm, the
            learning rate, the number of tokens, and that of tokens and padding.
        """

        def on_replica(batch, step, seed):
            batch = self._own(batch)
            gradients, terms = self._gradients(trained, batch, step, seed)
            of_stage = step - trained.first_step
            apply = functools.partial(self._apply, trained)
            norm = self._compiled_part(apply)(gradients, of_stage)
            tokens, positions = self._over_replicas(
                [
                    tf.reduce_sum(tf.cast(batch.input_mask, tf.float32)),
                    tf.cast(batch.num_positions, tf.float32),
                ]
            )
            return {
                "loss": _loss(terms),
                **{
                    f"{name}_loss" if term.is_trained else name: term.value(term.weight)
                    for name, term in terms.items()
                },
                "gradient_norm": norm,
                "learning_rate": trained.optimizer.learning_rate(of_stage),
                "tokens": tokens,
                "positions": positions,
            }

        return self._on_all(on_replica, batch, step, seed)

    def norm(
        self, trained: TrainingStage, batch: Batch, step: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """The norm of the gradient, without an update; what memory a step needs is needed.

        Args and errors: see `update`.
        """

        def on_replica(batch, step, seed):
            batch = self._own(batch)
            gradients, _ = self._gradients(trained, batch, step, seed)
            return tf.linalg.global_norm(gradients)

        return self._on_all(on_replica, batch, step, seed)

    def _own(self, batch: Batch) -> Batch:
        """What a replica has of a batch."""
        return batch if self._alone else batch.without_empty_rows()

    def _on_all(self, on_replica: Callable[..., Any], *args: Any) -> Any:
        """Runs on every replica and returns what the first one gives."""
        if self._compiled and self._alone:
            on_replica = tf.function(on_replica, autograph=False, jit_compile=True)
        values = self._strategy.run(on_replica, args=args)
        of_replicas = self._strategy.experimental_local_results
        return tf.nest.map_structure(lambda value: of_replicas(value)[0], values)

    def _compiled_part(self, part: Callable[..., Any]) -> Callable[..., Any]:
        """A part of a step between two sums over replicas, which XLA cannot make."""
        if not self._compiled or self._alone:
            return part
        return tf.function(part, autograph=False, jit_compile=True)

    def _over_replicas(self, values: Any) -> Any:
        if self._alone:
            return values
        return tf.distribute.get_replica_context().all_reduce("SUM", values)

    def _gradients(
        self, trained: TrainingStage, batch: Batch, step: tf.Tensor, seed: tf.Tensor
    ) -> tuple[list[Gradient], LossTerms]:
        """Gradients of the loss of the global batch, and its terms."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = _num_rows(batch)
        draws = Seed.of(seed, step, replica * rows)
        part = _Part(trained, self._loss_scale)
        if self._compiled and isinstance(rows, int) and rows % min(self._parts, rows):
            raise ValueError(
                f"training.loop.micro_batches must divide the {rows} rows of a batch on "
                f"one device, since XLA needs parts of one size; got {self._parts}"
            )
        if self._compiled and self._parts > 1 and batch.is_packed:
            raise ValueError(
                "training.loop.micro_batches must be 1 where examples share rows, since "
                "XLA needs parts of one size, and parts of such a batch have as many rows "
                f"as they need; got {self._parts}"
            )
        is_apart = self._parts > 1 or (self._compiled and not self._alone)
        if is_apart:
            weights = self._over_replicas(
                self._compiled_part(part.weights)(batch, draws)
            )
            of_batch = functools.partial(_in_parts, part, self._parts)
            gradients, sums = self._compiled_part(of_batch)(batch, draws, weights)
        else:
            gradients, sums = part.gradients(batch, draws, self._over_replicas)
        known = [gradient for gradient in gradients if gradient is not None]
        known, sums = self._over_replicas((known, sums))
        summed = iter(known)
        gradients = [None if g is None else next(summed) for g in gradients]
        terms = {
            name: LossTerm(sums[name][0], sums[name][1], coefficient, reduction)
            for name, (coefficient, reduction) in part.sorts.items()
        }
        return gradients, terms

    def _apply(
        self, trained: TrainingStage, gradients: Sequence[Gradient], step: tf.Tensor
    ) -> tf.Tensor:
        def update(gradients):
            return trained.optimizer.apply(gradients, step)

        scale = self._loss_scale
        return scale.apply(gradients, update) if scale else update(gradients)


def _loss(terms: LossTerms) -> tf.Tensor:
    """The training loss, given terms over the global batch."""
    return tf.add_n(
        [
            term.coefficient * term.value(term.weight)
            for term in terms.values()
            if term.is_trained
        ]
    )


def _num_rows(batch: Batch) -> int | tf.Tensor:
    rows = batch.input_ids.shape[0]
    return tf.shape(batch.input_ids)[0] if rows is None else rows


class _Part:
    """What is differentiated: rows of a replica's batch that go through together.

    Attributes:
        shapes: of the gradients, which a graph may not know.
        sorts: of every term its coefficient and reduction; known when it has been built.
    """

    def __init__(self, trained: TrainingStage, loss_scale: LossScale | None):
        self._stage = trained.stage
        self._loss_scale = loss_scale
        self.shapes = [variable.shape.as_list() for variable in self._stage.variables]
        self.sorts: dict[str, tuple[float, str]] = {}

    def weights(self, batch: Batch, draws: Seed) -> Mapping[str, tf.Tensor]:
        """Weights of the terms of the loss; nothing is computed that they do not need."""
        terms = self._stage.objective.loss_terms(batch, draws, training=True)
        return {name: term.weight for name, term in terms.items() if term.is_trained}

    def gradients(
        self,
        batch: Batch,
        draws: Seed,
        over_replicas: Callable[[tf.Tensor], tf.Tensor] = lambda weight: weight,
        weights: Mapping[str, tf.Tensor] | None = None,
    ) -> tuple[list[Gradient], Sums]:
        """Gradients of these rows, and their part of every term.

        Args:
            batch: the rows.
            draws: where the first of them is in the global batch.
            over_replicas: adds up a weight, where `weights` does not say it.
            weights: of the global batch.
        """
        with tf.GradientTape() as tape:
            terms = self._stage.objective.loss_terms(batch, draws, training=True)
            # Weights are whole-batch sums before anything is divided by them.
            loss = tf.add_n(
                [
                    term.coefficient
                    * term.value(
                        weights[name] if weights else over_replicas(term.weight)
                    )
                    for name, term in terms.items()
                    if term.is_trained
                ]
            )
            scale = self._loss_scale
            scaled = scale.scaled(loss) if scale else loss
        self.sorts = {n: (t.coefficient, t.reduction) for n, t in terms.items()}
        gradients = tape.gradient(scaled, self._stage.variables)
        sums = {n: tf.stack([t.total, t.weight]) for n, t in terms.items()}
        return gradients, sums


def _in_parts(
    part: _Part,
    parts: int,
    batch: Batch,
    draws: Seed,
    weights: Mapping[str, tf.Tensor],
) -> tuple[list[Gradient], Sums]:
    """Gradients and terms of a replica's batch, which goes through in parts.

    Args:
        part: what is differentiated; it is in the graph once.
        parts: how many; fewer where the batch has fewer rows.
        batch: of the replica.
        draws: where its first row is in the global batch.
        weights: of the global batch.
    """
    if parts == 1:
        return part.gradients(batch, draws, weights=weights)
    rows = _num_rows(batch)
    size = (rows + parts - 1) // parts
    count = (rows + size - 1) // size
    # XLA has to know how long a part is.
    is_even = isinstance(rows, int) and rows == count * size

    @tf.function(autograph=False)
    def of_part(number: tf.Tensor, weights: Mapping[str, tf.Tensor]):
        first = number * size
        # The last part may be shorter.
        length = size if is_even else tf.minimum(size, rows - first)
        begin, sizes = [first, 0, 0], [length, -1, -1]
        own = Batch(*(tf.slice(x, begin[: x.ndim], sizes[: x.ndim]) for x in batch))
        own = own.without_empty_rows()
        at_first = draws._replace(first_row=draws.first_row + first)
        return part.gradients(own, at_first, weights=weights)

    # Traced here, so that it is known what is added up.
    specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, dict(weights))
    built = of_part.get_concrete_function(tf.TensorSpec([], tf.int32), specs)
    gradients, sums = built.structured_outputs
    sums = {name: tf.zeros([2]) for name in sums}
    kept = [
        _nothing_of(gradient, shape, count)
        for gradient, shape in zip(gradients, part.shapes, strict=True)
    ]

    def add(number, kept, sums):
        own, more = of_part(number, dict(weights))
        kept = [_with(*both, number=number) for both in zip(kept, own, strict=True)]
        return number + 1, kept, {name: sums[name] + more[name] for name in sums}

    _, kept, sums = tf.while_loop(
        lambda number, *_: number < count,
        add,
        (tf.constant(0), kept, sums),
        parallel_iterations=1,
    )
    return [_all_of(*both) for both in zip(kept, part.shapes, strict=True)], sums


# A loop carries a dense gradient as its sum. Of a table that is read by rows it carries the
# rows of all parts, for what is made of repeated rows is the optimizer's to say.
_Kept: TypeAlias = list[tf.Tensor | tf.TensorArray]


def _nothing_of(
    gradient: Gradient, shape: Sequence[int], count: int | tf.Tensor
) -> _Kept:
    """What stands before the first of so many parts."""
    if gradient is None:
        return []
    if isinstance(gradient, tf.Tensor):
        return [tf.zeros(shape, gradient.dtype)]
    return [
        tf.TensorArray(x.dtype, count, infer_shape=False, element_shape=x.shape)
        for x in (gradient.values, gradient.indices)
    ]


def _with(kept: _Kept, gradient: Gradient, number: tf.Tensor) -> _Kept:
    """With that of one more part."""
    if gradient is None:
        return []
    if isinstance(gradient, tf.Tensor):
        return [tf.ensure_shape(kept[0] + gradient, kept[0].shape)]
    parts = gradient.values, gradient.indices
    return [array.write(number, x) for array, x in zip(kept, parts, strict=True)]


def _all_of(kept: _Kept, shape: Sequence[int]) -> Gradient:
    """The gradient of the whole batch."""
    if len(kept) < 2:
        return kept[0] if kept else None
    values, indices = (array.concat() for array in kept)
    return tf.IndexedSlices(values, indices, tf.constant(shape))
