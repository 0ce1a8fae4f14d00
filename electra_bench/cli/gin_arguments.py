"""Arguments that every verb with a gin configuration takes."""

import argparse
from collections.abc import Sequence

from electra_bench.cli import errors, quiet


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
        elif argument == "--gin_file":
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


def gin_files(args: argparse.Namespace) -> list[str]:
    """The gin files, in order.

    Raises:
        ValueError: none was given.
    """
    files = [*args.gin_file, *args.files]
    if not files:
        raise ValueError(
            "a gin file is needed, for instance gin/runs/pretrain.gin; "
            "see electra-bench VERB --help"
        )
    return files


def overrides(args: argparse.Namespace) -> list[str]:
    """The bindings given on the command line."""
    bindings = list(args.gin_param)
    for macro in ("workdir", "data_dir"):
        value = getattr(args, macro, None)
        if value is not None:
            bindings.append(f"{macro.upper()} = {value!r}")
    return bindings


def launch(args: argparse.Namespace, root: str):
    """Runs a root of `electra_bench.runs` as the arguments say."""
    quiet.import_tensorflow()
    from electra_bench.runs.launch import launch as launch_root

    return launch_root(
        root,
        gin_files(args),
        overrides(args),
        args.plugin,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
        on_start=errors.begin_work,
        suite=getattr(args, "suite", None),
        cell_id=getattr(args, "cell_id", None),
    )
