"""Checkpoints in TensorFlow's name-based format, which is the original's.

A checkpoint, see `checkpoint_files`, is complete once the file `checkpoint` names it. A
process that is killed at any moment leaves the last complete one in place.
"""

import hashlib
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.system.atomic import (
    make_folder,
    remove,
    replace,
    write_json,
    write_text,
)
from electra_bench.training.checkpoint_files import (
    PREFIX,
    SUFFIXES,
    CheckpointError,
    DamagedCheckpoint,
    check_whole,
    damage,
    latest_named,
    newest_whole,
    open_reader,
    step_of_checkpoint,
    step_of_file,
    steps_in,
    write_checksums,
    write_tensors,
)
from electra_bench.vocabularies.change import VocabularyChange

# Scope of the heads of all tasks, of which a model has some.
HEADS = "task_specific"
WORD_TABLE = "/word_embeddings"
# The last field of `best.json`, as of a record.
CHECKSUM = "checksum"


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
        make_folder(directory)
        self._directory = directory
        self._keep = keep
        self._keep_steps = frozenset(keep_steps)

    @property
    def latest(self) -> str | None:
        """Prefix of the newest complete checkpoint; None if there is none."""
        return latest_named(self._directory)

    @property
    def best(self) -> Best | None:
        """The best checkpoint; None if none was evaluated."""
        path = Path(self._directory, "best.json")
        try:
            noted = dict(json.loads(path.read_text("utf-8")))
            # Those of earlier versions have none.
            checksum = noted.pop(CHECKSUM, None)
            best = Best(**noted, prefix=self.prefix(noted["step"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            # What cannot be read is found again from the checkpoints.
            return None
        return best if checksum in (None, _checksum(noted)) else None

    @property
    def steps(self) -> list[int]:
        """Those of which there are checkpoints."""
        return steps_in(self._directory)

    def to_go_on(self) -> str | None:
        """Prefix of the newest checkpoint that training can go on from; None for none.

        It is the latest from then on. It is older than a best one that is damaged, which so
        comes again.
        """
        best, before = self.best, math.inf
        if best and (wrong := damage(best.prefix)):
            before = best.step
            _warn(f"{best.prefix}, the best one, is damaged: {wrong}; it is made again")
        try:
            prefix = newest_whole(self._directory, before)
        except DamagedCheckpoint as error:
            _warn(f"{error}: training begins anew")
            return None
        # Whoever saved it may have been stopped before it was named.
        step = step_of_file(prefix) if prefix else None
        if step is not None and prefix != self.latest:
            self._name(step)
        return prefix

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
        remove(partial)
        os.mkdir(partial)
        name = f"{PREFIX}{step}"
        inside = os.path.join(partial, name)
        write_tensors(inside, {**tensors, "global_step": tf.constant(step, tf.int64)})
        Path(f"{inside}.json").write_text(json.dumps(dict(state)), "utf-8")
        write_checksums(inside)
        for suffix in SUFFIXES:
            replace(inside + suffix, self.prefix(step) + suffix)
        os.rmdir(partial)
        kept = self._name(step)
        best = self.best
        self._remove_all_but({*kept, *self._keep_steps, *([best.step] if best else ())})
        return self.prefix(step)

    def _name(self, step: int) -> list[int]:
        """Has `checkpoint` name that of a step; returns the steps of the newest to keep."""
        # A run that was continued from an earlier step has later ones lying about.
        kept = [s for s in self.steps if s <= step][-self._keep :]
        # Names hold wherever the folder lies, but are taken as they are only beside an
        # absolute one.
        newest = tf.compat.v1.train.generate_checkpoint_state_proto(
            os.path.abspath(self._directory),
            f"{PREFIX}{step}",
            all_model_checkpoint_paths=[f"{PREFIX}{s}" for s in kept],
        )
        write_text(os.path.join(self._directory, "checkpoint"), str(newest))
        return kept

    def _remove_all_but(self, steps: Set[int]) -> None:
        """Removes the other checkpoints, and parts of some that were never complete."""
        names = os.listdir(self._directory)
        found = {name: step_of_file(name, *SUFFIXES) for name in names}
        old = [name for name, step in found.items() if step not in (None, *steps)]
        # What makes it one goes first.
        for name in sorted(old, key=lambda name: not name.endswith(".index")):
            remove(os.path.join(self._directory, name))

    def mark_best(self, step: int, metric: str, value: float) -> None:
        """Says that the checkpoint of `step` is the best one."""
        path = os.path.join(self._directory, "best.json")
        noted = {"step": step, "metric": metric, "value": value}
        write_json(path, {**noted, CHECKSUM: _checksum(noted)})


def _checksum(noted: Mapping[str, Any]) -> str:
    """The hash of what `best.json` says, by which another digit is noticed."""
    return hashlib.sha256(json.dumps(noted).encode()).hexdigest()


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr, flush=True)


def best_checkpoint(run_dir: str) -> Best | None:
    """The best checkpoint of a run; None if none was evaluated."""
    return Checkpoints(os.path.join(run_dir, "checkpoints")).best


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
        DamagedCheckpoint: it is not as it was written.
    """
    check_whole(prefix)
    reader = open_reader(prefix)
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
