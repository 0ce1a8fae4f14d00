"""What `evaluate` and `predict` share: a run's model and the examples it is given."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from electra_bench.core import Objective
from electra_bench.data import run_context
from electra_bench.records import TaskCard, TaskResult
from electra_bench.runs import building
from electra_bench.runs.pretrained import Pretrained, restored_objective
from electra_bench.runs.score_marks import score_marks
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.registration import load_task
from electra_bench.training.evaluation import Evaluator


class Inputs(NamedTuple):
    """What a run reads beside its checkpoint; see the parameters of `evaluate`."""

    vocab: str | None = None
    vocabulary: str | None = None
    data_dir: str | None = None
    files: Mapping[str, str] | None = None
    max_seq_length: int | None = None
    on_error: str | None = None


class RestoredRun(NamedTuple):
    """What a run has trained, with what its examples are made by.

    Attributes:
        pretrained: the run.
        objective: with the checkpoint's values.
        tokens: its vocabulary.
        length: token limit.
        inputs: where the data lie.
    """

    pretrained: Pretrained
    objective: Objective
    tokens: Any
    length: int
    inputs: Inputs

    @classmethod
    def open(
        cls, card: TaskCard, pretrained: Pretrained, inputs: Inputs
    ) -> "RestoredRun":
        """Builds it; gin holds the run's configuration.

        Args:
            card: see `restored_objective`; its token limit holds if neither `inputs` nor
                the run has one.
            pretrained: the run.
            inputs: what it reads.

        Raises:
            FileNotFoundError: no vocabulary.
            CheckpointError: a variable is missing or of another size.
        """
        tokens = building.open_vocabulary(
            inputs.vocabulary,
            building.find_vocabulary(inputs.vocab, pretrained.folder),
        )
        record = pretrained.record
        of_run = (
            record.hparams.get(f"runs.{record.kind}.max_seq_length") if record else None
        )
        length = inputs.max_seq_length or of_run or card.max_seq_length
        objective = restored_objective(card, pretrained, tokens)
        return cls(pretrained, objective, tokens, length, inputs)

    def examples(self, task: str, split: str) -> TaskExamples:
        """The examples of a split of a task.

        Raises:
            FileNotFoundError: no such file.
            ValueError: no such split, or a split without examples.
        """
        with run_context.use(
            vocabulary=self.tokens,
            data_dir=self.inputs.data_dir or run_context.current().data_dir,
            files=dict(self.inputs.files or {}),
            on_error=self.inputs.on_error,
        ):
            [part] = examples(task, split, self.length)
        return part

    def evaluator(self, part: TaskExamples, batch_size: int) -> Evaluator:
        """What predicts and scores the examples of a task, not of a corpus."""
        return Evaluator(self.objective, load_task(part.task), part.store, batch_size)

    def result(
        self,
        card: TaskCard,
        split: str,
        part: TaskExamples,
        metrics: Mapping[str, float],
        num_examples: int,
    ) -> TaskResult:
        """What a record says of a split.

        Args:
            card: of the task.
            split: its name.
            part: its examples.
            metrics: what was found.
            num_examples: how many examples were scored.
        """
        return TaskResult(
            part.task,
            card.version,
            split,
            num_examples,
            metrics,
            card.main_metric,
            data_sha256=part.data_sha256,
            marks=score_marks(self.pretrained, card, [part]),
        )
