"""`electra-bench quickstart`: the main job on text that is already on the machine."""

import os
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import gin

from electra_bench import registry
from electra_bench.config.statements import COMMAND_LINE
from electra_bench.records import RunRecord
from electra_bench.runs.launch import Session, launch
from electra_bench.tasks.pydoc.files import CORPUS, pydoc_files
from electra_bench.training.metrics_log import logged_tokens_per_s
from electra_bench.vocabularies.training import train_wordpiece, write_vocabulary

# A pre-training run that is only to be timed.
SPEED = (
    "TRAIN_STEPS = 60",
    "runs.pretrain.eval_batches = 1",
    "training.loop.log_every = 10",
)
RUNS = "runs"


class Model(NamedTuple):
    """A row of the leaderboard.

    Attributes:
        label: its name there.
        init: its pre-training run, in the folder of runs; None for random values.
    """

    label: str
    init: str | None


MODELS = (
    Model("electra", "pretrain-electra-s0"),
    Model("mlm", "pretrain-mlm-s0"),
    Model("untrained", None),
)


class Plan(NamedTuple):
    """What all runs share.

    Attributes:
        session: how the quickstart was started.
        workdir: everything is written into it.
        model_file: gin file of the encoder.
        vocab: vocabulary file.
        seeds: of fine-tuning.
        epochs: passes over the training set in fine-tuning.
        learning_rates: of fine-tuning.
        given: further bindings of the command line, which hold for all runs.
    """

    session: Session
    workdir: str
    model_file: str
    vocab: str
    seeds: Sequence[int]
    epochs: float
    learning_rates: Sequence[float]
    given: Sequence[str]

    def pretrain(self, objective: str, *bindings: str, folder: str = RUNS) -> RunRecord:
        """Pre-trains with an objective, which is the row's label too."""
        own = [f"OBJECTIVE = {objective!r}", f"LABEL = {objective!r}", *bindings]
        return self._launch("pretrain", folder, own)

    def finetune(self, model: Model, task: str) -> list[RunRecord]:
        """Fine-tunes with all seeds and the best learning rate of the first."""

        def run(folder: str, label: str, rate: float, seeds: Sequence[int]):
            init = model.init and os.path.join(self.workdir, RUNS, model.init)
            own = [
                f"TASK = {task!r}",
                f"INIT = {init!r}",
                f"LABEL = {label!r}",
                f"SEED = {list(seeds)!r}",
                f"EPOCHS = {self.epochs!r}",
                f"LEARNING_RATE = {rate!r}",
            ]
            return self._launch("finetune", folder, own)

        def searched(rate: float) -> float:
            [record] = run("search", f"{model.label}-lr{rate:g}", rate, self.seeds[:1])
            score = record.results[0].main_score
            return float("-inf") if score is None else score

        best = self.learning_rates[0]
        if len(self.learning_rates) > 1:
            best = max(self.learning_rates, key=searched)
        return run(RUNS, model.label, best, self.seeds)

    def num_passes(self, tasks: Sequence[str]) -> float:
        """Passes over a training set in all fine-tuning."""
        searched = len(self.learning_rates) if len(self.learning_rates) > 1 else 0
        return (len(self.seeds) + searched) * self.epochs * len(MODELS) * len(tasks)

    def _launch(self, root: str, folder: str, bindings: Sequence[str]):
        shared = [
            f"VOCAB = {self.vocab!r}",
            f"WORKDIR = {os.path.join(self.workdir, folder)!r}",
        ]
        return launch(
            root,
            [f"runs/quickstart_{root}.gin", self.model_file],
            [*shared, *bindings, *self.given],
            self.session.plugins,
            overwrite=self.session.overwrite,
        )


