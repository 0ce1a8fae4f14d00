"""`electra-bench quickstart`."""

import os
import shlex
from dataclasses import dataclass, replace

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Dir
from electra_bench.cli.gin_arguments import GinParam
from electra_bench.config.ranges import Positive
from electra_bench.system.atomic import write_together
from electra_bench.system.tensorflow_import import import_tensorflow

# From here on, fine-tuning searches its learning rate and runs five seeds.
LONG_MINUTES = 60.0


@dataclass(kw_only=True)
class Quickstart(GinParam):
    """Pre-trains, fine-tunes and compares on text that is already here.

    Trains a vocabulary, pre-trains a tiny ELECTRA and a tiny masked language model with
    equal FLOPs, fine-tunes both and an untrained encoder on four tasks, and writes the
    leaderboard with a page for each task and report.

    examples:
      electra-bench quickstart
      electra-bench quickstart --minutes 60 --workdir quickstart-60

    It needs no download: the text is the documentation of the installed packages. Started
    again, it goes on where it stopped.

    Attributes:
        minutes: about how long it takes on two cores (default 10); more minutes are more
            pre-training; from 60 on, some forty of them go into five seeds of fine-tuning,
            twice over the examples, with the best of three learning rates
        workdir: folder for everything (quickstart)
        overwrite: delete the runs of an earlier start
        accept_code: take the runs of an earlier start that other code has made
    """

    minutes: Positive[float] = 10.0
    workdir: Dir = "quickstart"
    overwrite: bool = False
    accept_code: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "quickstart", Quickstart, run)


def run(args: Quickstart) -> None:
    """Runs everything and prints the leaderboard."""
    import_tensorflow()
    from electra_bench.reports.collect.records import collect
    from electra_bench.reports.render import terminal
    from electra_bench.reports.render.site import INDEX, render_site
    from electra_bench.reports.render.write import build_table, render_table
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
    files = render_table(table, out, command=command)
    write_together(out, files | render_site(collected, table, out, command))
    index = os.path.join(out, INDEX)
    print(f"wrote all tables and pictures into {out}; the first page is {index}")


def _command(args: Quickstart) -> str:
    words = ["electra-bench", "quickstart", "--minutes", f"{args.minutes:g}"]
    words += ["--workdir", args.workdir]
    words += [word for value in args.gin_param for word in ("--gin_param", value)]
    return shlex.join(words)
