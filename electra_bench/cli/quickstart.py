"""`electra-bench quickstart`."""

import argparse
import os

from electra_bench.cli import errors, quiet

EXAMPLE = """examples:
  electra-bench quickstart
  electra-bench quickstart --minutes 60 --workdir quickstart-60

It needs no download: the text is the documentation of the installed packages. Started
again, it goes on where it stopped.
"""
# From here on, fine-tuning searches its learning rate and runs five seeds.
LONG_MINUTES = 60.0


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "quickstart",
        help="pre-train, fine-tune and compare on text that is already here",
        description="Trains a vocabulary, pre-trains a tiny ELECTRA and a tiny masked "
        "language model with equal FLOPs, fine-tunes both and an untrained encoder on "
        "four tasks, and writes the leaderboard.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="about how long it takes on two cores (default 10); more minutes are more "
        f"pre-training; from {LONG_MINUTES:g} on, some forty of them go into five seeds "
        "of fine-tuning, twice over the examples, with the best of three learning rates",
    )
    parser.add_argument(
        "--workdir", default="quickstart", help="folder for everything (quickstart)"
    )
    parser.add_argument(
        "--gin_param",
        action="append",
        default=[],
        metavar="'X = Y'",
        help="one binding; --gin.X=Y is the same",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="delete the runs of an earlier start"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs everything and prints the leaderboard."""
    quiet.import_tensorflow()
    from electra_bench.reports import plots, terminal
    from electra_bench.reports.collect import collect
    from electra_bench.reports.write import write_leaderboard
    from electra_bench.runs.launch import launch

    length = "long" if args.minutes >= LONG_MINUTES else "short"
    records = launch(
        "quickstart",
        [f"runs/quickstart_{length}.gin"],
        [
            f"MINUTES = {args.minutes!r}",
            f"WORKDIR = {args.workdir!r}",
            *args.gin_param,
        ],
        overwrite=args.overwrite,
        on_start=errors.begin_work,
    )
    out = os.path.join(args.workdir, "leaderboard")
    command = f"electra-bench quickstart --minutes {args.minutes:g}"
    paths = collect([os.path.join(args.workdir, "runs")]).paths
    table, written = write_leaderboard(records, out, paths=paths, command=command)
    written += plots.write_plots(table, out)
    terminal.print_table(table)
    for path in written:
        print(path)
    return 0
