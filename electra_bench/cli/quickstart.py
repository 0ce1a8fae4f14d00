"""`electra-bench quickstart`."""

import argparse
import os
import shlex
from dataclasses import replace

from electra_bench.cli import errors
from electra_bench.system import quiet

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
        "four tasks, and writes the leaderboard with a page for each task and report.",
        epilog=EXAMPLE,
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
    parser.add_argument(
        "--accept_code",
        action="store_true",
        help="take the runs of an earlier start that other code has made",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs everything and prints the leaderboard."""
    quiet.import_tensorflow()
    from electra_bench.reports.collect.records import collect
    from electra_bench.reports.render import terminal
    from electra_bench.reports.render.site import write_site
    from electra_bench.reports.render.write import build_table, write_table
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
        **({"accept_code": True} if args.accept_code else {}),
    )
    collected = collect([os.path.join(args.workdir, "runs")])
    # Runs of an earlier start with more seeds may lie beside them.
    ids = {record.run_id for record in records}
    collected = replace(
        collected, records=tuple(r for r in collected if r.run_id in ids)
    )
    table = build_table(collected)
    terminal.print_table(table)
    out, command = os.path.join(args.workdir, "leaderboard"), _command(args)
    write_table(table, out, command=command)
    [index, *_] = write_site(collected, table, out, command)
    print(f"wrote all tables and pictures into {out}; the first page is {index}")
    return 0


def _command(args: argparse.Namespace) -> str:
    words = ["electra-bench", "quickstart", "--minutes", f"{args.minutes:g}"]
    words += ["--workdir", args.workdir]
    words += [word for value in args.gin_param for word in ("--gin_param", value)]
    return shlex.join(words)
