"""A run's folder: its files, and what the folder of a run that is asked for can hold."""

import ast
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from electra_bench.records.run_record import (
    FILE_NAME,
    UNRECORDED,
    RunRecord,
    find_records,
    read_record,
)
from electra_bench.system.atomic import write_text

# This file and MODEL_FILE are there twice, also under a hidden name, in case that one is
# damaged: without them nobody knows what run it was.
CONFIG = "config.gin"
# In it, what the vocabulary was.
VOCABULARY_READ = "#= vocabulary "
# What beside its flags and its content decides its hash.
WORDPIECE = "vocabularies.wordpiece."
HASHED = ("longest_word", "whole_tokens")
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


def was_written(folder: str) -> bool:
    """Whether a run or an import has written a folder, though it may lack its record.

    An import has no `CONFIG`; a `MODEL_FILE` beside the original's checkpoint, which a user
    wrote, has no hash.
    """
    config, model = Path(folder, CONFIG), Path(folder, MODEL_FILE)
    has_hash = model.is_file() and model.read_bytes().startswith(WRITTEN.encode())
    return config.is_file() or has_hash


def model_files(folder: str | None) -> list[str]:
    """The gin file with the sizes of the encoder that a run's folder holds; or none.

    Raises:
        ValueError: see `config_of`.
    """
    path = _whole(folder, MODEL_FILE) if folder else None
    return [path] if path else []


def config_of(run_dir: str) -> str:
    """The path of the configuration of the run in a folder; that of a copy if need be.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, and so is the copy, or there is none.
    """
    path = _whole(run_dir, CONFIG)
    if path is None:
        raise FileNotFoundError(f"no run at {run_dir!r}: it has no {CONFIG}")
    return path


def write_gin(run_dir: str, name: str, text: str) -> None:
    """Writes `CONFIG` or `MODEL_FILE` so that a damage is noticed, and a copy is there."""
    content = with_checksum(text).encode()
    for path in (Path(run_dir, name), Path(run_dir, f".{name}")):
        # On a full disk there may be no room for it again.
        if not path.is_file() or path.read_bytes() != content:
            write_text(os.fspath(path), content.decode())


def with_checksum(text: str) -> str:
    """The text of such a file, by which a damage to it is noticed."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return f"{WRITTEN}{sha256}\n{text}"


def _whole(run_dir: str, name: str) -> str | None:
    """The path of a file that `write_gin` has written, or of its copy; None without both.

    Raises:
        ValueError: it is damaged, and so is the copy, or there is none.
    """
    path, copy = (os.path.join(run_dir, name) for name in (name, f".{name}"))
    for one in (path, copy):
        if os.path.isfile(one) and _is_whole(one):
            return one
    if os.path.isfile(path):
        raise ValueError(
            f"{path} is not as it was written, as after a power loss, so it is not known "
            "which run this is"
        )
    return None


def _is_whole(path: str) -> bool:
    """Whether a file is as it was written, as far as that can be told."""
    content = Path(path).read_bytes()
    first, _, rest = content.partition(b"\n")
    if first.startswith(WRITTEN.encode()):
        noted = first.decode("utf-8", "replace").removeprefix(WRITTEN)
        return noted == hashlib.sha256(rest).hexdigest()
    # What a power loss leaves of one without a hash is empty, or has zeros.
    return bool(content.strip()) and b"\0" not in content


class VocabularyOfRun(NamedTuple):
    """What is known of a run's vocabulary; None where it is not.

    Attributes:
        sort: registered name.
        sha256: hash of its content and options.
        options: parameters of WordPiece that its hash depends on, if they are bound.
    """

    sort: str | None
    sha256: str | None
    options: Mapping[str, Any]


def vocabulary_of_run(folder: str) -> VocabularyOfRun:
    """The vocabulary of the run in a folder.

    Raises:
        RecordError: its record cannot be used.
        ValueError: see `config_of`.
    """
    record = record_of(folder)
    if record:
        sort = record.hparams.get(f"runs.{record.kind}.vocabulary")
        return VocabularyOfRun(sort, record.vocab_sha256, _hashed(record.hparams))
    # An unfinished one has only noted what it reads.
    path = _whole(folder, CONFIG)
    lines = Path(path).read_text("utf-8").splitlines() if path else ()
    noted = [
        x.removeprefix(VOCABULARY_READ) for x in lines if VOCABULARY_READ in x[:20]
    ]
    bound = dict(x.split(" = ", 1) for x in lines if " = " in x)
    options = _hashed(bound)
    for name, text in options.items():
        while text.startswith("%"):  # a macro
            text = bound[text[1:]]
        options[name] = ast.literal_eval(text)
    return VocabularyOfRun(None, next(iter(noted), None), options)


def _hashed(bound: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: bound[WORDPIECE + name] for name in HASHED if WORDPIECE + name in bound
    }


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
        if not was_written(run_dir):
            raise FileNotFoundError(f"no finished run at {run_dir!r}")
        raise FileNotFoundError(f"{run_dir} {UNRECORDED}")
    if record.kind != "finetune" or not record.tasks:
        raise ValueError(
            f"{run_dir!r} is a {record.kind} run, which answers no task; give a "
            "fine-tuned run"
        )
    return record
