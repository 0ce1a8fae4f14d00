"""`electra-bench rerank`."""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from typing import Annotated, Any

from electra_bench.cli import arguments, of_run
from electra_bench.cli.arguments import File, Options
from electra_bench.records import RunRecord

# Metrics and how a table names them.
NAMES = {"wer": "WER", "bleu": "BLEU", "chrf": "chrF"}


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number >= 0, got {text!r}")
    return weight


@dataclass(kw_only=True)
class Rerank(of_run.OfRun):
    """Re-ranks n-best lists by pseudo-log-likelihoods.

    What a recogniser or translator proposes is ranked by its own score and the
    pseudo-log-likelihood (PLL) of a pre-trained encoder.

    examples:
      electra-bench rerank runs/pretrain-electric-s0 --dev dev.jsonl --test test.jsonl \\
        --metric wer --output reranked.jsonl
      electra-bench rerank runs/pretrain-electric-s0 --test test.jsonl --lambda 0.3 \\
        --output reranked.jsonl

    A line of a file is a list: {"id": "a1", "hypotheses": [{"text": "...", "score": -3.2},
    ...], "reference": "..."}, or "references": ["...", ...]. Larger scores are better.
    Every hypothesis gets score + lambda * PLL; lambda is the best of 0.05, 0.1, ... 1.0 on
    the dev lists. A line of the output: {"id": "a1", "best": "...", "index": 0, "scores":
    [...]}. --workdir DIR keeps a record in a folder of its own below DIR.

    Attributes:
        dev: n-best lists that lambda is chosen on
        test: n-best lists to re-rank
        metric: word error rate, or BLEU or chrF by sacrebleu
        weight: weight of the PLL (default: chosen on the dev lists)
        output: JSON lines with the best hypotheses of the test lists, or of the dev lists
            if there are no others; - is standard output
        json: print the results as one JSON object
    """

    dev: File | None = None
    test: File | None = None
    metric: Annotated[str, Options(choices=tuple(NAMES))] | None = None
    weight: Annotated[float, Options(flags=["--lambda"], type=_weight)] | None = None
    output: File | None = None
    json: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "rerank", Rerank, run)


def run(args: Rerank) -> None:
    """Prints a table of the metric before and after re-ranking.

    Raises:
        ValueError: two things are to go to standard output.
    """
    if args.output == "-" and args.json:
        raise ValueError("--json and --output - both print to standard output")
    names = ("dev", "test", "metric", "weight", "output")
    record = of_run.launch(args, "rerank", names)
    if not record.results:  # a dry run
        return
    if args.json:
        print(json.dumps(_object(record)))
    else:
        _print(record, args.metric, to_stderr=args.output == "-")


def _object(record: RunRecord) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "name": record.label,
        "lambda": record.results[0].metrics["lambda"],
        "results": [
            {"split": result.split, "lists": result.num_examples, **result.metrics}
            for result in record.results
        ],
    }


def _print(record: RunRecord, metric: str | None, *, to_stderr: bool) -> None:
    from electra_bench.reports.render import terminal

    out = terminal.console(sys.stderr if to_stderr else sys.stdout)
    columns = ["split", "lists", "hypotheses"]
    if metric:
        columns += [f"{NAMES[metric]} before", "after", "oracle"]
    columns += ["changed", "passes", "seconds"]
    rows = []
    for result in record.results:
        found = result.metrics
        row = [result.split, f"{result.num_examples:,}", f"{found['hypotheses']:,}"]
        if metric:
            row += [
                f"{found[f'{metric}_{when}']:.2f}"
                for when in ("before", "after", "oracle")
            ]
        row += [
            f"{found['changed']:.1f} %",
            f"{found['passes']:,}",
            f"{found['seconds']:.1f}",
        ]
        rows.append(row)
    out.print(f"{record.label}: lambda {record.results[0].metrics['lambda']:g}")
    terminal.print_grid(columns, rows, out)
