"""`electra-bench validate`."""

from dataclasses import dataclass

from electra_bench.cli import arguments, gin_arguments
from electra_bench.system.tensorflow_import import import_tensorflow


@dataclass(kw_only=True)
class Validate(gin_arguments.OnError, gin_arguments.TaskFile, gin_arguments.Run):
    """Checks gin files, a task and its data, or a plugin.

    Parses gin files, resolves every reference, builds the model, the data and one batch,
    and trains nothing. `validate task NAME` checks a task's data; `validate plugin NAME`
    runs the conformance checks over all that a plugin registers, NAME being as `list
    plugins` shows it, or --plugin a file.

    examples:
      electra-bench validate gin/runs/finetune.gin gin/models/tiny.gin --gin.TASK="'rte'" \\
        --gin.VOCAB="'vocab.txt'" --data_dir data
      electra-bench validate task rte --data_dir data --gin.VOCAB="'vocab.txt'"
      electra-bench validate task --task_file my.gin --gin.VOCAB="'vocab.txt'"
      electra-bench validate plugin electra-bench-paws --data_dir data

    Attributes:
        json: with `task` or `plugin`: print JSON
    """

    json: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "validate", Validate, run)


def run(args: Validate) -> int | None:
    """Says what was found in order."""
    if args.files[:1] == ["plugin"]:
        from electra_bench.cli import validate_plugin

        return validate_plugin.run(args)
    import_tensorflow()
    if args.files[:1] == ["task"]:
        from electra_bench.cli import validate_task

        return validate_task.run(args)
    from electra_bench.conformance.configuration import validate_config

    found = validate_config(
        gin_arguments.gin_files(args),
        gin_arguments.overrides(args, "finetune"),
        args.plugin,
    )
    for line in found:
        print(line)
    return None
