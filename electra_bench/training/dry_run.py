"""What `--dry_run` prints: the plan of a run, its size and its cost."""

import datetime
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from electra_bench.core import Objective, Seed
from electra_bench.core.batch import NO_LABEL, UNKNOWN_LABEL
from electra_bench.data.examples.batch_plan import Rows
from electra_bench.data.examples.batches import make_batch
from electra_bench.data.examples.store import ExampleStore
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.build import Training


def num_parameters(module: Any) -> int:
    """Number of scalars that are trained in an encoder or objective, a `tf.Module`."""
    return sum(v.shape.num_elements() for v in module.trainable_variables)


def show_training(
    run_dir: str,
    training: Training,
    settings: Mapping[str, Any],
    batches: TrainingBatches,
    seed: int,
) -> None:
    """Prints the plan, the loss of two examples before any training, and its cost.

    For the cost some updates are made, so that the variables are other ones then.

    Args:
        run_dir: where the run would go.
        training: as built.
        settings: further rows.
        batches: of the training, or like those.
        seed: of the run.

    Raises:
        OutOfMemory: an update does not fit into the device's memory.
    """
    objective, stages = training.objective, training.stages
    train_flops, store = training.train_flops, batches.stores[0]
    trained = num_parameters(objective)
    slots = sum(
        slot.shape.num_elements()
        for stage in stages
        for slot in stage.optimizer.slots.values()
    )
    flops = "unknown" if train_flops is None else f"{train_flops:.3g}"
    rows = {
        "folder": run_dir,
        **settings,
        "parameters trained": f"{trained:,}",
        # Weights, gradients and slots, four bytes each.
        "memory without activations": f"{(2 * trained + slots) / 2**18:,.0f} MiB",
        "training FLOPs (v2)": flops,
    }
    _show("Plan (dry run: nothing is trained)", rows, objective, store, batches.pad_to)
    print("making some updates to see what they take ...", file=sys.stderr, flush=True)
    found = training.measured(batches, seed)
    whole = datetime.timedelta(seconds=round(found.update_s * batches.num_steps))
    _print(
        "What it takes here",
        {
            "first update after": f"{found.first_s:.1f} s",
            "an update": f"{found.update_s:.3g} s",
            "all updates": f"{whole}, without evaluation",
            "parts of a batch": str(found.parts),
            "peak memory": f"{found.peak_bytes / 2**20:,.0f} MiB",
        },
    )


def show_scoring(
    objective: Objective,
    settings: Mapping[str, Any],
    store: ExampleStore | None = None,
    pad_to: Sequence[int] = (),
) -> None:
    """Prints the plan of scoring, without scoring anything.

    Args:
        objective: with the checkpoint's values.
        settings: further rows.
        store: examples, for the loss of two; None for texts without right answers.
        pad_to: lengths of batches, see `make_batch`.
    """
    _show("Plan (dry run: nothing is scored)", settings, objective, store, pad_to)


def _show(
    title: str,
    settings: Mapping[str, Any],
    objective: Objective,
    store: ExampleStore | None,
    pad_to: Sequence[int],
) -> None:
    inside = num_parameters(objective.encoder)
    rows = {**settings, "parameters of the encoder": f"{inside:,}"}
    if store is not None:
        rows |= _of_examples(objective, store, pad_to)
    _print(title, rows)


def _print(title: str, rows: Mapping[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)


def _of_examples(
    objective: Objective, store: ExampleStore, pad_to: Sequence[int]
) -> dict[str, str]:
    rows = Rows.of(range(min(2, len(store))))
    batch = tf.nest.map_structure(tf.constant, make_batch([store], rows, pad_to))
    losses: list[str] = []
    if all(_has_target(store, index) for index in rows.indices):
        terms = objective.loss_terms(batch, Seed.of(0), training=False)
        losses = [
            f"{name} {float(term.value(term.weight)):.3f}"
            for name, term in terms.items()
            if term.is_trained
        ]
    return {
        "shape of two examples": str(tuple(batch.input_ids.shape)),
        "their loss as it is now": ", ".join(losses) or "none without right answers",
    }


def _has_target(store: ExampleStore, index: int) -> bool:
    """Whether a right answer is known; in pre-training the text has it."""
    if "labels" not in store.features:
        return True
    known = set(store.row("labels", index).tolist()) - {NO_LABEL, UNKNOWN_LABEL}
    return bool(known) or len(store.row("values", index)) > 0
