"""What every record says about where and how a run was made."""

from collections.abc import Mapping
from typing import Any

from electra_bench.config.statements import Binding, read_file
from electra_bench.runs.pretrained import Pretrained
from electra_bench.runs.spec import plain
from electra_bench.training import dry_run
from electra_bench.training.build import Training
from electra_bench.training.checkpoints import sha256_of_checkpoint
from electra_bench.training.choices import DEFAULTS
from electra_bench.training.environment import environment
from electra_bench.training.trainer import Trained


def protocol_fields(
    protocol: str | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Fields of a record that say which protocol a run follows.

    Args:
        protocol: `code_v1`, `paper` or `fixed`; None for no protocol.
        parameters: the run's.

    Returns:
        The protocol, with `*` if there are changes: parameter to [the protocol's value,
        the run's]. Parameters that the run does not have are left out. Every protocol
        has the usual optimizer, schedule and features.
    """
    if not protocol:
        return {"protocol": protocol, "protocol_changes": {}}
    # Devices change no result that a protocol speaks of.
    values = {k: v for k, v in DEFAULTS.items() if k != "training.strategy.name"}
    for statement in read_file(f"protocols/{protocol}.gin"):
        if isinstance(statement, Binding):
            values[statement.key] = statement.value
    changes = {
        key: [value, parameters[key]]
        for key, value in values.items()
        if key in parameters and parameters[key] != plain(value)
    }
    return {
        "protocol": f"{protocol}*" if changes else protocol,
        "protocol_changes": changes,
    }


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
