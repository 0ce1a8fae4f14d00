"""`electra-bench score`."""

import argparse
import sys

from electra_bench.cli import of_run

EXAMPLE = """examples:
  electra-bench score runs/pretrain-electric-s0 --input lines.txt --output scores.jsonl
  electra-bench score runs/pretrain-mlm-s0 --input texts.jsonl.gz --tokens
  zcat lines.gz | electra-bench score runs/pretrain-electric-s0 --input - > scores.jsonl

A line of the output: {"id": 1, "text": "...", "pll": -35.1, "num_tokens": 9,
"per_token": -3.9}; --tokens adds "tokens": [["the", -2.1], ...]. The sum of the scores of
its tokens is a text's pseudo-log-likelihood (PLL); Electric's is known up to a constant a
token. Model, vocabulary and objective are those of the run, unless bindings say otherwise.
--workdir DIR keeps a record in a folder of its own below DIR.
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "score",
        help="pseudo-log-likelihoods of texts",
        description="Scores how probable every text is to a pre-trained encoder: in one "
        "pass a text by Electric, ELECTRA with a two-tower generator or the two towers, in "
        "one pass a token by a masked language model.",
        epilog=EXAMPLE,
    )
    of_run.add_arguments(parser)
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="texts, one a line, or .jsonl with a field 'text' and perhaps an 'id'; also "
        ".gz and .xz; - is standard input",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="JSON lines, also .gz and .xz (default: - for standard output)",
    )
    parser.add_argument(
        "--tokens",
        action="store_true",
        default=None,
        help="write the score of every token, too",
    )
    parser.add_argument(
        "--format",
        choices=("auto", "text", "jsonl"),
        help="of the input; auto tells by the name (default)",
    )
    parser.add_argument(
        "--text_field", metavar="NAME", help="field that holds the text (default: text)"
    )
    parser.add_argument(
        "--on_error",
        choices=("raise", "skip"),
        help="skip: count lines that are empty, too long or cannot be read, leave them out "
        "of the output and go on (default: raise)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the scores and prints what they took to standard error."""
    names = ("input", "output", "tokens", "format", "text_field", "on_error")
    record = of_run.launch(args, "score", {name: getattr(args, name) for name in names})
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
    return 0
