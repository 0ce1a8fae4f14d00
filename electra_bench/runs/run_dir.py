"""A run's folder: made, continued, never mixed up with another run's."""

import hashlib
import os
import re
import shutil

from electra_bench.records import RunRecord, read_record
from electra_bench.records.run_record import FILE_NAME


class AnotherRun(FileExistsError):
    """The folder holds a run with another configuration."""


def open_run_dir(run_dir: str, config_text: str, overwrite: bool) -> str:
    """Makes the folder of a run, or opens it to go on.

    Args:
        run_dir: the folder.
        config_text: this run's configuration.
        overwrite: whether another run that lies there is deleted.

    Returns:
        The configuration's sha256.

    Raises:
        AnotherRun: the folder holds another run, or other files, and `overwrite` is off.
    """
    path = os.path.join(run_dir, "config.gin")
    if os.path.isdir(run_dir) and os.listdir(run_dir) and not overwrite:
        if not os.path.isfile(path):
            raise AnotherRun(
                f"{run_dir} is not empty and holds no run; choose another --workdir, or "
                "give --overwrite to delete it"
            )
        with open(path, encoding="utf-8") as file:
            before = file.read()
        difference = _first_difference(before, config_text)
        if difference:
            raise AnotherRun(
                f"{run_dir} holds another run: {difference}; choose another --workdir, "
                "or give --overwrite to delete it"
            )
        return config_sha256(before)
    if overwrite:
        shutil.rmtree(run_dir, ignore_errors=True)
    os.makedirs(run_dir, exist_ok=True)
    with open(f"{path}.partial", "w", encoding="utf-8") as file:
        file.write(config_text)
    os.replace(f"{path}.partial", path)
    return config_sha256(config_text)


# Settings of the machine rather than of the experiment.
_ELSEWHERE = re.compile(
    r"(^|\.)(workdir|WORKDIR|data_dir|DATA_DIR|processes|PROCESSES|overwrite|dry_run)\b"
)


def _settings(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if not _ELSEWHERE.search(line.partition(" = ")[0])]


def config_sha256(text: str) -> str:
    """Hash of a configuration without comments and machine settings."""
    return hashlib.sha256("\n".join(_settings(text)).encode()).hexdigest()


def _first_difference(before: str, now: str) -> str | None:
    old, new = _settings(before), _settings(now)
    for line in sorted(set(old) ^ set(new)):
        side = "there" if line in old else "here"
        return f"{line!r} only {side}"
    return None


def finished(run_dir: str) -> RunRecord | None:
    """The record of a run that is done; None otherwise."""
    path = os.path.join(run_dir, FILE_NAME)
    if not os.path.isfile(path):
        return None
    record = read_record(path)
    return record if record.status == "done" else None
