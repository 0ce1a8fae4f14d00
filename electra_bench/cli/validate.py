"""`electra-bench validate`."""

import argparse

from electra_bench.cli import gin_arguments, quiet, validate_plugin

EXAMPLE = """examples:
  electra-bench validate gin/runs/finetune.gin gin/models/tiny.gin --gin.TASK="'rte'" \\
    --gin.VOCAB="'vocab.txt'" --data_dir data
  electra-bench validate task rte --data_dir data --gin.VOCAB="'vocab.txt'"
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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gin_arguments.add_gin_arguments(parser)
    parser.add_argument(
        "--json", action="store_true", help="print JSON (validate plugin)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Says what was found in order."""
    if args.files[:1] == ["plugin"]:
        return validate_plugin.run(args)
    quiet.import_tensorflow()
    from electra_bench.runs import validate

    if args.files[:1] == ["task"]:
        if len(args.files) != 2:
            raise ValueError(f"validate task needs one task name, got {args.files[1:]}")
        report = validate.validate_task(
            args.files[1], gin_arguments.overrides(args), args.plugin
        )
    else:
        report = validate.validate_config(
            gin_arguments.gin_files(args), gin_arguments.overrides(args), args.plugin
        )
    for line in report:
        print(line)
    return 0