@gin.configurable(module="runs")
def quickstart(
    session: Session,
    *,
    workdir: str,
    minutes: float,
    model_file: str,
    overhead_minutes: float,
    finetune_updates: float,
    seeds: Sequence[int],
    epochs: float,
    learning_rates: Sequence[float],
    tasks: Sequence[str] = ("pydoc_library", "pydoc_pair", "pydoc_code", "pydoc_qa"),
    vocab_size: int = 8000,
) -> list[RunRecord]:
    """Pre-trains, fine-tunes and compares on the documentation of installed packages.

    A vocabulary is trained, a small ELECTRA and a masked language model of the same
    encoder are pre-trained with equal FLOPs, and both and an untrained encoder are
    fine-tuned on tasks made of the same documentation. Started again, it goes on where it
    stopped.

    Args:
        session: how it was started.
        workdir: everything is written into it.
        minutes: about how long the whole takes; pre-training gets what the rest leaves,
            at the speed that this machine has in a short run before.
        model_file: gin file of the encoder.
        overhead_minutes: what reading text and building graphs take.
        finetune_updates: what one pass over a task's training set costs, in
            pre-training updates of ELECTRA.
        seeds: of fine-tuning.
        epochs: passes over the training set in fine-tuning.
        learning_rates: tried with the first seed, per model and task; the best one on the
            development set is used for all seeds.
        tasks: registered tasks.
        vocab_size: tokens of the vocabulary.

    Returns:
        All records, for the leaderboard.

    Raises:
        KeyError: an unknown task.
        ValueError: too few minutes.
    """
    if minutes <= overhead_minutes:
        raise ValueError(
            f"quickstart needs more than {overhead_minutes:g} minutes, got {minutes:g}"
        )
    for task in tasks:
        registry.tasks.get(task)
    given = [
        f"{binding.key} = {binding.value!r}"
        for binding in session.parsed.bindings
        if binding.place == COMMAND_LINE
        and binding.parameter
        and binding.selector != "runs.quickstart"
    ]
    os.makedirs(workdir, exist_ok=True)
    session.begin()
    vocab = _vocabulary(workdir, vocab_size, session.overwrite)
    plan = Plan(
        session, workdir, model_file, vocab, seeds, epochs, learning_rates, given
    )
    timed = plan.pretrain("electra", *SPEED, folder="speed")
    seconds = _seconds_per_update(timed, os.path.join(workdir, "speed"))
    finetuning = plan.num_passes(tasks) * finetune_updates
    # As much again goes into the masked language model.
    updates = round((60 * (minutes - overhead_minutes) / seconds - finetuning) / 2)
    if updates < 1:
        needed = overhead_minutes + finetuning * seconds / 60
        raise ValueError(
            f"quickstart needs more than {needed:.1f} minutes on this machine, got "
            f"{minutes:g}"
        )
    print(f"{1 / seconds:.1f} updates/s: {updates} updates of ELECTRA", flush=True)
    electra = plan.pretrain("electra", f"TRAIN_STEPS = {updates}")
    flops = f"TRAIN_FLOPS = {electra.train_flops!r}"
    records = [electra, plan.pretrain("mlm", "TRAIN_STEPS = None", flops)]
    for task in tasks:
        for model in MODELS:
            finetuned = plan.finetune(model, task)
            _report(finetuned)
            records += finetuned
    return records


def _seconds_per_update(record: RunRecord, workdir: str) -> float:
    rates = logged_tokens_per_s(os.path.join(workdir, "pretrain-electra-s0"))
    rate = statistics.median(rates[1:])  # the first holds the building of the graph
    return record.tokens / record.train_steps / rate


def _vocabulary(workdir: str, size: int, overwrite: bool) -> str:
    path = os.path.join(workdir, "vocab.txt")
    if overwrite or not os.path.exists(path):
        print(f"training a vocabulary of {size} tokens", flush=True)
        text = os.path.join(pydoc_files(), CORPUS)
        with open(text, encoding="utf-8") as lines:
            write_vocabulary(path, train_wordpiece(lines, size))
    return path


def _report(records: Sequence[RunRecord]) -> None:
    """One line while the whole goes on."""
    result = records[0].results[0]
    scores = [record.results[0].main_score or 0.0 for record in records]
    rate = records[0].hparams["training.adamw.peak_lr"]
    print(
        f"{records[0].label:>10}  {result.task:<14} {result.main_metric} "
        f"{statistics.median(scores):5.1f}  (median of {len(scores)} seeds, learning "
        f"rate {rate:g})",
        flush=True,
    )
