"""`electra-bench leaderboard`."""

import argparse
import shlex

from electra_bench.cli import shared_flags

EXAMPLES = """\
examples:
  electra-bench leaderboard build runs
  electra-bench leaderboard build runs other/runs --out report --format html,csv
  electra-bench leaderboard build runs --tasks cola,rte
  electra-bench leaderboard build runs --report quirk_cost --out report
  electra-bench leaderboard build runs --gin.reports.leaderboard.labels="['small']"
  electra-bench leaderboard build runs --gin.reports.leaderboard.correction="'bh'"
  electra-bench leaderboard build runs \\
      --gin.reports.leaderboard.further_metrics="{'squad': ['f1']}"
"""

FILES = ("md", "csv", "json", "tex", "html")
# One page for each task and for each report.
SITE = "site"
FORMATS = ("terminal", *FILES, SITE)


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "leaderboard", description="Makes tables of the records of finished runs."
    )
    actions = parser.add_subparsers(metavar="ACTION")
    build = actions.add_parser(
        "build",
        help="build a table",
        description="Reads every record.json below the folders, prints the table and, "
        "with --out, writes it into files.",
        epilog=EXAMPLES,
        parents=[shared_flags.PLUGIN, shared_flags.GIN_FILE, shared_flags.GIN_PARAM],
    )
    build.add_argument("runs", nargs="+", metavar="RUNS_DIR", help="folders with runs")
    build.add_argument("--out", metavar="DIR", help="folder for the files")
    build.add_argument(
        "--format",
        metavar="F,F",
        help=f"some of {', '.join(FORMATS)}; default: all with --out, else terminal",
    )
    build.add_argument("--tasks", metavar="T,T", help="tasks to show, in this order")
    build.add_argument(
        "--report", default="leaderboard", metavar="NAME", help="registered report"
    )
    build.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Builds the report, prints it and writes it."""
    from electra_bench import config
    from electra_bench.registry import GIN_MODULES, REGISTRIES, load_plugin
    from electra_bench.reports.collect.records import collect
    from electra_bench.reports.render.write import build_table, write_table

    formats = _formats(args)
    shared_flags.load_plugins(args)
    config.parse(
        args.gin_file,
        args.gin_param,
        load=lambda kind, name: REGISTRIES[kind].load(name),
        import_module=load_plugin,
        kinds=GIN_MODULES,
    )
    tasks = args.tasks.split(",") if args.tasks else None
    records = collect(args.runs)
    table = build_table(records, args.report, tasks)
    if "terminal" in formats:
        from electra_bench.reports.render import terminal

        terminal.print_table(table)
    if args.out:
        files = [name for name in formats if name in FILES]
        command = _command(args)
        written = write_table(table, args.out, files, name=args.report, command=command)
        if SITE in formats:
            from electra_bench.reports.render.site import write_site

            written += write_site(records, table, args.out, command, tasks)
        for path in written:
            print(f"wrote {path}")


def _formats(args: argparse.Namespace) -> list[str]:
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


def _command(args: argparse.Namespace) -> str:
    words = ["electra-bench", "leaderboard", "build", *args.runs, "--out", args.out]
    for flag in ("format", "tasks"):
        if getattr(args, flag):
            words += [f"--{flag}", getattr(args, flag)]
    if args.report != "leaderboard":
        words += ["--report", args.report]
    for flag in ("plugin", "gin_file", "gin_param"):
        for value in getattr(args, flag):
            words += [f"--{flag}", value]
    return shlex.join(words)
