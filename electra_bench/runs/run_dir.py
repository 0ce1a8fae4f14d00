"""A run's folder: made, continued, never mixed up with another run's."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping

from electra_bench.records import RunRecord, read_record
from electra_bench.records.run_record import FILE_NAME
from electra_bench.system.atomic import write_text

CONFIG = "config.gin"
_PARTIAL = f"{CONFIG}.partial"
_LOCK = ".lock"
# What the configuration's paths held: "#= vocabulary 3f2a...".
_CONTENT = "#= "
# Settings of the machine rather than of the experiment, and what to keep of it.
_NO_RESULT = re.compile(
    r"(^|\.)(workdir|data_dir|processes|keep_at)$"
    r"|^training\.loop\.(keep|best_metric|higher_is_better)$",
    re.IGNORECASE,
)


class AnotherRun(FileExistsError):
    """The folder holds a run with another configuration, or one that is going on."""


def check_spared(init: str | None, run_dir: str, overwrite: bool) -> None:
    """Checks that `overwrite` does not delete the checkpoint that a run starts from.

    Raises:
        ValueError: it would.
    """
    if not (init and overwrite):
        return
    folder = os.path.realpath(run_dir)
    if os.path.commonpath([os.path.realpath(init), folder]) == folder:
        raise ValueError(
            f"--overwrite would delete {init!r}, which the run starts from; give another "
            "LABEL, SEED or --workdir"
        )


@contextlib.contextmanager
def open_run_dir(
    run_dir: str, config_text: str, content: Mapping[str, str | None], overwrite: bool
) -> Iterator[str]:
    """Makes the folder of a run, or opens it to go on; holds it for this process.

    Args:
        run_dir: the folder.
        config_text: this run's configuration.
        content: names of inputs to hashes of their content. Equal paths with other
            content make another run.
        overwrite: whether what lies there is deleted: another run, a finished one, any
            files; never the progress of this very run.

    Yields:
        The configuration's sha256, which `content` is part of.

    Raises:
        AnotherRun: the folder holds another run, or other files, and `overwrite` is off;
            or another process is at work in it.
    """
    hashes = [f"{_CONTENT}{name} {sha}" for name, sha in sorted(content.items()) if sha]
    text = "\n".join([*hashes, config_text])
    os.makedirs(run_dir, exist_ok=True)
    with open(os.path.join(run_dir, _LOCK), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherRun(f"another process is at work in {run_dir}") from error
        path = os.path.join(run_dir, CONFIG)
        if overwrite and not _is_progress(run_dir, path, text):
            _empty(run_dir)
        if os.path.isfile(path):
            _check_same(run_dir, path, text)
        elif set(os.listdir(run_dir)) - {_LOCK, _PARTIAL}:
            raise AnotherRun(
                f"{run_dir} is not empty and holds no run; choose another --workdir, or "
                "give --overwrite to delete it"
            )
        else:
            write_text(path, text)
        yield config_sha256(text)


def _is_progress(run_dir: str, path: str, text: str) -> bool:
    """Whether the same run was interrupted here."""
    if not os.path.isfile(path) or os.path.isfile(os.path.join(run_dir, FILE_NAME)):
        return False
    return not _differing(path, text)


def _empty(run_dir: str) -> None:
    for name in set(os.listdir(run_dir)) - {_LOCK}:
        path = os.path.join(run_dir, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def _check_same(run_dir: str, path: str, text: str) -> None:
    differing = _differing(path, text)
    if differing:
        line, side = differing[0]
        raise AnotherRun(
            f"{run_dir} holds another run: {line.removeprefix(_CONTENT)!r} only {side}; "
            "choose another --workdir, or give --overwrite to delete it"
        )


def _differing(path: str, text: str) -> list[tuple[str, str]]:
    """Lines in which a folder's configuration and this one differ, and which has it."""
    with open(path, encoding="utf-8") as file:
        before = _settings(file.read())
    now = _settings(text)
    return [
        (line, "there" if line in before else "here")
        for line in sorted(set(before) ^ set(now))
    ]


def content_hashes(text: str) -> dict[str, str]:
    """What a configuration says of its inputs: names to hashes, see `open_run_dir`."""
    lines = [
        line.removeprefix(_CONTENT).rpartition(" ")
        for line in text.splitlines()
        if line.startswith(_CONTENT)
    ]
    return {name: sha for name, _, sha in lines}


def changes_result(key: str) -> bool:
    """Whether a parameter belongs to the experiment, not just to the machine."""
    return not _NO_RESULT.search(key)


def _settings(text: str) -> list[str]:
    """Lines that make a difference: no comments, nothing that changes no result."""
    return [
        line
        for line in text.splitlines()
        if line.startswith(_CONTENT)
        or (
            line
            and not line.startswith("#")
            and changes_result(line.partition(" = ")[0])
        )
    ]


def config_sha256(text: str) -> str:
    """Hash of a configuration without comments and what changes no result."""
    return hashlib.sha256("\n".join(_settings(text)).encode()).hexdigest()


def finished(run_dir: str) -> RunRecord | None:
    """The record of a run that is done; None otherwise."""
    path = os.path.join(run_dir, FILE_NAME)
    if not os.path.isfile(path):
        return None
    record = read_record(path)
    return record if record.status == "done" else None


def fine_tuned_record(run_dir: str) -> RunRecord:
    """The record of a fine-tuned run, which names its tasks.

    Raises:
        FileNotFoundError: no run there, or one without a record.
        ValueError: another kind of run.
    """
    path = os.path.join(run_dir, FILE_NAME)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"no finished run at {run_dir!r}: it has no {FILE_NAME}"
        )
    record = read_record(path)
    if record.kind != "finetune" or not record.tasks:
        raise ValueError(
            f"{run_dir!r} is a {record.kind} run, which answers no task; give a "
            "fine-tuned run"
        )
    return record
