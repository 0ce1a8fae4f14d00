"""`electra-bench pretrain`."""

import argparse
import os

from electra_bench.cli import gin_arguments, hparams_arguments, results
from electra_bench.system import quiet

EXAMPLE = """examples:
  electra-bench pretrain gin/runs/pretrain.gin gin/models/tiny.gin --workdir runs \\
    --gin.CORPORA="{'books': {'files': 'corpus/books.txt.xz'}}" \\
    --gin.CORPUS="'books'" --gin.VOCAB="'vocab.txt'" --gin.TRAIN_STEPS=2000
  electra-bench pretrain gin/runs/pretrain.gin gin/models/base.gin ... --dry_run
  electra-bench pretrain --data_dir data --model_name small_owt \\
    --hparams '{"vocab_size": 30522, "num_train_steps": 200000}'

Interrupted with Ctrl-C, the run writes a checkpoint; the same command goes on from there.
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "pretrain",
        help="pre-train an encoder",
        description="Pre-trains an encoder as the gin files say, or the original's "
        "dictionary of hyper-parameters.",
        epilog=EXAMPLE,
    )
    gin_arguments.add_gin_arguments(parser)
    gin_arguments.add_cell(parser)
    hparams_arguments.add_hparams(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Pre-trains and prints the evaluation on held-out text."""
    given = hparams_arguments.given_hparams(args)
    if given is None:
        _report(gin_arguments.launch(args, "pretrain"))
        return 0
    from electra_bench.config.pretraining_hparams import check_pretraining, pretraining

    check_pretraining(given)
    model_dir = given.get("model_dir") or os.path.join(
        args.data_dir, "models", args.model_name
    )
    checkpoint = None if given.get("debug") else _checkpoint(model_dir)
    translated = pretraining(given, args.data_dir, args.model_name, *(checkpoint or ()))
    record = hparams_arguments.launch(args, "pretrain", translated)
    _report(record)
    if record.status == "done":
        _write_results(record, translated.model_dir)
    return 0


def _report(record) -> None:
    for result in record.results:
        print(f"{record.label}: {result.task}, {result.split}")
        results.print_metrics(result)


def _checkpoint(model_dir: str) -> tuple[str, int] | None:
    """The original's checkpoint in its folder and its updates; None if there is none."""
    if not os.path.isfile(os.path.join(model_dir, "checkpoint")):
        return None
    quiet.import_tensorflow()
    from electra_bench.training.checkpoints import find_checkpoint, step_of_checkpoint

    prefix = find_checkpoint(model_dir)
    return prefix, step_of_checkpoint(prefix) or 0


def _write_results(record, model_dir: str) -> None:
    """What the original promises to write and does not: `results/unsup_results.txt`."""
    folder = os.path.join(model_dir, "results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "unsup_results.txt")
    with open(path, "w", encoding="utf-8") as file:
        for result in record.results:
            for name, value in results.printed_metrics(result).items():
                file.write(f"{name} = {value:.6f}\n")
