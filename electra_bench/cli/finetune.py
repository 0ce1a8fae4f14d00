"""`electra-bench finetune`."""

import argparse
import statistics

from electra_bench.cli import gin_arguments

EXAMPLE = """examples:
  electra-bench finetune gin/runs/finetune.gin --gin.TASK="'cola'" --gin.SEED=1 \\
    --gin.INIT="'runs/pretrain-electra-electra-s0'" --data_dir data --workdir runs
  electra-bench finetune gin/runs/finetune.gin --gin.TASK="'rte'" \\
    --gin.SEED="[0, 1, 2, 3, 4]" --gin.INIT=... --gin.EPOCHS=10

Interrupted with Ctrl-C, the run writes a checkpoint; the same command goes on from there.
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "finetune",
        help="fine-tune an encoder on a task and score it, for one seed or several",
        description="Fine-tunes an encoder on a task, once for every seed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gin_arguments.add_gin_arguments(parser)
    gin_arguments.add_cell(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Fine-tunes and prints the scores of every seed and their median."""
    records = gin_arguments.launch(args, "finetune")
    scores = []
    for record in records:
        [result] = record.results
        numbers = ", ".join(
            f"{name} {value:.2f}" for name, value in result.metrics.items()
        )
        print(
            f"{record.label}  {result.task}  {result.split}  seed {record.seed}: {numbers}"
        )
        if result.main_score is not None:
            scores.append(result.main_score)
    if len(scores) > 1:
        print(
            f"median {result.main_metric} of {len(scores)} seeds: "
            f"{statistics.median(scores):.2f} (sd {statistics.stdev(scores):.2f})"
        )
    return 0
