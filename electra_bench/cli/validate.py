"""`electra-bench validate`."""

import argparse

from electra_bench.cli import gin_arguments, validate_plugin, validate_task
from electra_bench.system import quiet

EXAMPLE = """examples:
  electra-bench validate gin/runs/finetune.gin gin/models/tiny.gin --gin.TASK="'rte'" \\
    --gin.VOCAB="'vocab.txt'" --data_dir data
  electra-bench validate task rte --data_dir data --gin.VOCAB="'vocab.txt'"
  electra-bench validate task --task_file my.gin --gin.VOCAB="'vocab.txt'"
  electra-bench validate plugin electra-bench-paws --data_dir data
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "validate",
        help="check gin files, a task and its data, or a plugin",
        description=(
            "Parses gin files, resolves every reference, builds the model, the data and "
            "one batch, and trains nothing. `validate task NAME` checks a task's data; "
            "`validate plugin NAME` runs the conformance checks over all that a plugin "
            "registers, NAME being as `list plugins` shows it, or --plugin a file."
        ),
        epilog=EXAMPLE,
    )
    gin_arguments.add_gin_arguments(parser)
    gin_arguments.add_task_file(parser)
    gin_arguments.add_on_error(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="with `task` or `plugin`: print JSON",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Says what was found in order."""
    if args.files[:1] == ["plugin"]:
        return validate_plugin.run(args)
    quiet.import_tensorflow()
    if args.files[:1] == ["task"]:
        return validate_task.run(args)
    from electra_bench.conformance.configuration import validate_config

    found = validate_config(
        gin_arguments.gin_files(args),
        gin_arguments.overrides(args, "finetune"),
        args.plugin,
    )
    for line in found:
        print(line)
    return 0
