"""`electra-bench compare`."""

import os
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Dir, Json, Options, Plugins
from electra_bench.config.ranges import NotNegative

DEFAULT_RUNS = "runs"


@dataclass
class Compare(Json, Plugins):
    """Two runs or two models side by side.

    Differences of scores with intervals and tests, examples on which they disagree,
    configuration and environment.

    examples:
      electra-bench compare runs/electra-cola-s0 runs/mlm-cola-s0     two runs
      electra-bench compare electra mlm --runs runs                   two models, all seeds
      electra-bench compare electra mlm --runs runs --markdown > compared.md

    Attributes:
        a: folder of a run, run_id, or label of runs
        b: folder of a run, run_id, or label of runs
        runs: where run_ids and labels are looked for; default: runs
        examples: examples to show of each task and side; default: 5
        markdown: print Markdown
    """

    a: Annotated[str, Options(metavar="A")]
    b: Annotated[str, Options(metavar="B")]
    _: KW_ONLY
    runs: list[Dir] = field(default_factory=list)
    examples: NotNegative[int] = 5
    markdown: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "compare", Compare, run)


def run(args: Compare) -> None:
    """Compares and prints."""
    if args.json and args.markdown:
        raise errors.UsageError("--markdown does not go with --json")
    from electra_bench.reports.compare.comparison import compare
    from electra_bench.reports.compare.tables import to_json, to_tables
    from electra_bench.reports.render.markdown import to_markdown
    from electra_bench.reports.render.terminal import print_table

    args.load_plugins()
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
