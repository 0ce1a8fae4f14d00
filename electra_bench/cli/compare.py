"""`electra-bench compare`."""

import argparse
import os

from electra_bench.cli import shared_flags

EXAMPLES = """\
examples:
  electra-bench compare runs/electra-cola-s0 runs/mlm-cola-s0     two runs
  electra-bench compare electra mlm --runs runs                   two models, all seeds
  electra-bench compare electra mlm --runs runs --markdown > compared.md
"""
DEFAULT_RUNS = "runs"


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "compare",
        description="Two runs or two models side by side: differences of scores with "
        "intervals and tests, examples on which they disagree, configuration and "
        "environment.",
        epilog=EXAMPLES,
        parents=[shared_flags.PLUGIN],
    )
    for name in ("A", "B"):
        parser.add_argument(
            name.lower(), metavar=name, help="folder of a run, run_id, or label of runs"
        )
    parser.add_argument(
        "--runs",
        action="append",
        default=[],
        metavar="DIR",
        help="where run_ids and labels are looked for; may be repeated; "
        f"default: {DEFAULT_RUNS}",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=5,
        metavar="N",
        help="examples to show of each task and side; default: 5",
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON")
    forms.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Compares and prints."""
    from electra_bench.reports.compare.comparison import compare
    from electra_bench.reports.compare.tables import to_json, to_tables
    from electra_bench.reports.render.markdown import to_markdown
    from electra_bench.reports.render.terminal import print_table

    if args.examples < 0:
        raise ValueError(f"--examples must be at least 0, got {args.examples}")
    shared_flags.load_plugins(args)
    folders = args.runs or [f for f in [DEFAULT_RUNS] if os.path.isdir(f)]
    comparison = compare((args.a, args.b), folders, args.examples)
    if args.json:
        print(to_json(comparison), end="")
        return
    for table in to_tables(comparison):
        if args.markdown:
            print(to_markdown(table))
        else:
            print_table(table)
            print()
