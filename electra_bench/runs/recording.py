"""What a run leaves behind: fields that every record has, and what others start from."""

import os
from pathlib import Path
from typing import Any

from electra_bench.records.run_folder import MODEL_FILE, write_gin
from electra_bench.runs.pretrained import Pretrained
from electra_bench.system.atomic import atomic_file
from electra_bench.training import dry_run
from electra_bench.training.build import Training
from electra_bench.training.checkpoint_files import sha256_of_checkpoint
from electra_bench.training.environment import environment
from electra_bench.training.memory import peak_bytes
from electra_bench.training.trainer import Trained
from electra_bench.vocabularies.load import content_of, kind_of


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
        **trained.speed,
        "peak_bytes": peak_bytes(),
        "strategy": type(training.strategy).__name__,
        "params": dry_run.num_parameters(encoder),
        "train_flops": train_flops,
        "total_flops": total,
        "flops_method": None if train_flops is None else "v2",
        "checkpoint_sha256": checkpoint and sha256_of_checkpoint(checkpoint),
        "parent_run_id": start.of_record("run_id"),
        **environment(),
    }


def save_start(run_dir: str, config_text: str, model: str, tokenizer: Any) -> None:
    """Puts into a run's folder what fine-tuning starts from beside its checkpoint.

    The bindings of model and vocabulary, and the vocabulary's file.

    Args:
        run_dir: the run's folder.
        config_text: its configuration.
        model: registered model.
        tokenizer: of the vocabulary.

    Raises:
        Changed: the vocabulary's file is another one by now.
    """
    # A discriminator's sizes are those of the model that is fine-tuned.
    lines = [line.removeprefix("discriminator/") for line in config_text.splitlines()]
    wanted = (f"models.{model}.", "vocabularies.")
    kept = [f"{line}\n" for line in lines if line.startswith(wanted)]
    write_gin(run_dir, MODEL_FILE, "".join(kept))
    name = "vocab.model" if kind_of(tokenizer.path) == "sentencepiece" else "vocab.txt"
    content, target = content_of(tokenizer), Path(run_dir, name)
    # On a full disk there may be no room for it again.
    if not target.exists() or target.read_bytes() != content:
        with atomic_file(os.fspath(target)) as file:
            file.write(content)
