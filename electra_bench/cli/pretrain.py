"""`electra-bench pretrain`."""

import os
from dataclasses import dataclass

from electra_bench.cli import arguments, gin_arguments, hparams_arguments, results
from electra_bench.system.tensorflow_import import import_tensorflow


@dataclass(kw_only=True)
class Pretrain(gin_arguments.Cell, hparams_arguments.Run):
    """Pre-trains an encoder as the gin files say.

    Or as the original's dictionary of hyper-parameters says.

    examples:
      electra-bench pretrain gin/runs/pretrain.gin gin/models/tiny.gin --workdir runs \\
        --gin.CORPORA="{'books': {'files': 'corpus/books.txt.xz'}}" \\
        --gin.CORPUS="'books'" --gin.VOCAB="'vocab.txt'" --gin.TRAIN_STEPS=2000
      electra-bench pretrain gin/runs/pretrain.gin gin/models/base.gin ... --dry_run
      electra-bench pretrain --data_dir data --model_name small_owt \\
        --hparams '{"vocab_size": 30522, "num_train_steps": 200000}'

    Interrupted with Ctrl-C, the run writes a checkpoint; the same command goes on from
    there.
    """


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "pretrain", Pretrain, run)


def run(args: Pretrain) -> None:
    """Pre-trains and prints the evaluation on held-out text."""
    found = hparams_arguments.given_hparams(args)
    if found is None:
        _report(gin_arguments.launch(args, "pretrain"))
        return
    from electra_bench.config import pretraining_hparams as original

    given, data_dir, model_name = found
    # Now, before TensorFlow is loaded to look for a checkpoint.
    original.check_given(given, original.DEFAULTS)
    model_dir = given.get("model_dir") or os.path.join(data_dir, "models", model_name)
    checkpoint = None if given.get("debug") else _checkpoint(model_dir)
    translated = original.pretraining(given, data_dir, model_name, *(checkpoint or ()))
    record = hparams_arguments.launch(args, "pretrain", translated)
    _report(record)
    if record.status == "done":
        # The original promises to write it and does not.
        lines = (
            f"{name} = {value:.6f}"
            for result in record.results
            for name, value in results.printed_metrics(result).items()
        )
        hparams_arguments.write_results(translated.model_dir, "unsup", lines)


def _report(record) -> None:
    for result in record.results:
        print(f"{record.label}: {result.task}, {result.split}")
        results.print_metrics(result)


def _checkpoint(model_dir: str) -> tuple[str, int] | None:
    """The original's checkpoint in its folder and its updates; None if there is none."""
    if not os.path.isfile(os.path.join(model_dir, "checkpoint")):
        return None
    import_tensorflow()
    from electra_bench.training.checkpoint_files import (
        find_checkpoint,
        step_of_checkpoint,
    )

    prefix = find_checkpoint(model_dir)
    return prefix, step_of_checkpoint(prefix) or 0
