"""`electra-bench finetune`."""

from collections.abc import Iterator
from dataclasses import dataclass

from electra_bench.cli import arguments, gin_arguments, hparams_arguments


@dataclass(kw_only=True)
class Finetune(
    gin_arguments.Cell,
    gin_arguments.OnError,
    gin_arguments.TaskFile,
    hparams_arguments.Run,
):
    """Fine-tunes an encoder on a task and scores it, once for every seed.

    examples:
      electra-bench finetune gin/runs/finetune.gin --gin.TASK="'cola'" --gin.SEED=1 \\
        --gin.INIT="'runs/pretrain-electra-electra-s0'" --data_dir data --workdir runs
      electra-bench finetune gin/runs/finetune.gin --gin.TASK="'rte'" \\
        --gin.SEED="[0, 1, 2, 3, 4]" --gin.INIT=... --gin.EPOCHS=10
      electra-bench finetune --task_file my.gin --gin.INIT=...
      electra-bench finetune gin/runs/finetune.gin --gin.TASK="('mrpc', 'rte', 'sts')" \\
        --gin.runs.finetune.mixing=2.0 --gin.INIT=... --data_dir data
      electra-bench finetune --data_dir data --model_name electra_small \\
        --hparams '{"task_names": ["mrpc"], "num_trials": 5}'

    A task file says where data lie and what their columns hold (docs/tasks.md):
      tasks.reviews.kind = 'classification'
      tasks.reviews.files = {'train': 'train.csv', 'dev': 'dev.csv'}
      tasks.reviews.columns = {'text_a': 'review', 'label': 'stars'}

    Interrupted with Ctrl-C, the run writes a checkpoint; the same command goes on from
    there.
    """


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "finetune", Finetune, run)


def run(args: Finetune) -> None:
    """Fine-tunes and prints the scores of every seed and their mean."""
    found = hparams_arguments.given_hparams(args)
    if found is None:
        _report(gin_arguments.launch(args, "finetune"))
        return
    from electra_bench.config.finetuning_hparams import finetuning

    given, data_dir, model_name = found
    if args.task_file:
        given = {"task_names": gin_arguments.file_tasks(args.task_file)} | given
    translated = finetuning(given, data_dir, model_name)
    records = hparams_arguments.launch(args, "finetune", translated)
    _report(records)
    if records:
        tasks = ",".join(dict.fromkeys(r.task for r in records[0].results))
        lines = _result_lines(records)
        hparams_arguments.write_results(translated.model_dir, tasks, lines)


def _result_lines(records) -> Iterator[str]:
    """The lines of the original's results: one a task and trial.

    It knows one split a task, which has the task's name here, too; others are
    `<task>_<split>`, as the original calls files of a split.
    """
    for record in records:
        main_splits: dict[str, str] = {}
        for result in record.results:
            main = main_splits.setdefault(result.task, result.split)
            further = "" if result.split == main else f"_{result.split}"
            scores = " - ".join(
                f"{name}: {value:.2f}"
                for name, value in result.metrics.items()
                if value is not None
            )
            yield f"{result.task}{further}: {scores}"


def _report(records) -> None:
    from electra_bench.reports.collect.cards import floor_of
    from electra_bench.reports.statistics.aggregate import over_seeds

    scores: dict[tuple, list[tuple[float | None, float | None]]] = {}
    for record in records:
        for result in record.results:
            numbers = ", ".join(
                f"{name} {_number(value)}" for name, value in result.metrics.items()
            )
            print(
                f"{record.label}  {result.task}  {result.split}{_at(record)}  "
                f"seed {record.seed}: {numbers}"
            )
            cell = (result.task, result.split, result.main_metric, _at(record))
            scores.setdefault(cell, []).append((result.main_score, floor_of(result)))
    for (task, split, metric, at), found in scores.items():
        score = over_seeds([("", one) for one, _ in found], floor=found[0][1])
        if len(found) > 1:
            print(
                f"{task}, {split}{at}: mean {metric} of {len(found)} seeds: "
                f"{_number(score.value)} (sd {_number(score.sd)})"
                f"{''.join(f', {mark}' for mark in score.marks)}"
            )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _at(record) -> str:
    """After how much of the pre-training, if not all of it."""
    fraction = record.pretrain_fraction
    return "" if fraction in (None, 1.0) else f"  at {fraction:.4g} of pre-training"
