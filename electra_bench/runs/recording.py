"""What every record says about where and how a run was made."""

import datetime
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench import config, registry
from electra_bench.config.statements import Binding, read_file
from electra_bench.core import Encoder
from electra_bench.records import RunRecord, TaskResult
from electra_bench.runs import plan
from electra_bench.runs.pretrained import Pretrained
from electra_bench.training.checkpoints import sha256_of_checkpoint
from electra_bench.training.trainer import Trained

PACKAGES = (
    "tensorflow",
    "tensorflow-text",
    "seqio",
    "t5",
    "gin-config",
    "numpy",
    "scipy",
    "scikit-learn",
    "seqeval",
    "sentencepiece",
    "tokenizers",
)


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Fields of a record that describe machine, packages and plugins."""
    return {
        "device": _device(),
        "precision": "float32",
        "plugins": plugins(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "code_version": code_version(),
    }


def _device() -> str:
    """Devices, processor, and the thread counts, on which the last bits depend."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices(
        "CPU"
    )
    threads = tf.config.threading
    return (
        f"{len(devices)} x {devices[0].device_type}, {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, threads "
        f"{threads.get_intra_op_parallelism_threads()} intra-op, "
        f"{threads.get_inter_op_parallelism_threads()} inter-op (0: one a core)"
    )


def plugins() -> dict[str, str]:
    """Installed distributions, other than this one, that register anything."""
    found = {}
    for names in registry.REGISTRIES.values():
        for name in names.names():
            origin = names.origin(name)
            if origin.distribution and origin.distribution != "electra-bench":
                found[origin.distribution] = origin.version or ""
    return found


def code_version() -> str:
    """Version of this package and, in a git checkout, the commit."""
    version = metadata.version("electra-bench")
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return version
    commit = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return f"{version}+{commit}" if commit else version


def sha256_of_file(path: str) -> str:
    """Hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def protocol_changes(
    protocol: str | None, hparams: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Parameters in which a run differs from its protocol's file.

    Args:
        protocol: `code_v1`, `paper` or `fixed`; None for no protocol.
        hparams: the run's parameters.

    Returns:
        Parameter to [the protocol's value, the run's]; parameters that the run does not
        have are left out.
    """
    if protocol is None:
        return {}
    return {
        statement.key: [statement.value, hparams[statement.key]]
        for statement in read_file(f"protocols/{protocol}.gin")
        if isinstance(statement, Binding)
        and statement.key in hparams
        and hparams[statement.key] != statement.value
    }


class Run(NamedTuple):
    """What a record says beside the results; see `RunRecord`.

    Attributes:
        started: when.
        label: row of the tables.
        kind: pretrain or finetune.
        seed: the run's seed.
        model: registered model.
        objective: registered objective or kind.
        protocol: the protocol's name, without marks.
        config_text: the run's configuration.
        config_sha256: hash of it and of its inputs.
        vocab_sha256: hash of the vocabulary.
        pretrained: what the run started from.
    """

    started: str
    label: str
    kind: str
    seed: int
    model: str
    objective: str
    protocol: str | None
    config_text: str
    config_sha256: str
    vocab_sha256: str
    pretrained: Pretrained


def make_record(
    run: Run,
    *,
    name: str,
    encoder: Encoder,
    strategy: tf.distribute.Strategy,
    trained: Trained,
    checkpoint: str | None = None,
    train_examples: int,
    train_flops: float | None,
    results: Sequence[TaskResult],
    **fields: Any,
) -> RunRecord:
    """The record of a training that is done.

    Args:
        run: what was known before.
        name: start of the run's id.
        encoder: as trained.
        strategy: that it was trained with.
        trained: what the trainer returned.
        checkpoint: the one that was scored; None for the last one.
        train_examples: number of examples in the training set.
        train_flops: FLOPs of this run by method v2; None if unknown.
        results: scores.
        **fields: further fields of the record.
    """
    hparams = config.literals(run.config_text)
    changes = protocol_changes(run.protocol, hparams)
    parent = run.pretrained
    started_from_random = parent.checkpoint is None
    # Without its record nobody knows what a checkpoint has cost.
    before = 0.0 if started_from_random else parent.of_record("total_flops")
    known = train_flops is not None and before is not None
    return RunRecord(
        run_id=f"{name}-{run.config_sha256[:8]}",
        label=run.label,
        kind=run.kind,
        status="done",
        model=run.model,
        objective=run.objective,
        protocol=f"{run.protocol}*" if changes else run.protocol,
        protocol_changes=changes,
        seed=run.seed,
        # As they will be read again: without tuples.
        hparams=json.loads(json.dumps(hparams)),
        train_examples=train_examples,
        train_steps=trained.steps,
        tokens=trained.tokens,
        train_flops=train_flops,
        total_flops=before + train_flops if known else None,
        flops_method=None if train_flops is None else "v2",
        params=plan.num_parameters(encoder.trainable_variables),
        wall_s=trained.wall_s,
        strategy=type(strategy).__name__,
        results=tuple(results),
        vocab_sha256=run.vocab_sha256,
        config_sha256=run.config_sha256,
        checkpoint_sha256=sha256_of_checkpoint(checkpoint or trained.checkpoint),
        parent_run_id=parent.of_record("run_id"),
        started=run.started,
        ended=now(),
        **environment(),
        **fields,
    )
