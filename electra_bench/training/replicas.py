"""Forward passes that all replicas share."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from electra_bench.core import Batch, Seed

Outputs = Callable[[Batch, Seed], Mapping[str, tf.Tensor]]


def on_all_replicas(strategy: tf.distribute.Strategy, outputs: Outputs) -> Outputs:
    """The same outputs, for which every replica computes an equal part of the rows.

    What is random is a function of a row's place in the whole batch, so they are those of
    one device, up to rounding.

    Args:
        strategy: under whose scope the variables were made.
        outputs: tensors [batch, ...], see `Objective.outputs`.

    Returns:
        To be called where no replica is: the batch is the whole one.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return outputs

    def own_part(batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        rows = batch.input_ids.shape[0] // replicas
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group * rows
        own = (
            tf.ensure_shape(x[first : first + rows], [rows, *x.shape[1:]])
            for x in batch
        )
        return outputs(Batch(*own), seed._replace(first_row=seed.first_row + first))

    def shared(batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        size = batch.input_ids.shape[0]
        # The last row again, so that the parts are equal.
        missing = -size % replicas
        filled = (tf.concat([x, *[x[-1:]] * missing], 0) for x in batch)
        values = strategy.run(own_part, args=(Batch(*filled), seed))
        return {name: joined(x)[:size] for name, x in values.items()}

    def joined(value: tf.Tensor) -> tf.Tensor:
        """The rows of all replicas."""
        parts = strategy.experimental_local_results(value)
        # Where all are here, without a collective operation: TensorFlow numbers these for
        # each strategy anew, and two strategies in one process take each other's.
        if len(parts) == replicas:
            return tf.concat(parts, 0)
        return strategy.gather(value, 0)

    return shared
