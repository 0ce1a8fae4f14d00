"""An optimizer that updates nothing, for tests of a step."""

import tensorflow as tf


class Noted(tf.Module):
    """Notes the gradients; updates nothing."""

    def __init__(self, variables):
        super().__init__()
        self.gradients = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.row_norm = tf.Variable(0.0)

    def learning_rate(self, step):
        return tf.cast(step, tf.float32)

    def apply(self, gradients, step):
        given = [g for g in gradients if g is not None]
        for noted, gradient in zip(self.gradients, gradients, strict=True):
            if gradient is not None:
                noted.assign(tf.convert_to_tensor(gradient))
        # Rows that repeat are not added up, as the original clips.
        self.row_norm.assign(tf.linalg.global_norm(given))
        return tf.linalg.global_norm([tf.convert_to_tensor(g) for g in given])
