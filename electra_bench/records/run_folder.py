"""A run's folder: its files, and what the folder of a run that is asked for can hold."""

import os

from electra_bench.records.run_record import (
    FILE_NAME,
    RunRecord,
    find_records,
    read_record,
)

CONFIG = "config.gin"
# In it, what the vocabulary was.
VOCABULARY_READ = "#= vocabulary "
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
# This run, whose record is cut off.
UNREADABLE = "unreadable"
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
    """The configuration of the run in a folder.

    Raises:
        FileNotFoundError: there is none.
    """
    path = os.path.join(run_dir, CONFIG)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no run at {run_dir!r}: it has no {CONFIG}")
    return path


def vocabulary_of_run(folder: str) -> tuple[str | None, str | None]:
    """The registered vocabulary of the run in a folder, and its hash, where that is known.

    Raises:
        RecordError: its record cannot be used.
    """
    record = record_of(folder)
    if record:
        sort = record.hparams.get(f"runs.{record.kind}.vocabulary")
        return sort, record.vocab_sha256
    # An unfinished one has only noted what it reads.
    path = os.path.join(folder, CONFIG)
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(VOCABULARY_READ):
                    return None, line.removeprefix(VOCABULARY_READ).strip()
    return None, None


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
