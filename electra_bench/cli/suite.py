"""`electra-bench suite`."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from electra_bench.cli import arguments, errors, gin_arguments
from electra_bench.cli.arguments import Json, Options
from electra_bench.config.ranges import Positive

if TYPE_CHECKING:
    from electra_bench.suites.plan import Step
    from electra_bench.suites.suite import Suite

# Flags that stand for parameters of the root.
FLAGS = {
    "executor": "executor",
    "ray_address": "ray_address",
    "cores": "cores",
    "memory": "memory_gb",
}


@dataclass(kw_only=True)
class Run(gin_arguments.Run):
    """Runs what of a grid has no valid record yet.

    Plans the grid that a gin file describes and runs what is left of it in parallel.

    examples:
      electra-bench suite run gin/suites/smoke.gin --workdir smoke --dry_run
      electra-bench suite run gin/suites/smoke.gin --workdir smoke
      electra-bench suite run gin/suites/glue.gin --data_dir data --workdir glue \\
        --gin.INIT="'runs/pretrain-tiny-s0'" --gin.SEEDS="[0, 1, 2]" --cores 2 --memory 8
      electra-bench suite run gin/suites/smoke.gin --workdir smoke --executor=ray

    Cells whose folder holds a valid record are skipped. A failed cell is tried a second
    time. Stopped with Ctrl-C or killed, the same command goes on; `leaderboard build` takes
    the folder as it is.

    Attributes:
        executor: local (default) or ray
        ray_address: cluster: auto, host:port; default: start one on this machine
        cores: for all cells together; default: all
        memory: for all cells together; default: what is free
        skip_missing: leave out tasks without data instead of refusing
    """

    # A name that is none is answered by the root, which names them all.
    executor: Annotated[str, Options(metavar="E")] | None = None
    ray_address: Annotated[str, Options(metavar="A")] | None = None
    cores: Positive[int] | None = None
    memory: Annotated[Positive[float], Options(metavar="GB")] | None = None
    skip_missing: bool = False


@dataclass(kw_only=True)
class Status(Json, gin_arguments.GinFiles):
    """Prints what is done, outdated, running, failed and missing.

    That is the state of every cell, of a suite's folder or of a gin file.

    examples:
      electra-bench suite status smoke
      electra-bench suite status gin/suites/smoke.gin --workdir smoke --json

    Outdated is a cell whose record is of other bindings than its gin files have now, or
    that builds on such a cell: `suite run` refuses it, and repeats it with --overwrite.
    Data, vocabularies and defaults in the code are not compared here, but by suite run
    --dry_run, which takes some seconds.

    Attributes:
        files: folder of a suite, or gin files
    """

    files: list[Annotated[str, Options(metavar="DIR_OR_GIN")]] = field(
        default_factory=list, kw_only=False
    )


def add_parser(subparsers) -> None:
    """Adds the verb."""
    description = "Runs grids of models, tasks and seeds."
    actions = arguments.add_actions(subparsers, "suite", description)
    arguments.add(actions, "run", Run, run_suite)
    arguments.add(actions, "status", Status, show_status)


def run_suite(args: Run) -> int:
    """Runs the suite; the exit status is 1 if a cell is not done in the end."""
    from electra_bench.records.run_folder import ANSWERED
    from electra_bench.runs import suite as root
    from electra_bench.runs.session import check_flags
    from electra_bench.suites import plan, run
    from electra_bench.suites.suite import GB

    check_flags(overwrite=args.overwrite, accept_code=args.accept_code)
    bindings = [
        f"runs.suite.{parameter} = {getattr(args, flag)!r}"
        for flag, parameter in FLAGS.items()
        if getattr(args, flag) is not None
    ]
    suite = root.configure(
        gin_arguments.gin_files(args),
        [*gin_arguments.bindings(args), *bindings],
        args.plugin,
    )
    if not args.dry_run:
        run.check_alone(suite)
    print(f"suite {suite.name}: checking {len(suite.cells)} cells", flush=True)
    steps = plan.plan(
        suite,
        root.check(suite),
        overwrite=args.overwrite,
        accept_code=args.accept_code,
        skip_missing=args.skip_missing,
    )
    if args.dry_run:
        if suite.executor == "local":
            capacity = run.local_executor(suite).capacity
            plan.check_fits(steps, capacity, suite.threads)
            print(
                f"budget: {capacity.cores} cores, {capacity.memory_bytes / GB:.1f} GB"
            )
        _print_plan(suite, steps)
        return errors.DONE
    _print_left_out(steps)
    counts = Counter(step.state for step in steps)
    answered = counts[ANSWERED]
    outcome = run.run(suite, steps, errors.begin_work)
    print(
        f"suite {suite.name}: {len(outcome.done)} done now, {answered} before, "
        f"{len(outcome.failed)} failed, {len(outcome.waiting)} wait for them, "
        f"{counts[plan.LEFT_OUT]} left out"
    )
    for cell in suite.cells:
        if cell.cell_id in outcome.failed:
            reason, log = outcome.failed[cell.cell_id], suite.log(cell)
            print(f"{cell.cell_id} failed: {reason} (log {log})")
    return errors.FAILED if outcome.failed or outcome.waiting else errors.DONE


def _print_plan(suite: "Suite", steps: "list[Step]") -> None:
    from electra_bench.reports.render import terminal
    from electra_bench.suites.cell import shown
    from electra_bench.suites.suite import GB

    columns = ("", "cell", "state", "waits for", "GB", "note")
    rows = [
        (
            number,
            step.cell.cell_id,
            step.state if step.state != "absent" else "to run",
            ", ".join(step.cell.waits_for),
            f"{step.job.memory_bytes / GB:.1f}" if step.runs else "",
            step.reason,
        )
        for number, step in enumerate(steps, 1)
    ]
    terminal.print_grid(columns, rows, terminal.console())
    for step in steps:
        if step.runs:
            command = step.cell.arguments(
                suite.name,
                suite.plugins,
                overwrite=step.job.overwrite,
                accept_code=step.job.accept_code,
            )
            print(shown(command))
    counts = Counter("to run" if step.runs else step.state for step in steps)
    print(", ".join(f"{number} {what}" for what, number in counts.items()))


def _print_left_out(steps: "list[Step]") -> None:
    from electra_bench.suites.plan import LEFT_OUT

    reasons = Counter(step.reason for step in steps if step.state == LEFT_OUT)
    for reason, number in reasons.items():
        print(f"left out, {number} cells: {reason}", flush=True)


def show_status(args: Status) -> None:
    """Prints every cell, or an array of objects with a `name`."""
    from electra_bench.reports.render import terminal
    from electra_bench.runs.suite_outdated import NOT_COMPARED, outdated
    from electra_bench.suites.status import STATES, statuses

    suite = _suite(args)
    found = statuses(suite, outdated)
    if args.json:
        print(json.dumps([status._asdict() for status in found], indent=1))
        return
    columns = ("cell", "state", "attempts", "seconds", "score", "reason")
    rows = [
        (
            status.name,
            status.state,
            status.attempts,
            "" if status.seconds is None else f"{status.seconds:.0f}",
            "" if status.score is None else f"{status.score:.1f}",
            status.reason,
        )
        for status in found
    ]
    terminal.print_grid(columns, rows, terminal.console())
    counts = Counter(status.state for status in found)
    print(
        f"suite {suite.name}: "
        + ", ".join(f"{counts[state]} {state}" for state in STATES)
        + f" of {len(found)}; logs in {os.path.join(suite.workdir, 'logs')}"
    )
    print(f"not compared: {NOT_COMPARED}; suite run --dry_run compares them, too")


def _suite(args: Status) -> "Suite":
    from electra_bench.runs import suite as root
    from electra_bench.suites.suite import read_plan

    if args.gin_file:
        if args.files:
            raise ValueError(f"give a folder or gin files, got both: {args.files[0]!r}")
        return root.configure(args.gin_file, gin_arguments.bindings(args), args.plugin)
    if len(args.files) != 1:
        raise ValueError("a suite's folder or gin file is needed")
    return read_plan(args.files[0])
