"""What every record says about where and how a run was made."""

from typing import Any

from electra_bench.runs.pretrained import Pretrained
from electra_bench.training import dry_run
from electra_bench.training.build import Training
from electra_bench.training.checkpoints import sha256_of_checkpoint
from electra_bench.training.environment import environment
from electra_bench.training.trainer import Trained


def trained_fields(
    trained: Trained,
    training: Training,
    start: Pretrained,
    checkpoint: str | None,
) -> dict[str, Any]:
    """Fields of a record that say what a training took, and what it built on.

    Args:
        trained: what the trainer returned.
        training: what was trained.
        start: what it started from.
        checkpoint: the one that was scored.
    """
    encoder, train_flops = training.objective.encoder, training.train_flops
    # Without its record nobody knows what a checkpoint has cost.
    before = 0.0 if start.checkpoint is None else start.of_record("total_flops")
    total = None
    if before is not None and train_flops is not None:
        total = before + train_flops
    return {
        "train_steps": trained.steps,
        "tokens": trained.tokens,
        "wall_s": trained.wall_s,
        "strategy": type(training.strategy).__name__,
        "params": dry_run.num_parameters(encoder),
        "train_flops": train_flops,
        "total_flops": total,
        "flops_method": None if train_flops is None else "v2",
        "checkpoint_sha256": checkpoint and sha256_of_checkpoint(checkpoint),
        "parent_run_id": start.of_record("run_id"),
        **environment(),
    }
