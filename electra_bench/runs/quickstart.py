"""`electra-bench quickstart`: the main job on text that is already on the machine."""

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin

from electra_bench import registry
from electra_bench.config.ranges import NotNegative, Positive
from electra_bench.config.statements import COMMAND_LINE
from electra_bench.records import RunRecord
from electra_bench.runs.launch import launch
from electra_bench.runs.session import Session
from electra_bench.suites.cell import FLOPS, Cell
from electra_bench.suites.choice import best
from electra_bench.suites.grid import RUNS, Grid
from electra_bench.suites.search import TRIALS, choice_of
from electra_bench.system.atomic import make_folder
from electra_bench.tasks.pydoc.files import CORPUS, pydoc_files
from electra_bench.training.metrics_log import logged_tokens_per_s
from electra_bench.training.trainer import NonFiniteLoss
from electra_bench.vocabularies.training import train_wordpiece, write_vocabulary

# A pre-training run that is only to be timed.
SPEED = {
    "TRAIN_STEPS": 60,
    "runs.pretrain.eval_batches": 1,
    "training.loop.log_every": 10,
}
# Share of a training set that learning rates are compared on.
HELD_OUT = 0.1
MODELS = {
    "electra": {"pretrain": {"OBJECTIVE": "electra"}},
    "mlm": {"pretrain": {"OBJECTIVE": "mlm"}},
    "untrained": {},
}


@gin.configurable(module="runs")
def quickstart(
    session: Session,
    *,
    workdir: str,
    minutes: Positive[float],
    model_file: str,
    overhead_minutes: NotNegative[float],
    finetune_updates: NotNegative[float],
    seeds: Sequence[int],
    epochs: Positive[float],
    learning_rates: Sequence[Positive[float]],
    tasks: Sequence[str] = ("pydoc_library", "pydoc_pair", "pydoc_code", "pydoc_qa"),
    vocab_size: Positive[int] = 8000,
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
        learning_rates: tried with the first seed, per model and task, on a tenth of the
            training set that is left out for it; the best one is used for all seeds.
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
    make_folder(workdir)
    session.begin()
    vocab = _vocabulary(workdir, vocab_size, session.overwrite)
    cells = _cells(session, workdir, model_file, vocab, tasks, epochs)

    def run(cell: Cell, folder: str, bindings: Mapping[str, Any]) -> Any:
        """Runs a cell here, with TensorFlow loaded and the examples in memory."""
        return launch(
            cell.verb,
            cell.files,
            {**cell.bindings, "WORKDIR": os.path.join(workdir, folder), **bindings},
            session.plugins,
            overwrite=session.overwrite,
            accept_code=session.accept_code,
        )

    electra, mlm = (cell for cell in cells if cell.verb == "pretrain")
    timed = run(electra, "speed", SPEED)
    seconds = _seconds_per_update(timed, os.path.join(workdir, "speed"))
    searched = len(learning_rates) if len(learning_rates) > 1 else 0
    passes = (len(seeds) + searched) * epochs * len(MODELS) * len(tasks)
    # As much again goes into the masked language model.
    left = 60 * (minutes - overhead_minutes) / seconds - passes * finetune_updates
    updates = round(left / 2)
    if updates < 1:
        needed = overhead_minutes + passes * finetune_updates * seconds / 60
        raise ValueError(
            f"quickstart needs more than {needed:.1f} minutes on this machine, got "
            f"{minutes:g}"
        )
    print(f"{1 / seconds:.1f} updates/s: {updates} updates of ELECTRA", flush=True)
    records = [run(electra, RUNS, {"TRAIN_STEPS": updates})]
    records.append(run(mlm, RUNS, {FLOPS: records[0].train_flops}))
    for cell in sorted(cells, key=lambda cell: tasks.index(cell.task or tasks[0])):
        if cell.verb == "finetune":
            rate = _best_rate(run, cell, learning_rates, seeds[0])
            given = {"LEARNING_RATE": rate, "SEED": list(seeds)}
            if len(learning_rates) > 1:
                given["runs.finetune.choice"] = choice_of(
                    {"LEARNING_RATE": learning_rates}, len(learning_rates), HELD_OUT
                )
            finetuned = run(cell, RUNS, given)
            _report(finetuned, rate)
            records += finetuned
    return records


def _cells(
    session: Session,
    workdir: str,
    model_file: str,
    vocab: str,
    tasks: Sequence[str],
    epochs: Positive[float],
) -> list[Cell]:
    """The grid, with one seed of each: all are run at once, which builds a graph once."""
    given = {
        binding.key: binding.value
        for binding in session.parsed.bindings
        if binding.place == COMMAND_LINE
        and binding.parameter
        and binding.selector != "runs.quickstart"
    }
    plan = Grid(
        {name: {"files": (model_file,), **spec} for name, spec in MODELS.items()},
        tasks,
        seeds=(0,),
        budgets=("electra",),
        pretrain=given,
        finetune={"EPOCHS": epochs, **given},
        pretrain_files=("runs/quickstart_pretrain.gin",),
        finetune_files=("runs/quickstart_finetune.gin",),
        vocab=vocab,
    )
    return plan(workdir)


def _best_rate(
    run: Callable[..., Any], cell: Cell, rates: Sequence[float], seed: int
) -> float:
    """The learning rate with the best score on a part of the training set."""
    if len(rates) == 1:
        return rates[0]
    trials = {}
    for rate in rates:
        given = {
            "LEARNING_RATE": rate,
            "LABEL": f"{cell.label}-lr{rate:g}",
            "SEED": seed,
            "runs.finetune.held_out": HELD_OUT,
        }
        try:
            [trials[f"{rate:g}"]] = run(cell, TRIALS, given)
        except NonFiniteLoss as error:
            print(f"{cell.label} {cell.task}: rate {rate:g} is left out: {error}")
    if not trials:
        raise ValueError(
            f"{cell.label} {cell.task}: no rate of {list(rates)} converges"
        )
    chosen = best(trials)
    return next(rate for rate in rates if f"{rate:g}" == chosen)


def _seconds_per_update(record: RunRecord, workdir: str) -> float:
    rates = logged_tokens_per_s(os.path.join(workdir, "pretrain-electra-s0"))
    rate = statistics.median(rates[1:])  # the first holds the building of the graph
    return (record.tokens or 0) / (record.train_steps or 1) / rate


def _vocabulary(workdir: str, size: int, overwrite: bool) -> str:
    path = os.path.join(workdir, "vocab.txt")
    if overwrite or not os.path.exists(path):
        print(f"training a vocabulary of {size} tokens", flush=True)
        text = os.path.join(pydoc_files(), CORPUS)
        with open(text, encoding="utf-8") as lines:
            write_vocabulary(path, train_wordpiece(lines, size))
    return path


def _report(records: Sequence[RunRecord], rate: float) -> None:
    """One line while the whole goes on."""
    from electra_bench.reports.statistics.aggregate import mean_over_seeds
    from electra_bench.reports.table import text

    result = records[0].results[0]
    mean = mean_over_seeds(records, result.task)
    print(
        f"{records[0].label:>10}  {result.task:<14} {result.main_metric} "
        f"{text(mean, metric=True):>5}  (mean of {len(records)} seeds, learning rate "
        f"{rate:g})",
        flush=True,
    )
