"""`electra-bench quickstart`: the main job on text that is already on the machine."""

import os
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import gin

from electra_bench.data.vocabulary_training import train_wordpiece, write_vocabulary
from electra_bench.records import RunRecord
from electra_bench.runs.launch import Session, launch
from electra_bench.tasks.pydoc_files import CORPUS, pydoc_files


class Model(NamedTuple):
    """A row of the leaderboard.

    Attributes:
        label: its name there.
        init: work folder of its pre-training run; None for random values.
    """

    label: str
    init: str | None


@gin.configurable(module="runs")
def quickstart(
    session: Session,
    *,
    workdir: str,
    minutes: float,
    model_file: str,
    steps_per_minute: int,
    fixed_minutes: float,
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
        minutes: about how long the whole takes on two cores; what is beyond
            `fixed_minutes` goes into pre-training.
        model_file: gin file of the encoder.
        steps_per_minute: ELECTRA updates that two cores do in a minute.
        fixed_minutes: what all but the pre-training takes.
        seeds: of fine-tuning.
        epochs: passes over the training set in fine-tuning.
        learning_rates: tried with the first seed, per model and task; the best one on the
            development set is used for all seeds.
        tasks: registered tasks.
        vocab_size: tokens of the vocabulary.

    Returns:
        All records, for the leaderboard.
    """
    steps = round(steps_per_minute * (minutes - fixed_minutes))
    if steps < 1:
        raise ValueError(
            f"quickstart needs more than {fixed_minutes:g} minutes, got {minutes:g}"
        )
    os.makedirs(workdir, exist_ok=True)
    session.begin()
    vocab = _vocabulary(workdir, vocab_size)
    runs = os.path.join(workdir, "runs")

    def pretrain(objective: str, *budget: str) -> RunRecord:
        return launch(
            "pretrain",
            ["runs/quickstart_pretrain.gin", model_file],
            [
                f"OBJECTIVE = {objective!r}",
                f"LABEL = {objective!r}",
                f"VOCAB = {vocab!r}",
                f"WORKDIR = {runs!r}",
                *budget,
            ],
            session.plugins,
            overwrite=session.overwrite,
        )

    def finetune(model: Model, task: str) -> list[RunRecord]:
        def run(folder: str, label: str, rate: float, chosen: Sequence[int]):
            return launch(
                "finetune",
                ["runs/quickstart_finetune.gin", model_file],
                [
                    f"TASK = {task!r}",
                    f"INIT = {model.init!r}",
                    f"LABEL = {label!r}",
                    f"VOCAB = {vocab!r}",
                    f"SEED = {list(chosen)!r}",
                    f"EPOCHS = {epochs!r}",
                    f"LEARNING_RATE = {rate!r}",
                    f"WORKDIR = {os.path.join(workdir, folder)!r}",
                ],
                session.plugins,
                overwrite=session.overwrite,
            )

        def searched(rate: float) -> float:
            [record] = run("search", f"{model.label}-lr{rate:g}", rate, seeds[:1])
            score = record.results[0].main_score
            return float("-inf") if score is None else score

        several = len(learning_rates) > 1
        best = max(learning_rates, key=searched) if several else learning_rates[0]
        return run("runs", model.label, best, seeds)

    electra = pretrain("electra", f"TRAIN_STEPS = {steps}")
    mlm = pretrain(
        "mlm", "TRAIN_STEPS = None", f"TRAIN_FLOPS = {electra.train_flops!r}"
    )
    records = [electra, mlm]
    models = [
        Model("electra", os.path.join(runs, "pretrain-electra-s0")),
        Model("mlm", os.path.join(runs, "pretrain-mlm-s0")),
        Model("untrained", None),
    ]
    for task in tasks:
        for model in models:
            finetuned = finetune(model, task)
            _report(finetuned)
            records += finetuned
    return records


def _vocabulary(workdir: str, size: int) -> str:
    path = os.path.join(workdir, "vocab.txt")
    if not os.path.exists(path):
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
