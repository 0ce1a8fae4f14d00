"""`electra-bench score`."""

import sys
from dataclasses import dataclass
from typing import Literal

from electra_bench.cli import arguments, of_run
from electra_bench.cli.arguments import File
from electra_bench.config.ranges import Share


@dataclass(kw_only=True)
class Score(of_run.OfRun):
    """Scores how probable every text is to a pre-trained encoder.

    That takes one pass a text by Electric, ELECTRA with a two-tower generator or the two
    towers, one pass a token by a masked language model.

    examples:
      electra-bench score runs/pretrain-electric-s0 --input lines.txt --output scores.jsonl
      electra-bench score runs/pretrain-mlm-s0 --input texts.jsonl.gz --tokens
      zcat lines.gz | electra-bench score runs/pretrain-electric-s0 --input - > scores.jsonl

    A line of the output: {"id": 1, "text": "...", "pll": -35.1, "num_tokens": 9,
    "per_token": -3.9}; --tokens adds "tokens": [["the", -2.1], ...]. The sum of the scores
    of its tokens is a text's pseudo-log-likelihood (PLL); Electric's is known up to a
    constant a token. Model, vocabulary and objective are those of the run, unless bindings
    say otherwise. --workdir DIR keeps a record in a folder of its own below DIR.

    Attributes:
        input: texts, one a line, or .jsonl or .csv with a field 'text' and perhaps an
            'id'; also .gz, .xz, .bz2 and .zst; - is standard input
        output: JSON lines, also .gz, .xz, .bz2 and .zst (default: - for standard output)
        tokens: write the score of every token, too
        format: of the input; auto tells by name and content (default)
        text_field: field or column that holds the text (default: text)
        on_error: skip: count lines that are empty, too long or cannot be read, leave them
            out of the output and go on (default: raise)
        max_skipped: share of the lines that may be left out so (default: 0.1)
    """

    input: File
    output: File | None = None
    tokens: bool | None = None
    format: Literal["auto", "text", "jsonl", "csv"] | None = None
    text_field: str | None = None
    on_error: Literal["raise", "skip"] | None = None
    max_skipped: Share[float] | None = None


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "score", Score, run)


def run(args: Score) -> None:
    """Writes the scores and prints what they took to standard error."""
    names = (
        *("input", "output", "tokens", "format", "text_field"),
        *("on_error", "max_skipped"),
    )
    record = of_run.launch(args, "score", names)
    for result in record.results:
        found = result.metrics
        parts = [
            f"{found['lines']:,} lines",
            f"{found['tokens']:,} tokens",
            f"{found['passes']:,} passes in {found['seconds']:.1f} s "
            f"({found['lines'] / found['seconds']:,.1f} lines/s)",
            f"mean PLL {found['mean_pll']:.3f}",
        ]
        if "perplexity" in found:
            parts.append(f"pseudo-perplexity {found['perplexity']:.2f}")
        if found["skipped"]:
            parts.append(f"{found['skipped']:,} skipped")
        print(f"{args.run_dir}: {', '.join(parts)}", file=sys.stderr)
