"""What pre-training objectives and task kinds have to do, on a small encoder."""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench import core, registry
from electra_bench.conformance import check, specimens, variables
from electra_bench.conformance.check import NotChecked, require, require_members
from electra_bench.conformance.specimens import ROWS, SEQ
from electra_bench.core import Batch, Objective, Seed, Variables
from electra_bench.core.optional import HasTrainFlops, stages_of
from electra_bench.models.factory import encoder_factory

Sums = dict[str, tuple[float, float]]  # of the losses: total and weight


class Case(NamedTuple):
    """An objective or a task kind with the encoders of a model.

    Attributes:
        group: "objectives" or "kinds".
        name: registered name.
        model: registered model.
    """

    group: str
    name: str
    model: str = "electra"

    def build(self, seed: int = 1) -> tuple[Objective, Variables]:
        """A new one, with what made its variables."""
        made = Variables(seed)
        specimens.bind_sizes(self.model)
        encoders = encoder_factory(self.model, made, specimens.SPECIAL.size)
        builder = registry.REGISTRIES[self.group].get(self.name)
        if self.group == "objectives":
            own = {"special_ids": specimens.SPECIAL}
        else:
            own = {"card": specimens.card(self.name)}
        return builder(encoders=encoders, variables=made, **own), made

    def batch(self, rows: int = ROWS) -> Batch:
        """Texts, with labels for a kind."""
        if self.group == "objectives":
            return specimens.texts(rows)
        return specimens.labelled(built(self), rows)


@functools.cache
def built(case: Case) -> Objective:
    """One whose variables nobody changes; building takes longer than most checks."""
    return case.build()[0]


def sums(terms: Mapping[str, core.LossTerm]) -> Sums:
    """Of the losses; what is only measured, like an AUC, need not add up."""
    return {
        name: (float(term.total), float(term.weight))
        for name, term in terms.items()
        if term.is_trained
    }


def losses(
    objective: Objective,
    batch: Batch,
    seed: Sequence[int] = (3,),
    training: bool = True,
) -> Sums:
    """What a batch costs an objective; `seed` is what `Seed.of` takes."""
    return sums(objective.loss_terms(batch, Seed.of(*seed), training=training))


def builds(case: Case) -> None:
    """There is an objective with what the trainer calls."""
    objective = built(case)
    is_kind = case.group == "kinds"
    require_members(objective, core.TaskKind if is_kind else core.PretrainingObjective)
    terms = objective.loss_terms(case.batch(), Seed.of(3), training=False)
    sentence = "loss_terms holds nothing to train on, only what is measured"
    require(any(term.is_trained for term in terms.values()), sentence)


def losses_are_finite_and_the_same_when_compiled(case: Case) -> None:
    """Totals are numbers, weights are above 0, `tf.function` changes neither."""
    objective, batch = built(case), case.batch()

    def terms(batch, step):
        return objective.loss_terms(batch, Seed.of(3, step), training=True)

    eager = sums(terms(batch, tf.constant(2)))
    for name, (total, weight) in eager.items():
        require(
            np.isfinite(total) and weight > 0,
            f"loss {name!r} is {total} with weight {weight}: expected a finite total and "
            "a weight above 0",
        )
    compiled = tf.function(terms, reduce_retracing=True, autograph=False)
    found = sums(compiled(batch, tf.constant(2)))
    _check_sums(found, eager, "tf.function gives another loss than eager execution")


def one_seed_gives_one_loss(case: Case) -> None:
    """What is drawn depends on the seed; a kind draws nothing outside training."""
    objective, batch = built(case), case.batch()
    first, again = (losses(objective, batch) for _ in range(2))
    _check_sums(first, again, "one seed gives two losses")
    if case.group == "kinds":
        found, expected = (
            losses(objective, batch, [n], training=False) for n in (4, 3)
        )
        _check_sums(found, expected, "outside training the loss depends on seed")
        outputs, others = (objective.outputs(batch, Seed.of(n)) for n in (4, 3))
        for name, output in outputs.items():
            is_same = np.allclose(output, others[name], rtol=1e-5, atol=1e-5)
            require(is_same, f"output {name!r} depends on seed")


def outputs_have_a_row_for_every_example(case: Case) -> None:
    """They are compiled, [batch, ...] and finite."""
    outputs = tf.function(built(case).outputs, autograph=False)(
        case.batch(), Seed.of(3)
    )
    require(outputs, "outputs is empty")
    for name, tensor in outputs.items():
        require(
            tensor.shape.rank and tensor.shape[0] == ROWS,
            f"output {name!r} has shape {tuple(tensor.shape)}, expected [{ROWS}, ...]",
        )
        if tensor.dtype.is_floating:
            require(np.isfinite(tensor.numpy()).all(), f"output {name!r} is not finite")


def gradients_reach_every_variable(case: Case) -> None:
    """The loss depends on all that is trained, and all that is trainable is trained."""
    objective, batch = built(case), case.batch()
    stages = stages_of(objective)

    def loss(stage: core.Stage) -> tf.Tensor:
        terms = stage.objective.loss_terms(batch, Seed.of(3), training=True)
        return tf.add_n(
            [t.coefficient * t.value(t.weight) for t in terms.values() if t.is_trained]
        )

    for stage in stages:
        variables.check_gradients(functools.partial(loss, stage), stage.variables)
    trained = {variable.ref() for stage in stages for variable in stage.variables}
    require(
        trained == {variable.ref() for variable in objective.trainable_variables},
        "the stages do not train exactly the trainable variables",
    )


