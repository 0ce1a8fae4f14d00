"""What `--dry_run` prints: the plan of a run, its size and its cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from electra_bench.core import Objective, Seed
from electra_bench.core.batch import NO_LABEL, UNKNOWN_LABEL
from electra_bench.data.examples.batch_plan import Row
from electra_bench.data.examples.batches import make_batch
from electra_bench.data.examples.store import ExampleStore
from electra_bench.training.stages import TrainingStage


def num_parameters(module: Any) -> int:
    """Number of scalars that are trained in an encoder or objective, a `tf.Module`."""
    return sum(v.shape.num_elements() for v in module.trainable_variables)


def show_training(
    run_dir: str,
    objective: Objective,
    stages: Sequence[TrainingStage],
    settings: Mapping[str, Any],
    train_flops: float | None,
    store: ExampleStore,
    seq_length: int | None,
) -> None:
    """Prints the plan and the loss of two examples before any training.

    Args:
        run_dir: where the run would go.
        objective: as built.
        stages: of the training, with the optimizer.
        settings: further rows.
        train_flops: of the whole run, method v2; None if unknown.
        store: some examples.
        seq_length: what batches are padded to; None for their longest row.
    """
    trained = num_parameters(objective)
    slots = sum(
        slot.shape.num_elements()
        for stage in stages
        for slot in stage.optimizer.slots.values()
    )
    _print(
        "Plan (dry run: nothing is trained)",
        {
            "folder": run_dir,
            **settings,
            "parameters trained": f"{trained:,}",
            # Weights, gradients and slots, four bytes each.
            "memory without activations": f"{(2 * trained + slots) / 2**18:,.0f} MiB",
            "training FLOPs (v2)": "unknown"
            if train_flops is None
            else f"{train_flops:.3g}",
            **_model_rows(objective, store, seq_length),
        },
    )


def show_evaluation(
    objective: Objective,
    settings: Mapping[str, Any],
    store: ExampleStore,
    seq_length: int | None,
) -> None:
    """Prints the plan and the loss of two examples, without scoring anything.

    Args:
        objective: with the checkpoint's values.
        settings: further rows.
        store: the examples.
        seq_length: what batches are padded to; None for their longest row.
    """
    _print(
        "Plan (dry run: nothing is scored)",
        {**settings, **_model_rows(objective, store, seq_length)},
    )


def show_scoring(objective: Objective, settings: Mapping[str, Any]) -> None:
    """Prints the plan of scoring texts, without scoring any.

    Args:
        objective: with the checkpoint's values.
        settings: further rows.
    """
    inside = num_parameters(objective.encoder)
    _print(
        "Plan (dry run: nothing is scored)",
        {**settings, "parameters of the encoder": f"{inside:,}"},
    )


def _model_rows(
    objective: Objective, store: ExampleStore, seq_length: int | None
) -> dict[str, str]:
    rows = [Row(0, i) for i in range(min(2, len(store)))]
    batch = tf.nest.map_structure(tf.constant, make_batch([store], rows, seq_length))
    losses: list[str] = []
    if all(_has_target(store, row.index) for row in rows):
        terms = objective.loss_terms(batch, Seed.of(0), training=False)
        losses = [
            f"{name} {float(term.value(term.weight)):.3f}"
            for name, term in terms.items()
            if term.is_trained
        ]
    inside = num_parameters(objective.encoder)
    return {
        "parameters of the encoder": f"{inside:,}",
        "shape of two examples": str(tuple(batch.input_ids.shape)),
        "their loss as it is now": ", ".join(losses) or "none without right answers",
    }


def _has_target(store: ExampleStore, index: int) -> bool:
    """Whether a right answer is known; in pre-training the text has it."""
    if "labels" not in store.features:
        return True
    known = set(store.row("labels", index).tolist()) - {NO_LABEL, UNKNOWN_LABEL}
    return bool(known) or len(store.row("values", index)) > 0


def _print(title: str, rows: Mapping[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)
