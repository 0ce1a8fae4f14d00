"""Arguments that every verb with a gin configuration takes."""

import argparse
from collections.abc import Sequence

from electra_bench import config
from electra_bench.cli import errors
from electra_bench.system import quiet


def expand_gin_flags(argv: Sequence[str]) -> list[str]:
    """Rewrites what argparse cannot take: flags of unknown names, scattered files.

    `--gin.NAME=VALUE` and `--gin.NAME VALUE` become `--gin_param "NAME = VALUE"`, and gin
    files become `--gin_file FILE`, so that they may stand anywhere.
    """
    expanded: list[str] = []
    arguments = iter(argv)
    for argument in arguments:
        if argument.startswith("--gin."):
            name, equals, value = argument.removeprefix("--gin.").partition("=")
            if not equals:
                value = next(arguments, "")
            expanded += ["--gin_param", f"{name} = {value}"]
        elif argument in ("--gin_file", "--task_file"):
            expanded += [argument, next(arguments, "")]
        elif argument.endswith(".gin") and not argument.startswith("-"):
            expanded += ["--gin_file", argument]
        else:
            expanded.append(argument)
    return expanded


def add_gin_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds gin files, overrides and the flags that stand for macros."""
    parser.add_argument("files", nargs="*", metavar="GIN", help="gin files, in order")
    parser.add_argument(
        "--gin_file", action="append", default=[], metavar="F", help="one more gin file"
    )
    add_bindings(parser)
    parser.add_argument("--workdir", metavar="DIR", help="sets the macro WORKDIR")
    parser.add_argument(
        "--dry_run", action="store_true", help="build everything, print the plan, stop"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="delete another run that lies in the run's folder",
    )
    parser.add_argument(
        "--accept_code",
        action="store_true",
        help="take a run in the folder that other code has made or begun; its record and "
        "tables say so",
    )


def add_cell(parser: argparse.ArgumentParser) -> None:
    """Adds what a suite says of itself in the commands of its cells."""
    parser.add_argument(
        "--suite", metavar="NAME", help="suite that the run belongs to, for the record"
    )
    parser.add_argument(
        "--cell_id", metavar="ID", help="its place in the suite, for the record"
    )


def add_bindings(parser: argparse.ArgumentParser) -> None:
    """Adds what also verbs take whose gin files are fixed."""
    parser.add_argument(
        "--gin_param",
        action="append",
        default=[],
        metavar="'X = Y'",
        help="one binding; --gin.X=Y is the same",
    )
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="P",
        help="module or file that registers more names",
    )
    parser.add_argument("--data_dir", metavar="DIR", help="sets the macro DATA_DIR")


def add_on_error(parser: argparse.ArgumentParser) -> None:
    """Adds `--on_error`."""
    parser.add_argument(
        "--on_error",
        dest="bad_rows",
        choices=("raise", "skip"),
        help="stop at a row of the data that cannot be used, or leave it out, count it and "
        "mark the score (default: what is usual for the task)",
    )


def add_task_file(parser: argparse.ArgumentParser) -> None:
    """Adds `--task_file`."""
    parser.add_argument(
        "--task_file",
        action="append",
        default=[],
        metavar="F",
        help="gin file that makes a task of data files; sets the macro TASK to it, "
        "unless that is bound",
    )


def gin_files(args: argparse.Namespace) -> list[str]:
    """The gin files, in order.

    Raises:
        ValueError: none was given.
    """
    task_files = getattr(args, "task_file", [])
    files = [*args.gin_file, *args.files, *task_files]
    if task_files and config.peek("runs.finetune.task", files, ()) is None:
        files = ["runs/finetune.gin", *files]
    if not files:
        raise ValueError(
            "a gin file is needed, for instance gin/runs/pretrain.gin; "
            "see electra-bench VERB --help"
        )
    return files


def overrides(args: argparse.Namespace, root: str) -> list[str]:
    """The bindings given on the command line, and what other flags stand for."""
    given = bindings(args)
    if getattr(args, "bad_rows", None):
        given.append(f"runs.{root}.on_error = {args.bad_rows!r}")
    task_files = getattr(args, "task_file", [])
    if task_files and config.peek(f"runs.{root}.task", gin_files(args), given) is None:
        names = file_tasks(task_files)
        given.append(f"TASK = {(names[0] if len(names) == 1 else tuple(names))!r}")
    return given


def file_tasks(task_files: Sequence[str]) -> list[str]:
    """The tasks that task files make.

    Raises:
        ValueError: none.
    """
    names = config.bound_names("tasks", task_files)
    if not names:
        raise ValueError(f"{task_files[0]}: binds no tasks.<name>.<parameter>")
    return names


def bindings(args: argparse.Namespace) -> list[str]:
    """The bindings given on the command line, flags for macros among them."""
    found = list(args.gin_param)
    for macro in ("workdir", "data_dir"):
        value = getattr(args, macro, None)
        if value is not None:
            found.append(f"{macro.upper()} = {value!r}")
    return found


def launch(args: argparse.Namespace, root: str):
    """Runs a root of `electra_bench.runs` as the arguments say."""
    quiet.import_tensorflow()
    from electra_bench.runs.launch import launch as launch_root

    return launch_root(
        root,
        gin_files(args),
        overrides(args, root),
        args.plugin,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
        accept_code=args.accept_code,
        on_start=errors.begin_work,
        suite=getattr(args, "suite", None),
        cell_id=getattr(args, "cell_id", None),
    )
