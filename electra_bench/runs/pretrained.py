"""What is known of the checkpoint that a run starts from."""

import os
from typing import NamedTuple

from electra_bench.records import RunRecord, find_records, read_record
from electra_bench.records.run_record import FILE_NAME
from electra_bench.training.checkpoints import find_checkpoint


class Pretrained(NamedTuple):
    """A checkpoint and its history; all None for an encoder with random values.

    Attributes:
        folder: where the vocabulary lies.
        checkpoint: its prefix.
        model: registered model that it is of.
        objective: registered objective or kind that it was trained with.
        label: row of its run in tables.
        run_id: its run.
        seed: its run's seed.
        fraction: part of pre-training that it has seen.
        flops: pre-training FLOPs (v2).
    """

    folder: str | None = None
    checkpoint: str | None = None
    model: str | None = None
    objective: str | None = None
    label: str | None = None
    run_id: str | None = None
    seed: int | None = None
    fraction: float | None = None
    flops: float | None = None


def find_pretrained(init: str | None) -> Pretrained:
    """Looks at what `init` names.

    Args:
        init: folder of a run, a folder that holds exactly one pre-training run, a folder
            with checkpoints, or a checkpoint's prefix; None for none.

    Raises:
        FileNotFoundError: nothing there.
    """
    if init is None:
        return Pretrained()
    folder = find_run(init)
    checkpoint = find_checkpoint(folder)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    record = _record(folder)
    if record is None:
        return Pretrained(folder, checkpoint, label=os.path.basename(folder))
    return Pretrained(
        folder,
        checkpoint,
        record.model,
        record.objective,
        record.label,
        record.run_id,
        record.seed,
        record.pretrain_fraction,
        record.total_flops,
    )


def find_run(path: str) -> str:
    """The run's folder inside a work folder that holds only one, else `path` itself."""
    if os.path.isdir(path) and not os.path.isdir(os.path.join(path, "checkpoints")):
        runs = [os.path.dirname(found) for found in find_records(path)]
        runs = [run for run in runs if _record(run).kind == "pretrain"]
        if len(runs) == 1:
            return runs[0]
    return path


def _record(folder: str) -> RunRecord | None:
    path = os.path.join(folder, FILE_NAME)
    return read_record(path) if os.path.isfile(path) else None
