"""What a task kind has to do beyond an objective: decode what it has learnt."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.conformance import check, specimens
from electra_bench.conformance.check import NotChecked, Violation, require
from electra_bench.conformance.objectives import CHECKS as OBJECTIVE_CHECKS
from electra_bench.conformance.objectives import Case, built
from electra_bench.core import Batch, Seed, TaskKind
from electra_bench.core.optional import HasMerge

# Enough for a small encoder to know so many examples by heart.
UPDATES = 400
EXAMPLES = 4
NEAR = 0.1


def predictions_are_json(case: Case) -> None:
    """What `decode` returns can stand in a file of predictions."""
    batch = case.batch()
    _right(case, batch)
    for answer in _decoded(built(case), batch):
        try:
            json.dumps(answer)
        except TypeError as error:
            raise Violation(f"decode returns {answer!r}: {error}") from error


def right_answers_are_decoded_ones(case: Case) -> None:
    """`right_answer` has the form of what `decode` returns."""
    batch = case.batch()
    rows = zip(_right(case, batch), _decoded(built(case), batch), strict=True)
    for right, found in rows:
        for expected, value in zip(right, found, strict=True):
            sentence = f"right_answer gives {expected!r} where decode gives {value!r}"
            require(type(expected) is type(value), sentence)


def it_decodes_what_it_has_learnt(case: Case) -> None:
    """Trained on a few examples until it knows them, it answers as their labels say."""
    objective, batch = case.build()[0], case.batch(EXAMPLES)
    right = [value for value, _ in _right(case, batch)]
    optimizer = tf.keras.optimizers.Adam(3e-3)
    trained = objective.trainable_variables

    @tf.function(autograph=False)
    def update() -> None:
        with tf.GradientTape() as tape:
            terms = objective.loss_terms(batch, Seed.of(0), training=False)
            loss = tf.add_n([t.value(t.weight) for t in terms.values()])
        optimizer.apply_gradients(
            zip(tape.gradient(loss, trained), trained, strict=True)
        )

    outputs = tf.function(objective.outputs, autograph=False)
    for number in range(1, UPDATES + 1):
        update()
        if number % 20 == 0:
            read = _read(objective, batch, outputs(batch, Seed.of(0)))
            found = [value for value, _ in read]
            if all(map(_is_near, found, right)):
                return
    wrong = next(i for i in range(EXAMPLES) if not _is_near(found[i], right[i]))
    raise Violation(
        f"after {UPDATES} updates on {EXAMPLES} examples decode gives {found[wrong]!r} "
        f"where the labels say {right[wrong]!r}: loss, decode and right_answer disagree"
    )


def _right(case: Case, batch: Batch) -> list[tuple[Any, Any]]:
    kind, rows = built(case), range(batch.input_ids.shape[0])
    answers = [kind.right_answer(specimens.example(batch, i, kind)) for i in rows]
    if None in answers:
        raise NotChecked(
            "right_answer is None: the labels alone do not tell what decode should return"
        )
    return answers


def _decoded(kind: TaskKind, batch: Batch) -> list[tuple[Any, Any]]:
    return _read(kind, batch, kind.outputs(batch, Seed.of(0)))


def _read(
    kind: TaskKind, batch: Batch, tensors: Mapping[str, tf.Tensor]
) -> list[tuple[Any, Any]]:
    outputs = {name: tensor.numpy() for name, tensor in tensors.items()}
    decoded = []
    for i in range(batch.input_ids.shape[0]):
        row = specimens.example(batch, i, kind)
        answer = kind.decode({k: v[i] for k, v in outputs.items()}, row)
        decoded.append(kind.merge([answer]) if isinstance(kind, HasMerge) else answer)
    return decoded


def _is_near(found: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return bool(np.isclose(found, expected, atol=NEAR))
    return found == expected


CHECKS = (*OBJECTIVE_CHECKS, *check.defined_in(__name__, Case))
