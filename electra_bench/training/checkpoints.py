"""Checkpoints in TensorFlow's name-based format, which is the original's.

A checkpoint is three files, `model.ckpt-<step>` with `.data-00000-of-00001`, `.json` and
`.index`, and is complete once the file `checkpoint` names it. A process that is killed at
any moment leaves the last complete one in place.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.system.atomic import replace, write_json, write_text
from electra_bench.vocabularies.change import VocabularyChange

PREFIX = "model.ckpt-"
# The index goes last: a checkpoint without one does not exist for TensorFlow.
SUFFIXES = (".data-00000-of-00001", ".json", ".index")
# Scope of the heads of all tasks, of which a model has some.
HEADS = "task_specific"
WORD_TABLE = "/word_embeddings"


class CheckpointError(ValueError):
    """A checkpoint that does not fit: says which variable and why."""


class Best(NamedTuple):
    """The best checkpoint so far by an evaluation metric.

    Attributes:
        step: updates that it has seen.
        metric: name of the metric.
        value: of the metric, its mean over tasks.
        prefix: of the checkpoint.
    """

    step: int
    metric: str
    value: float
    prefix: str


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, directory: str, keep: int = 2, keep_steps: Sequence[int] = ()):
        """Opens or makes the directory.

        Args:
            directory: where they lie.
            keep: how many of the newest to keep, at least 1; the best one stays too.
            keep_steps: steps whose checkpoints stay besides.

        Raises:
            ValueError: `keep` is below 1, which would delete nothing.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1, got {keep}")
        os.makedirs(directory, exist_ok=True)
        self._directory = directory
        self._keep = keep
        self._keep_steps = frozenset(keep_steps)

    @property
    def latest(self) -> str | None:
        """Prefix of the newest complete checkpoint; None if there is none."""
        return _latest(self._directory)

    @property
    def best(self) -> Best | None:
        """The best checkpoint; None if none was evaluated."""
        path = Path(self._directory, "best.json")
        if not path.exists():
            return None
        found = json.loads(path.read_text("utf-8"))
        return Best(**found, prefix=self.prefix(found["step"]))

    def prefix(self, step: int) -> str:
        """Prefix of the checkpoint of a step."""
        return os.path.join(self._directory, f"{PREFIX}{step}")

    def save(
        self, step: int, tensors: Mapping[str, tf.Tensor], state: Mapping[str, Any]
    ) -> str:
        """Writes a checkpoint and removes old ones.

        Args:
            step: number of updates that the variables have seen.
            tensors: full variable names to values; `global_step` is added.
            state: JSON values that continuing needs besides.

        Returns:
            Its prefix.
        """
        partial = os.path.join(self._directory, ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        name = f"{PREFIX}{step}"
        inside = os.path.join(partial, name)
        write_tensors(inside, {**tensors, "global_step": tf.constant(step, tf.int64)})
        Path(f"{inside}.json").write_text(json.dumps(dict(state)), "utf-8")
        for suffix in SUFFIXES:
            replace(inside + suffix, self.prefix(step) + suffix)
        os.rmdir(partial)
        steps = sorted({*_steps(self._directory), step})
        # A run that was continued from an earlier step has later ones lying about.
        kept = [s for s in steps if s <= step][-self._keep :]
        # Names hold wherever the folder lies, but are taken as they are only beside an
        # absolute one.
        newest = tf.compat.v1.train.generate_checkpoint_state_proto(
            os.path.abspath(self._directory),
            name,
            all_model_checkpoint_paths=[f"{PREFIX}{s}" for s in kept],
        )
        write_text(os.path.join(self._directory, "checkpoint"), str(newest))
        best = self.best
        stays = {*kept, *self._keep_steps} | ({best.step} if best else set())
        for old in set(steps) - stays:
            for suffix in reversed(SUFFIXES):
                Path(self.prefix(old) + suffix).unlink(missing_ok=True)
        return self.prefix(step)

    def mark_best(self, step: int, metric: str, value: float) -> None:
        """Says that the checkpoint of `step` is the best one."""
        path = os.path.join(self._directory, "best.json")
        write_json(path, {"step": step, "metric": metric, "value": value})


def _steps(directory: str) -> list[int]:
    paths = Path(directory).glob(f"{PREFIX}*.index")
    return sorted(int(path.stem.removeprefix(PREFIX)) for path in paths)


def checkpoint_of_step(run_dir: str, step: int) -> str:
    """Prefix of a run's checkpoint of a step, whether it is there or not."""
    return os.path.join(run_dir, "checkpoints", f"{PREFIX}{step}")


def checkpoint_steps(run_dir: str) -> list[int]:
    """Steps of which a run has checkpoints."""
    return _steps(os.path.join(run_dir, "checkpoints"))


def best_checkpoint(run_dir: str) -> Best | None:
    """The best checkpoint of a run; None if none was evaluated."""
    return Checkpoints(os.path.join(run_dir, "checkpoints")).best


def _latest(directory: str) -> str | None:
    """As `tf.train.latest_checkpoint`, which takes `[x]` in a path for a pattern."""
    state = tf.compat.v1.train.get_checkpoint_state(directory)
    if state is None or not os.path.exists(f"{state.model_checkpoint_path}.index"):
        return None
    return state.model_checkpoint_path


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
    with open(f"{prefix}.data-00000-of-00001", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def step_of_checkpoint(prefix: str) -> int | None:
    """Updates that a checkpoint has seen; None if it does not say."""
    reader = tf.train.load_checkpoint(prefix)
    known = reader.has_tensor("global_step")
    return int(reader.get_tensor("global_step")) if known else None


def read_state(prefix: str) -> dict[str, Any]:
    """The JSON values that were saved with a checkpoint."""
    return json.loads(Path(f"{prefix}.json").read_text("utf-8"))


def slot_names(shapes: Mapping[str, Sequence[int]]) -> set[str]:
    """Names of an optimizer's slots, whichever it was: `<variable>/<slot>`.

    Args:
        shapes: of everything in a checkpoint, by name.
    """
    return {
        name
        for name, shape in shapes.items()
        if shapes.get(name.rpartition("/")[0]) == shape
    }


def find_checkpoint(path: str) -> str:
    """The prefix of a checkpoint.

    Args:
        path: a prefix, a folder with checkpoints, or the folder of a run; of several
            checkpoints the newest.

    Raises:
        FileNotFoundError: there is none.
    """
    if os.path.exists(f"{path}.index"):
        return path
    folders = (os.path.join(path, "checkpoints"), path)
    found = next(filter(None, map(_latest, filter(os.path.isdir, folders))), None)
    if not found:
        raise FileNotFoundError(
            f"no checkpoint at {path!r}: expected a prefix (model.ckpt-100), a folder "
            "with a file 'checkpoint', or the folder of a run"
        )
    return found


def restore(
    prefix: str,
    variables: Mapping[str, tf.Variable],
    what: str = "variables",
    change: VocabularyChange | None = None,
) -> int:
    """Assigns every variable the checkpoint's tensor of the same name.

    A variable that the checkpoint lacks or holds in another shape is an error, never a
    silent skip, and so is a tensor that would be a part of the same network: a model with
    fewer layers does not take some of them. Other tensors that nothing asks for (slots,
    heads, another network) are left alone.

    Args:
        prefix: of the checkpoint.
        variables: full names to variables.
        what: for the message.
        change: from the checkpoint's vocabulary to the variables'. A variable with a row
            for every token gets those of the tokens that both have and keeps the others.

    Returns:
        The checkpoint's step; 0 if it has none.

    Raises:
        CheckpointError: names every missing, left over and mis-shaped variable; nothing
            is assigned.
    """
    reader = tf.train.load_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    changed, wrong = set(), {}
    by_token = _rows(variables, shapes, change) if change else set()
    for name in [name for name in variables if name in shapes]:
        there, here = list(shapes[name]), variables[name].shape.as_list()
        if (*there[:1], *here[:1]) in by_token and there[1:] == here[1:]:
            changed.add(name)
        elif there != here:
            wrong[name] = f"{name} is {there} there, {here} here"
    missing = sorted(set(variables) - set(shapes))
    extra = _left_over(variables, shapes)
    found = {
        f"lacks {len(missing)} of {len(variables)} {what}": missing,
        f"has {len(extra)} that the model lacks": extra,
        "is of another size": list(wrong.values()),
    }
    problems = [f"{it}: {', '.join(names)}" for it, names in found.items() if names]
    if problems:
        raise CheckpointError(
            f"{prefix} {'; it '.join(problems)}; {_advice(wrong, variables, shapes)}"
        )
    for name, variable in variables.items():
        value = np.asarray(reader.get_tensor(name))
        if name in changed:
            value = change.carry_over(value, variable.numpy())
        variable.assign(value)
    return step_of_checkpoint(prefix) or 0


def _rows(
    variables: Mapping[str, tf.Variable],
    shapes: Mapping[str, Sequence[int]],
    change: VocabularyChange,
) -> set[tuple[int, int]]:
    """How many rows of what has one a token are in the checkpoint, and how many here.

    Tables of words, and what is tied to them, may have more than there are tokens.
    """
    old, new = change.old_size, len(change.old_ids)
    tables = [n for n in variables if n.endswith(WORD_TABLE) and n in shapes]
    pairs = [(shapes[name][0], variables[name].shape[0]) for name in tables]
    return {(old, new), *((x, y) for x, y in pairs if x >= old and y >= new)}


def _left_over(
    variables: Mapping[str, tf.Variable], shapes: Mapping[str, Sequence[int]]
) -> list[str]:
    """Tensors in the scope of a network whose other variables are asked for.

    Slots of an optimizer are named after their variable: `<variable>/<slot>`.
    """
    scopes = {name.split("/")[0] for name in variables} - {HEADS}
    return sorted(
        name
        for name in set(shapes) - set(variables)
        if name.split("/")[0] in scopes and name.rpartition("/")[0] not in shapes
    )


def _advice(
    wrong: Iterable[str],
    variables: Mapping[str, tf.Variable],
    shapes: Mapping[str, Sequence[int]],
) -> str:
    if not set(variables) & set(shapes):
        names = sorted(shapes)
        return f"it holds {', '.join(names[:4])} and others, {len(names)} in all"
    for name in wrong:
        there, here = list(shapes[name]), variables[name].shape.as_list()
        if name.endswith(WORD_TABLE) and there[1:] == here[1:]:
            padded = (
                "; if its table has rows that belong to no token, bind "
                f"models.electra.vocab_rows = {there[0]}"
            )
            return (
                f"it was made with a vocabulary of {there[0]} tokens, and this one has "
                f"{here[0]}{padded if there[0] > here[0] else ''}"
            )
    return "give the model it was made with"
