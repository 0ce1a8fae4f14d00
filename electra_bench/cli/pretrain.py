"""`electra-bench pretrain`."""

import argparse

from electra_bench.cli import gin_arguments, results

EXAMPLE = """examples:
  electra-bench pretrain gin/runs/pretrain.gin gin/models/tiny.gin --workdir runs \\
    --gin.CORPORA="{'books': {'files': 'corpus/books.txt.xz'}}" \\
    --gin.CORPUS="'books'" --gin.VOCAB="'vocab.txt'" --gin.TRAIN_STEPS=2000
  electra-bench pretrain gin/runs/pretrain.gin gin/models/base.gin ... --dry_run

Interrupted with Ctrl-C, the run writes a checkpoint; the same command goes on from there.
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "pretrain",
        help="pre-train an encoder",
        description="Pre-trains an encoder as the gin files say.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gin_arguments.add_gin_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Pre-trains and prints the evaluation on held-out text."""
    record = gin_arguments.launch(args, "pretrain")
    for result in record.results:
        print(f"{record.label}: {result.task}, {result.split}")
        results.print_metrics(result)
    return 0
