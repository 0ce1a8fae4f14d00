"""What is known of the checkpoint that a run starts from."""

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import by_name
from electra_bench.records import RunRecord, TaskCard
from electra_bench.records.leaks import TrainingText
from electra_bench.records.run_folder import find_run, record_of, was_written
from electra_bench.records.run_record import UNRECORDED
from electra_bench.runs.identity import Start
from electra_bench.tasks.results import EARLIER, UNFINISHED
from electra_bench.training.build import pretraining_objective, task_objective
from electra_bench.training.checkpoint_files import (
    check_whole,
    checkpoint_of_step,
    checkpoint_steps,
    find_checkpoint,
    sha256_of_checkpoint,
    step_of_checkpoint,
    step_of_file,
)
from electra_bench.training.checkpoints import restore
from electra_bench.vocabularies.change import VocabularyChange, vocabulary_change
from electra_bench.vocabularies.load import open_vocabulary, vocabulary_beside


class Pretrained(NamedTuple):
    """A checkpoint and its history; all None for an encoder with random values.

    Attributes:
        folder: where the vocabulary lies.
        checkpoint: its prefix.
        sha256: hash of its tensors.
        record: of the run that made it, as of this checkpoint: what it had cost by then;
            None for a checkpoint from elsewhere.
        marks: of the scores of what starts from it, see `TaskResult.marks`: "earlier
            checkpoint" if newer ones of a finished run are damaged, "unfinished run" if
            it has no record.
    """

    folder: str | None = None
    checkpoint: str | None = None
    sha256: str | None = None
    record: RunRecord | None = None
    marks: Mapping[str, str] = MappingProxyType({})

    @property
    def prefix(self) -> str:
        """The checkpoint's, where there is one.

        Raises:
            ValueError: there is none.
        """
        if self.checkpoint is None:
            raise ValueError("no checkpoint: the encoder has random values")
        return self.checkpoint

    @property
    def label(self) -> str | None:
        """Row of its run in tables, or the name of its folder."""
        if self.record:
            return self.record.label
        return os.path.basename(self.folder) if self.folder else None

    def of_record(self, field: str) -> Any:
        """A field of its run's record; None without one."""
        return getattr(self.record, field) if self.record else None

    @property
    def pretrain_seed(self) -> int | None:
        """Seed of the pre-training, also behind an intermediate task; None if unknown."""
        is_finetuned = self.of_record("kind") == "finetune"
        return self.of_record("pretrain_seed" if is_finetuned else "seed")

    @property
    def texts_seen(self) -> tuple[TrainingText, ...] | None:
        """All that its encoder was trained on; None if nobody knows."""
        if self.checkpoint is None:
            return ()
        before, own = self.of_record("texts_before"), self.of_record("texts")
        return None if before is None or own is None else (*before, *own)

    @property
    def start(self) -> Start:
        """What checkpoints of all seeds of its pre-training share."""
        same = self.of_record("identity_without_seed")
        steps = self.of_record("train_steps")
        # Every seed has a best checkpoint, each after another number of updates.
        is_best = steps is not None and steps == self.of_record("chosen_step")
        origin = same and f"{same} after {'the best' if is_best else steps}"
        # Records of version 2 have no recipe.
        return Start(origin, self.of_record("recipe") or same)

    def vocabulary_change(self, tokenizer: Any) -> VocabularyChange | None:
        """From the vocabulary beside the checkpoint to a run's.

        None if they have the same tokens, or if none lies beside the checkpoint.
        """
        if self.of_record("vocab_sha256") == tokenizer.sha256:
            return None
        path = vocabulary_beside(self.folder)
        if path is None:
            return None
        return vocabulary_change(open_vocabulary(None, path), tokenizer)


def find_pretrained(init: str | None, at: float | None = None) -> Pretrained:
    """Looks at what `init` names.

    Args:
        init: folder of a run, a folder that holds exactly one pre-training run, a folder
            with checkpoints, or a checkpoint's prefix; None for none. Of a run's
            checkpoints the one that it was scored with.
        at: the checkpoint after this fraction of the run, instead of that one.

    Raises:
        FileNotFoundError: nothing there, or no checkpoint of that fraction.
        DamagedCheckpoint: it is damaged; of several the newest that is whole is taken,
            unless one is meant.
        ValueError: a fraction of something that is no finished run.
    """
    if init is None:
        return Pretrained()
    folder = find_run(init)
    record = record_of(folder)
    marks = {}
    if at is not None:
        checkpoint = _checkpoint_at(init, folder, record, at)
    elif os.path.exists(f"{init}.index"):
        checkpoint = find_checkpoint(init)
    elif record and record.chosen_step:
        checkpoint = checkpoint_of_step(folder, record.chosen_step)
        check_whole(checkpoint)
    else:
        checkpoint = find_checkpoint(folder)
        step, last = step_of_file(checkpoint), record.train_steps if record else None
        if step and last and step < last:
            said = f"of {step:,} of {last:,} updates, since newer ones are damaged"
            marks[EARLIER] = said
    if record is None and was_written(folder):
        said = f"{folder} {UNRECORDED}"
        print(f"warning: {said}", file=sys.stderr, flush=True)
        marks[UNFINISHED] = said
    if record and record.train_steps:
        record = record.as_of(step_of_checkpoint(checkpoint))
    sha256 = sha256_of_checkpoint(checkpoint)
    return Pretrained(folder, checkpoint, sha256, record, marks)


def _checkpoint_at(init: str, folder: str, record: RunRecord | None, at: float) -> str:
    if record is None or not record.train_steps:
        raise ValueError(f"init_at needs a finished run for INIT, got {init!r}")
    step = round(at * record.train_steps)
    prefix = checkpoint_of_step(folder, step)
    if not os.path.exists(f"{prefix}.index"):
        raise FileNotFoundError(
            f"{init} kept no checkpoint of step {step}, {at:g} of its training; it has "
            f"those of steps {checkpoint_steps(folder)}: pre-train with keep_at, see "
            "gin/runs/learning_curve.gin"
        )
    check_whole(prefix)
    return prefix


def restored_objective(
    cards: Sequence[TaskCard], pretrained: Pretrained, tokenizer: Any
) -> Objective:
    """What a run trained, with the values of its checkpoint.

    Args:
        cards: of the task that it was fine-tuned on or that such models answer, of
            several that it was fine-tuned on, or of a corpus.
        pretrained: the run; gin holds its configuration.
        tokenizer: of its vocabulary.

    Raises:
        CheckpointError: a variable is missing or of another size.
    """
    cards = [registry.tasks.get(c.trained_on) if c.trained_on else c for c in cards]
    variables, special_ids = Variables(0), tokenizer.special_ids
    model = pretrained.of_record("model") or "electra"
    if cards[0].kind == "corpus":
        name = pretrained.of_record("objective") or "electra"
        objective = pretraining_objective(name, model, variables, special_ids)
    else:
        objective = task_objective(cards, model, variables, tokenizer)
    restore(pretrained.prefix, by_name(objective))
    return objective
