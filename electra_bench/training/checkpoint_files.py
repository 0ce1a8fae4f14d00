"""The files of a checkpoint in TensorFlow's name-based format: whole, damaged, found.

A checkpoint is `model.ckpt-<step>` with `.data-00000-of-00001`, `.json`, `.index` and
`.sha256`, which has the hashes of the other three, as `sha256sum --check` reads them. Where
the newest one is damaged, the one before it is used.
"""

import functools
import hashlib
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from electra_bench.system.inventory import FILE_NAME as INVENTORY
from electra_bench.system.inventory import damages_if_listed

PREFIX = "model.ckpt-"
DATA = ".data-00000-of-00001"
CHECKSUMS = ".sha256"
# What TensorFlow takes for no name in a path.
PATTERN = re.compile(r"[\[\\]")
# The index after what it leads to: a checkpoint without one does not exist for TensorFlow.
HASHED = (DATA, ".json", ".index")
SUFFIXES = (*HASHED, CHECKSUMS)


class CheckpointError(ValueError):
    """A checkpoint that does not fit: says which variable and why."""


class DamagedCheckpoint(CheckpointError):
    """A checkpoint that is not as it was written."""


def step_of_file(path: str, *suffixes: str) -> int | None:
    """The step of a checkpoint's file; None for another file.

    Args:
        path: the file, or a prefix.
        *suffixes: those that it may have.
    """
    name, ends = os.path.basename(path), "|".join(map(re.escape, suffixes))
    found = re.fullmatch(rf"{re.escape(PREFIX)}(\d+)({ends})", name)
    return int(found[1]) if found else None


def steps_in(directory: str) -> list[int]:
    """Steps of which a folder has checkpoints."""
    steps = (step_of_file(name, ".index") for name in os.listdir(directory))
    return sorted(step for step in steps if step is not None)


def checkpoint_of_step(run_dir: str, step: int) -> str:
    """Prefix of a run's checkpoint of a step, whether it is there or not."""
    return os.path.join(run_dir, "checkpoints", f"{PREFIX}{step}")


def checkpoint_steps(run_dir: str) -> list[int]:
    """Steps of which a run has checkpoints."""
    folder = os.path.join(run_dir, "checkpoints")
    return steps_in(folder) if os.path.isdir(folder) else []


def latest_named(directory: str) -> str | None:
    """The prefix that the file `checkpoint` names; None if it names none.

    As `tf.train.latest_checkpoint`, which takes `[x]` in a path for a pattern.
    """
    try:
        state = tf.compat.v1.train.get_checkpoint_state(directory)
    except ValueError:  # an empty file
        return None
    return state.model_checkpoint_path if state else None


def _newest_first(directory: str) -> list[str]:
    """Prefixes of checkpoints, first the one that `checkpoint` names, or else the last."""
    latest, steps = latest_named(directory), steps_in(directory)
    last = step_of_file(latest) if latest else max(steps, default=None)
    before = [step for step in reversed(steps) if last is not None and step <= last]
    found = [os.path.join(directory, f"{PREFIX}{step}") for step in before]
    return list(dict.fromkeys([*([latest] if latest else []), *found]))


def newest_whole(directory: str, before: float = math.inf) -> str | None:
    """The newest checkpoint of a folder that is as it was written.

    What newer ones are damaged is said on standard error.

    Args:
        directory: the folder.
        before: only of steps below this.

    Returns:
        Its prefix; None if there is no checkpoint.

    Raises:
        DamagedCheckpoint: there are some, and none is whole.
    """
    damaged: list[str] = []
    for prefix in _newest_first(directory):
        step = step_of_file(prefix)
        if step is not None and step >= before:
            continue
        wrong = damage(prefix)
        if not wrong:
            for line in damaged:
                print(f"warning: {line}; {prefix} is used", file=sys.stderr, flush=True)
            return prefix
        damaged.append(f"{prefix} is damaged: {wrong}")
    if damaged:
        raise DamagedCheckpoint(
            f"{'; '.join(damaged)}; no other is whole there, so it has to be made again"
        )
    return None


def damage(prefix: str) -> str:
    """What is wrong with the files of a checkpoint, a clause; empty if nothing is.

    Of one that was exported the whole folder is compared with its list of files. One
    without hashes, as those from elsewhere and of earlier versions, is read instead.
    """
    states = tuple(_state(prefix + suffix) for suffix in SUFFIXES)
    if states[-1] is None:
        listed = damages_if_listed(os.path.dirname(prefix) or ".", all=True)
        if listed:
            return f"{', '.join(listed)} (without {INVENTORY} it is taken as it is)"
    return _damage(prefix, states)