def weights_do_not_depend_on_parameters(case: Case) -> None:
    """They are summed before anything is differentiated."""
    objective, batch = case.build()[0], case.batch()
    before = losses(objective, batch)
    for variable in objective.variables:
        variable.assign(1.5 * variable + 0.1)
    after = losses(objective, batch)
    for name, (total, weight) in before.items():
        require(
            after[name][1] == weight,
            f"the weight of {name!r} changes with the parameters, from {weight} to "
            f"{after[name][1]}",
        )
        sentence = f"loss {name!r} does not change with the parameters"
        require(after[name][0] != total, sentence)


def rows_that_only_fill_up_a_batch_count_for_nothing(case: Case) -> None:
    """Rows with example_id -1 change no total and no weight."""
    objective, batch = built(case), case.batch()
    filled = losses(objective, specimens.with_rows_of_padding(batch, 3))
    sentence = "rows with example_id -1 change the loss"
    _check_sums(filled, losses(objective, batch), sentence)


def columns_of_padding_count_for_nothing(case: Case) -> None:
    """Longer rows, of tokens and of labels, change no total and no weight."""
    if case.group == "objectives":
        raise NotChecked("an objective may draw other positions in longer rows")
    objective, batch = built(case), case.batch()
    plain = losses(objective, batch, training=False)
    wider = specimens.with_columns_of_padding(batch, 8)
    padded = losses(objective, wider, training=False)
    _check_sums(padded, plain, "columns of padding change the loss")


def halves_of_a_batch_sum_to_the_whole(case: Case) -> None:
    """Replicas and micro-batches get the same loss as one batch, dropout included."""
    objective, batch = built(case), case.batch()
    whole = losses(objective, batch, [3, 7])
    first = losses(objective, specimens.rows_of(batch, 0, ROWS // 2), [3, 7, 0])
    rest = specimens.rows_of(batch, ROWS // 2, ROWS)
    second = losses(objective, rest, [3, 7, ROWS // 2])
    added = {name: tuple(np.add(first[name], second[name])) for name in whole}
    _check_sums(added, whole, "two halves of a batch do not sum to the whole")


def a_checkpoint_gives_all_values_back(case: Case) -> None:
    """Saved and restored by name, the outputs are the same."""
    saved, other = case.build()[0], case.build(seed=2)[0]
    variables.check_checkpoint(variables.named(saved), variables.named(other))
    expected = saved.outputs(case.batch(), Seed.of(3))
    found = other.outputs(case.batch(), Seed.of(3))
    for name, tensor in expected.items():
        sentence = f"equal variables give another output {name!r}"
        require(np.array_equal(found[name], tensor), sentence)


def names_of_variables_are_complete(case: Case) -> None:
    """They begin as the rest of the program expects; a kind's head names its task."""
    names = variables.named(built(case))
    variables.check_names([*names])
    heads = [name for name in names if name.startswith("task_specific/")]
    if case.group == "objectives":
        require(not heads, f"{heads[:3]} belong to a task; this is pre-training")
        return
    astray = [name for name in heads if not name.startswith("task_specific/things/")]
    require(
        heads and not astray,
        "the head's variables must begin with task_specific/<name of the card>/, got "
        f"{astray[:3] or 'none'}",
    )


def initial_values_depend_on_the_seed_alone(case: Case) -> None:
    """A second run with the same seed starts from the same values."""
    variables.check_initial_values(case.build)


def metrics_read_its_outputs(case: Case) -> None:
    """Held-out text can be evaluated."""
    objective = built(case)
    if case.group == "kinds":
        raise NotChecked("a kind is scored by its task's metrics")
    metrics = objective.metrics()
    metrics.update(objective.outputs(case.batch(), Seed.of(3)))
    found = metrics.result()
    bad = [name for name, value in found.items() if not np.isfinite(value)]
    require(found and not bad, f"metrics() gives {bad or 'nothing'}: expected numbers")


def cost_is_known(case: Case) -> None:
    """Records and tables say how many FLOPs it takes."""
    if case.group == "kinds":
        raise NotChecked("the cost of fine-tuning is the encoder's")
    objective = built(case)
    unknown = NotChecked("train_flops_per_sequence is unknown: tables show no FLOPs")
    if not isinstance(objective, HasTrainFlops):
        raise unknown
    flops, twice = (objective.train_flops_per_sequence(n * SEQ) for n in (1, 2))
    if not flops:
        raise unknown
    require(
        flops > 0 and twice > flops,
        f"train_flops_per_sequence is {flops} for {SEQ} tokens, {twice} for twice as many",
    )


def _check_sums(found: Sums, expected: Sums, sentence: str) -> None:
    require(
        found.keys() == expected.keys(),
        f"{sentence}: it has the terms {sorted(found)}, expected {sorted(expected)}",
    )
    for name, (total, weight) in expected.items():
        require(
            found[name][1] == weight
            and np.isclose(found[name][0], total, rtol=1e-5, atol=1e-5),
            f"{sentence}: {name!r} has total {found[name][0]:.6g} and weight "
            f"{found[name][1]:.6g}, expected {total:.6g} and {weight:.6g}",
        )


CHECKS = check.defined_in(__name__, Case)
