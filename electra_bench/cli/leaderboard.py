"""`electra-bench leaderboard`."""

import shlex
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated

from electra_bench.cli import arguments, gin_arguments
from electra_bench.cli.arguments import Dir, Options, Plugins
from electra_bench.system.atomic import write_together

FILES = ("md", "csv", "json", "tex", "html")
# One page for each task and for each report.
SITE = "site"
FORMATS = ("terminal", *FILES, SITE)


@dataclass
class Build(gin_arguments.GinParam, Plugins):
    """Builds a table of the records of finished runs.

    It reads every record.json below the folders, prints the table and, with --out, writes
    it into files.

    examples:
      electra-bench leaderboard build runs
      electra-bench leaderboard build runs other/runs --out report --format html,csv
      electra-bench leaderboard build runs --tasks cola,rte
      electra-bench leaderboard build runs --report quirk_cost --out report
      electra-bench leaderboard build runs --gin.reports.leaderboard.labels="['small']"
      electra-bench leaderboard build runs --gin.reports.leaderboard.correction="'bh'"
      electra-bench leaderboard build runs \\
          --gin.reports.leaderboard.further_metrics="{'squad': ['f1']}"

    Attributes:
        runs: folders with runs
        gin_file: a gin file
        out: folder for the files
        format: some of terminal, md, csv, json, tex, html, site; default: all with --out,
            else terminal
        tasks: tasks to show, in this order
        report: registered report
    """

    runs: list[Annotated[str, Options(metavar="RUNS_DIR")]]
    _: KW_ONLY
    gin_file: list[gin_arguments.GinFile] = field(default_factory=list)
    out: Dir | None = None
    format: Annotated[str, Options(metavar="F,F")] | None = None
    tasks: Annotated[str, Options(metavar="T,T")] | None = None
    report: str = "leaderboard"


def add_parser(subparsers) -> None:
    """Adds the verb."""
    description = "Makes tables of the records of finished runs."
    actions = arguments.add_actions(subparsers, "leaderboard", description)
    arguments.add(actions, "build", Build, run)


def run(args: Build) -> None:
    """Builds the report, prints it and writes it."""
    from electra_bench.reports.collect.records import collect
    from electra_bench.reports.render.write import build_table, render_table

    formats = _formats(args)
    args.load_plugins()
    gin_arguments.parse(args)
    tasks = args.tasks.split(",") if args.tasks else None
    records = collect(args.runs).for_one_build()
    table = build_table(records, args.report, tasks)
    if "terminal" in formats:
        from electra_bench.reports.render import terminal

        terminal.print_table(table)
    if args.out:
        chosen = [name for name in formats if name in FILES]
        command = _command(args, args.out)
        files = render_table(table, args.out, chosen, name=args.report, command=command)
        if SITE in formats:
            from electra_bench.reports.render.site import render_site

            files |= render_site(records, table, args.out, command, tasks)
        for path in write_together(args.out, files):
            # Pictures belong to their pages.
            if path.endswith(FILES):
                print(f"wrote {path}")


def _formats(args: Build) -> list[str]:
    formats = [name for name in FORMATS if name != SITE or args.report == "leaderboard"]
    if args.format is None:
        return formats if args.out else ["terminal"]
    formats = args.format.split(",")
    for name in formats:
        if name not in FORMATS:
            raise ValueError(f"--format: no format {name!r}; all: {', '.join(FORMATS)}")
    if SITE in formats and args.report != "leaderboard":
        raise ValueError(
            f"--format site is the leaderboard with all reports; got {args.report!r}"
        )
    if not args.out and formats != ["terminal"]:
        raise ValueError("--format needs --out for everything but terminal")
    return formats


def _command(args: Build, out: str) -> str:
    words = ["electra-bench", "leaderboard", "build", *args.runs, "--out", out]
    for flag in ("format", "tasks"):
        if getattr(args, flag):
            words += [f"--{flag}", getattr(args, flag)]
    if args.report != "leaderboard":
        words += ["--report", args.report]
    for flag in ("plugin", "gin_file", "gin_param"):
        for value in getattr(args, flag):
            words += [f"--{flag}", value]
    return shlex.join(words)
