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
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.system.atomic import replace, write_json, write_text
from electra_bench.vocabularies.change import VocabularyChange

PREFIX = "model.ckpt-"
# Scope of the heads of all tasks, of which a model has some.
HEADS = "task_specific"


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
            ValueError: `keep` is below 1.
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
        path = os.path.join(self._directory, "best.json")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
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
        with open(f"{inside}.json", "w", encoding="utf-8") as file:
            json.dump(dict(state), file)
        # The index goes last: a checkpoint without one does not exist for TensorFlow.
        for suffix in (".data-00000-of-00001", ".json", ".index"):
            replace(inside + suffix, self.prefix(step) + suffix)
        os.rmdir(partial)
        steps = sorted({*_steps(self._directory), step})
        # A run that was continued from an earlier step has later ones lying about.
        kept = [s for s in steps if s <= step][-self._keep :]
        self._write_state(name, [f"{PREFIX}{s}" for s in kept])
        best = self.best
        stays = {*kept, *self._keep_steps} | ({best.step} if best else set())
        for old in set(steps) - stays:
            self._remove(old)
        return self.prefix(step)

    def _write_state(self, newest: str, kept: Sequence[str]) -> None:
        """Writes the file `checkpoint`, with names that hold wherever the folder lies."""
        state = tf.compat.v1.train.generate_checkpoint_state_proto(
            # Names are taken as they are only beside an absolute folder.
            os.path.abspath(self._directory),
            newest,
            all_model_checkpoint_paths=kept,
        )
        write_text(os.path.join(self._directory, "checkpoint"), str(state))

    def mark_best(self, step: int, metric: str, value: float) -> None:
        """Says that the checkpoint of `step` is the best one."""
        path = os.path.join(self._directory, "best.json")
        write_json(path, {"step": step, "metric": metric, "value": value})

    def _remove(self, step: int) -> None:
        for suffix in (".index", ".json", ".data-00000-of-00001"):
            if os.path.exists(self.prefix(step) + suffix):
                os.remove(self.prefix(step) + suffix)


def _steps(directory: str) -> list[int]:
    return sorted(
        int(name.removeprefix(PREFIX).removesuffix(".index"))
        for name in os.listdir(directory)
        if name.startswith(PREFIX) and name.endswith(".index")
    )


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
    return _step(tf.train.load_checkpoint(prefix))


def _step(reader: Any) -> int | None:
    known = reader.has_tensor("global_step")
    return int(reader.get_tensor("global_step")) if known else None


def read_state(prefix: str) -> dict[str, Any]:
    """The JSON values that were saved with a checkpoint."""
    with open(f"{prefix}.json", encoding="utf-8") as file:
        return json.load(file)


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
    changed = {
        name
        for name, variable in variables.items()
        if change and name in shapes and _is_by_token(variable, shapes[name], change)
    }
    wrong = {
        name: f"{name} is {list(shapes[name])} there, {variable.shape.as_list()} here"
        for name, variable in variables.items()
        if name in shapes
        and name not in changed
        and list(shapes[name]) != variable.shape.as_list()
    }
    missing = sorted(set(variables) - set(shapes))
    extra = _left_over(variables, shapes)
    problems = []
    if missing:
        problems.append(
            f"lacks {len(missing)} of {len(variables)} {what}: {', '.join(missing)}"
        )
    if extra:
        problems.append(f"has {len(extra)} that the model lacks: {', '.join(extra)}")
    if wrong:
        problems.append(f"is of another size: {', '.join(wrong.values())}")
    if problems:
        raise CheckpointError(
            f"{prefix} {'; it '.join(problems)}; {_advice(wrong, variables, shapes)}"
        )
    for name, variable in variables.items():
        value = np.asarray(reader.get_tensor(name))
        if name in changed:
            value = change.carry_over(value, variable.numpy())
        variable.assign(value)
    return _step(reader) or 0


def _is_by_token(
    variable: tf.Variable, shape: Sequence[int], change: VocabularyChange
) -> bool:
    """Whether a variable has a row for every token, here and in the checkpoint."""
    here = variable.shape.as_list()
    return [change.old_size, *here[1:]] == list(shape) and here[:1] == [
        len(change.old_ids)
    ]


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
        if name.endswith("/word_embeddings") and there[1:] == here[1:]:
            return (
                f"it was made with a vocabulary of {there[0]} tokens, and this one has "
                f"{here[0]}"
            )
    return "give the model it was made with"
