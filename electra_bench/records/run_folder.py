"""A run's folder: its files, and what the folder of a run that is asked for can hold."""

import hashlib
import os
from pathlib import Path

from electra_bench.records.run_record import (
    FILE_NAME,
    RunRecord,
    find_records,
    read_record,
)

CONFIG = "config.gin"
# The same again, in case that is damaged: without it nobody knows what run it was.
CONFIG_COPY = ".config.gin"
# Begins the first line, with the hash of the others. Runs of before have none.
WRITTEN = "#~ sha256 "
# The part of it that other runs start from; beside its checkpoints.
MODEL_FILE = "model.gin"

# States of a folder: a valid record of this run.
ANSWERED = "answered"
# Its beginning.
INTERRUPTED = "interrupted"
# Nothing.
ABSENT = "absent"
# This run, done or begun, by code that is not the one here.
OTHER_CODE = "other code"
# Something else, which would have to be deleted.
OTHER = "other"


def find_run(path: str) -> str:
    """The folder of the run that a path names.

    Args:
        path: a run's folder, a work folder that holds exactly one pre-training run, or a
            checkpoint's prefix; anything else is returned as its folder.
    """
    path = os.path.abspath(path)
    if os.path.exists(f"{path}.index"):
        folder = os.path.dirname(path)
        inside = os.path.basename(folder) == "checkpoints"
        return os.path.dirname(folder) if inside else folder
    if os.path.isdir(path) and not os.path.isdir(os.path.join(path, "checkpoints")):
        found = {os.path.dirname(one): read_record(one) for one in find_records(path)}
        runs = [folder for folder, record in found.items() if record.kind == "pretrain"]
        if len(runs) == 1:
            return runs[0]
    return path


def model_files(folder: str | None) -> list[str]:
    """The gin file with the sizes of the encoder that a run's folder holds; or none."""
    path = os.path.join(folder or "", MODEL_FILE)
    return [path] if folder and os.path.isfile(path) else []


def config_of(run_dir: str) -> str:
    """The path of the configuration of the run in a folder; that of a copy if need be.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, and so is the copy, or there is none.
    """
    path, copy = (os.path.join(run_dir, name) for name in (CONFIG, CONFIG_COPY))
    if os.path.isfile(path) and _is_whole(path):
        return path
    if os.path.isfile(copy) and _is_whole(copy):
        return copy
    if os.path.isfile(path):
        raise ValueError(
            f"{path} is not as it was written, as after a power loss, so it is not known "
            "which run this is"
        )
    raise FileNotFoundError(f"no run at {run_dir!r}: it has no {CONFIG}")


def with_checksum(config: str) -> str:
    """The text of a configuration's file, by which a damage to it is noticed."""
    sha256 = hashlib.sha256(config.encode()).hexdigest()
    return f"{WRITTEN}{sha256}\n{config}"


def _is_whole(path: str) -> bool:
    """Whether a configuration is as it was written, as far as that can be told."""
    content = Path(path).read_bytes()
    first, _, rest = content.partition(b"\n")
    if first.startswith(WRITTEN.encode()):
        noted = first.decode("utf-8", "replace").removeprefix(WRITTEN)
        return noted == hashlib.sha256(rest).hexdigest()
    # What a power loss leaves of one without a hash is empty, or zeros.
    return bool(content.strip(b"\0 \r\n\t"))


def record_of(run_dir: str) -> RunRecord | None:
    """The record of the run in a folder; None if there is none.

    Raises:
        RecordError: it cannot be used.
    """
    path = os.path.join(run_dir, FILE_NAME)
    return read_record(path) if os.path.isfile(path) else None


def scored_task(run_dir: str) -> str:
    """The first of the tasks that a run was scored on.

    Raises:
        FileNotFoundError: no run there.
        RecordError: it has no record.
    """
    config_of(run_dir)
    return read_record(os.path.join(run_dir, FILE_NAME)).tasks[0]


def fine_tuned_record(run_dir: str) -> RunRecord:
    """The record of a fine-tuned run, which names its tasks.

    Raises:
        FileNotFoundError: no run there, or one without a record.
        ValueError: another kind of run.
    """
    record = record_of(run_dir)
    if record is None:
        raise FileNotFoundError(
            f"no finished run at {run_dir!r}: it has no {FILE_NAME}"
        )
    if record.kind != "finetune" or not record.tasks:
        raise ValueError(
            f"{run_dir!r} is a {record.kind} run, which answers no task; give a "
            "fine-tuned run"
        )
    return record
