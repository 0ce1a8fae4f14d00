"""Arguments that every verb with a gin configuration takes."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any, Literal

from electra_bench import config
from electra_bench.cli import errors
from electra_bench.cli.arguments import Dir, Options, Plugins
from electra_bench.registry import GIN_MODULES, REGISTRIES, load_plugin
from electra_bench.system import garbage
from electra_bench.system.tensorflow_import import import_tensorflow

GinFile = Annotated[str, Options(metavar="F")]


@dataclass(kw_only=True)
class GinParam:
    """Bindings of the command line.

    Attributes:
        gin_param: one binding; --gin.X=Y is the same
    """

    gin_param: list[Annotated[str, Options(metavar="'X = Y'")]] = field(
        default_factory=list
    )


@dataclass(kw_only=True)
class Bindings(GinParam, Plugins):
    """What also verbs take whose gin files are fixed.

    Attributes:
        data_dir: sets the macro DATA_DIR
    """

    data_dir: Dir | None = None


@dataclass
class GinFiles(Bindings):
    """A configuration.

    Attributes:
        files: gin files, in order
        gin_file: one more gin file
        workdir: sets the macro WORKDIR
    """

    files: list[Annotated[str, Options(metavar="GIN")]] = field(default_factory=list)
    _: KW_ONLY
    gin_file: list[GinFile] = field(default_factory=list)
    workdir: Dir | None = None


@dataclass(kw_only=True)
class Run(GinFiles):
    """A configuration that is run.

    Attributes:
        dry_run: build everything, print the plan, stop
        overwrite: delete another run that lies in the run's folder
        accept_code: take a run in the folder that other code has made or begun; its
            record and tables say so
    """

    dry_run: bool = False
    overwrite: bool = False
    accept_code: bool = False


@dataclass(kw_only=True)
class Cell:
    """What a suite says of itself in the commands of its cells.

    Attributes:
        suite: suite that the run belongs to, for the record
        cell_id: its place in the suite, for the record
    """

    suite: str | None = None
    cell_id: Annotated[str, Options(metavar="ID")] | None = None


@dataclass(kw_only=True)
class OnError:
    """What becomes of rows of the data.

    Attributes:
        bad_rows: stop at a row of the data that cannot be used, or leave it out, count it
            and mark the score (default: what is usual for the task)
    """

    bad_rows: (
        Annotated[Literal["raise", "skip"], Options(flags=["--on_error"])] | None
    ) = None


@dataclass(kw_only=True)
class TaskFile:
    """A task without code.

    Attributes:
        task_file: gin file that makes a task of data files; sets the macro TASK to it,
            unless that is bound
    """

    task_file: list[GinFile] = field(default_factory=list)


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


def gin_files(args: GinFiles) -> list[str]:
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


def overrides(args: Any, root: str) -> list[str]:
    """The bindings given on the command line, and what other flags stand for."""
    given = bindings(args)
    if getattr(args, "bad_rows", None):
        given.append(f"runs.{root}.on_error = {args.bad_rows!r}")
    task_files = getattr(args, "task_file", [])
    if task_files and config.peek(f"runs.{root}.task", gin_files(args), given) is None:
        names = file_tasks(task_files)
        given.append(f"TASK = {(names[0] if len(names) == 1 else tuple(names))!r}")
    return given


def parse(args: Any) -> None:
    """Parses gin files and bindings of what has a name, which is all that may be bound."""
    config.parse(
        args.gin_file,
        args.gin_param,
        load=lambda kind, name: REGISTRIES[kind].load(name),
        import_module=load_plugin,
        kinds=GIN_MODULES,
    )


def file_tasks(task_files: Sequence[str]) -> list[str]:
    """The tasks that task files make.

    Raises:
        ValueError: none.
    """
    names = config.bound_names("tasks", task_files)
    if not names:
        raise ValueError(f"{task_files[0]}: binds no tasks.<name>.<parameter>")
    return names


def bindings(args: GinParam) -> list[str]:
    """The bindings given on the command line, flags for macros among them."""
    found = list(args.gin_param)
    for macro in ("workdir", "data_dir"):
        value = getattr(args, macro, None)
        if value is not None:
            found.append(f"{macro.upper()} = {value!r}")
    return found


def launch(args: Run, root: str) -> Any:
    """Runs a root of `electra_bench.runs` as the arguments say."""
    with garbage.none_before_work() as look_for_garbage:
        import_tensorflow()
        from electra_bench.runs.launch import launch as launch_root

        garbage.look_seldom()

        def begin() -> None:
            look_for_garbage()
            errors.begin_work()

        return launch_root(
            root,
            gin_files(args),
            overrides(args, root),
            args.plugin,
            dry_run=args.dry_run,
            overwrite=args.overwrite,
            accept_code=args.accept_code,
            on_start=begin,
            suite=getattr(args, "suite", None),
            cell_id=getattr(args, "cell_id", None),
        )