def check_whole(prefix: str) -> None:
    """Checks that a checkpoint is as it was written.

    Raises:
        DamagedCheckpoint: it is not; says what is wrong, and which others there are.
    """
    if wrong := damage(prefix):
        around = _newest_first(os.path.dirname(prefix) or ".")
        whole = ", ".join(other for other in around if not damage(other))
        cure = f"give another, {whole}" if whole else "it has to be made again"
        raise DamagedCheckpoint(f"{prefix} is damaged: {wrong}; {cure}")


def _state(path: str) -> tuple[int, int, int] | None:
    """What changes when a file is written again; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=64)
def _damage(prefix: str, states: tuple) -> str:
    """Read once in a process, while the files are the same; see `damage`."""
    names = [os.path.basename(prefix) + suffix for suffix in HASHED]
    if states[-1] is None:
        return _unreadable(prefix)
    lines = Path(prefix + CHECKSUMS).read_text("utf-8", "replace").splitlines()
    noted = {name: sha256 for sha256, _, name in (x.partition("  ") for x in lines)}
    if set(noted) != set(names):
        return f"{os.path.basename(prefix)}{CHECKSUMS} is not as it was written"
    for name, suffix, state in zip(names, HASHED, states, strict=False):
        if state is None:
            return f"{name} is missing"
        if _sha256(prefix + suffix) != noted[name]:
            return f"{name} has another content than was written"
    return ""


def _unreadable(prefix: str) -> str:
    """What TensorFlow says of a checkpoint without hashes; it has its own for tensors."""
    try:
        reader = open_reader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
        if os.path.exists(f"{prefix}.json"):
            read_state(prefix)
    except (tf.errors.OpError, LookupError, ValueError, RuntimeError) as error:
        return f"it cannot be read ({str(error).splitlines()[0]})"
    return ""


def write_checksums(prefix: str) -> None:
    """Writes the hashes of a checkpoint's files beside them."""
    name = os.path.basename(prefix)
    lines = [f"{_sha256(prefix + suffix)}  {name}{suffix}\n" for suffix in HASHED]
    Path(prefix + CHECKSUMS).write_text("".join(lines), "utf-8")


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_reader(prefix: str) -> Any:
    """TensorFlow's reader of a checkpoint, wherever it lies."""
    folder, name = os.path.split(prefix)
    return tf.train.load_checkpoint(os.path.join(no_pattern(folder), name))


def no_pattern(folder: str) -> str:
    """A path of a folder that TensorFlow takes for no pattern, as it does `exp[1]`."""
    if not PATTERN.search(folder):
        return folder
    return os.path.join(_link(os.path.abspath(folder)).name, "to")


@functools.cache
def _link(folder: str) -> tempfile.TemporaryDirectory:
    """A folder with a link to another one; it goes when the process ends."""
    place = tempfile.TemporaryDirectory(prefix="electra_bench-")
    if PATTERN.search(place.name):
        raise ValueError(
            f"TensorFlow takes {folder!r} for a pattern, and that of temporary files, "
            f"{os.path.dirname(place.name)!r}, too: set TMPDIR to one without [ and \\"
        )
    os.symlink(folder, os.path.join(place.name, "to"))
    return place


def write_tensors(prefix: str, tensors: Mapping[str, tf.Tensor]) -> None:
    """Writes tensors under their names in TensorFlow's checkpoint format V2."""
    names = sorted(tensors)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.convert_to_tensor(tensors[name]) for name in names],
    )


def sha256_of_checkpoint(prefix: str) -> str:
    """Hash of a checkpoint's tensors as stored."""
    return _sha256(prefix + DATA)


def step_of_checkpoint(prefix: str) -> int | None:
    """Updates that a checkpoint has seen; None if it does not say."""
    reader = open_reader(prefix)
    known = reader.has_tensor("global_step")
    return int(reader.get_tensor("global_step")) if known else None


def read_state(prefix: str) -> dict[str, Any]:
    """The JSON values that were saved with a checkpoint."""
    return json.loads(Path(f"{prefix}.json").read_text("utf-8"))


def find_checkpoint(path: str) -> str:
    """The prefix of a checkpoint that is as it was written.

    Args:
        path: a prefix, a folder with checkpoints, or the folder of a run; of several
            checkpoints the newest that is whole.

    Raises:
        FileNotFoundError: there is none.
        DamagedCheckpoint: it is damaged, or all are.
    """
    if os.path.exists(f"{path}.index"):
        check_whole(path)
        return path
    folders = (os.path.join(path, "checkpoints"), path)
    found = next(filter(None, map(newest_whole, filter(os.path.isdir, folders))), None)
    if not found:
        raise FileNotFoundError(
            f"no checkpoint at {path!r}: expected a prefix (model.ckpt-100), a folder "
            "with a file 'checkpoint', or the folder of a run"
        )
    return found
