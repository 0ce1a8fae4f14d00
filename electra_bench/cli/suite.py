"""`electra-bench suite`."""

import argparse
import json
import os
from collections import Counter
from typing import TYPE_CHECKING

from electra_bench.cli import errors, gin_arguments

if TYPE_CHECKING:
    from electra_bench.suites.plan import Step
    from electra_bench.suites.suite import Suite

RUN_EXAMPLES = """\
examples:
  electra-bench suite run gin/suites/smoke.gin --workdir smoke --dry_run
  electra-bench suite run gin/suites/smoke.gin --workdir smoke
  electra-bench suite run gin/suites/glue.gin --data_dir data --workdir glue \\
    --gin.INIT="'runs/pretrain-tiny-s0'" --gin.SEEDS="[0, 1, 2]" --cores 2 --memory 8
  electra-bench suite run gin/suites/smoke.gin --workdir smoke --executor=ray

Cells whose folder holds a valid record are skipped. A failed cell is tried a second time.
Stopped with Ctrl-C or killed, the same command goes on; `leaderboard build` takes the
folder as it is.
"""
STATUS_EXAMPLES = """\
examples:
  electra-bench suite status smoke
  electra-bench suite status gin/suites/smoke.gin --workdir smoke --json

Outdated is a cell whose record is of other bindings than its gin files have now, or that
builds on such a cell: `suite run` refuses it, and repeats it with --overwrite. Data,
vocabularies and defaults in the code are not compared here, but by suite run --dry_run,
which takes some seconds.
"""
# Flags that stand for parameters of the root.
FLAGS = {
    "executor": "executor",
    "ray_address": "ray_address",
    "cores": "cores",
    "memory": "memory_gb",
}


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "suite", description="Runs grids of models, tasks and seeds."
    )
    actions = parser.add_subparsers(metavar="ACTION")
    run = actions.add_parser(
        "run",
        help="run what of a grid has no valid record yet",
        description="Plans the grid that a gin file describes and runs what of it has no "
        "valid record yet, in parallel.",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gin_arguments.add_gin_arguments(run)
    # A name that is none is answered by the root, which names them all.
    run.add_argument("--executor", metavar="E", help="local (default) or ray")
    run.add_argument(
        "--ray_address",
        metavar="A",
        help="cluster: auto, host:port; default: start one on this machine",
    )
    run.add_argument(
        "--cores", type=int, metavar="N", help="for all cells together; default: all"
    )
    run.add_argument(
        "--memory",
        type=float,
        metavar="GB",
        help="for all cells together; default: what is free",
    )
    run.add_argument(
        "--skip_missing",
        action="store_true",
        help="leave out tasks without data instead of refusing",
    )
    run.set_defaults(run=run_suite)
    status = actions.add_parser(
        "status",
        help="what is done, outdated, running, failed and missing",
        description="Prints the state of every cell, of a suite's folder or of a gin file.",
        epilog=STATUS_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    status.add_argument(
        "files", nargs="*", metavar="DIR_OR_GIN", help="folder of a suite, or gin files"
    )
    status.add_argument(
        "--gin_file", action="append", default=[], metavar="F", help="one more gin file"
    )
    gin_arguments.add_bindings(status)
    status.add_argument("--workdir", metavar="DIR", help="sets the macro WORKDIR")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(run=show_status)


def run_suite(args: argparse.Namespace) -> int:
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
            arguments = step.cell.arguments(
                suite.name,
                suite.plugins,
                overwrite=step.job.overwrite,
                accept_code=step.job.accept_code,
            )
            print(shown(arguments))
    counts = Counter("to run" if step.runs else step.state for step in steps)
    print(", ".join(f"{number} {what}" for what, number in counts.items()))


def _print_left_out(steps: "list[Step]") -> None:
    from electra_bench.suites.plan import LEFT_OUT

    reasons = Counter(step.reason for step in steps if step.state == LEFT_OUT)
    for reason, number in reasons.items():
        print(f"left out, {number} cells: {reason}", flush=True)


def show_status(args: argparse.Namespace) -> int:
    """Prints every cell, or an array of objects with a `name`."""
    from electra_bench.reports.render import terminal
    from electra_bench.runs.suite_outdated import NOT_COMPARED, outdated
    from electra_bench.suites.status import STATES, statuses

    suite = _suite(args)
    found = statuses(suite, outdated)
    if args.json:
        print(json.dumps([status._asdict() for status in found], indent=1))
        return errors.DONE
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
    return errors.DONE


def _suite(args: argparse.Namespace) -> "Suite":
    from electra_bench.runs import suite as root
    from electra_bench.suites.suite import read_plan

    if args.gin_file:
        if args.files:
            raise ValueError(f"give a folder or gin files, got both: {args.files[0]!r}")
        return root.configure(args.gin_file, gin_arguments.bindings(args), args.plugin)
    if len(args.files) != 1:
        raise ValueError("a suite's folder or gin file is needed")
    return read_plan(args.files[0])
