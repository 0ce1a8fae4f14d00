"""What the project aims at in speed, beside its peers: one table, in one stretch.

    benchmarks/peers/make_environments.sh peers
    git clone https://github.com/google-research/electra
    python benchmarks/targets.py --text 'corpus/*.xz' --vocab vocab.txt --data_dir data \
        --peers peers --original electra --before ../before --output targets.jsonl

Measures one row after the other, ours and others in turn, and appends a line of JSON for
each to `--output` as soon as it is known; `--only WORD` takes the rows that have it in
their name, and `--table` prints what the file holds. Without `--peers`, `--original` (a
clone of google-research/electra) or `--before` (a worktree of commit 7a4b659 with its
environment in `.venv`) their columns say absent. Nothing else may run beside it.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL, TINY = "gin/models/small.gin", "gin/models/tiny.gin"
BFLOAT16 = ["--gin_param", "training.precision.name = 'bfloat16'"]
# MiniLM's sizes: 12 layers of 384.
WIDE = {"hidden_size": 384, "num_heads": 12, "ffn_size": 1536}
WIDE_PEER = ["--hidden", "384", "--heads", "12", "--ffn", "1536"]


class Row(NamedTuple):
    """One kind of work.

    Attributes:
        name: what is done.
        number: the field that counts.
        ours: arguments of our benchmark.
        huggingface: arguments of `peers/huggingface.py`; None for none.
        original: whether the original is measured.
        target: what is aimed at.
    """

    name: str
    number: str
    ours: Sequence[str]
    huggingface: Sequence[str] | None
    original: bool
    target: str


def rows(args: argparse.Namespace) -> list[Row]:
    """All, in the order of the table."""
    text = ["--text", args.text, "--vocab", args.vocab]
    small = ["train_speed.py", SMALL, *text, "--steps", "16", "--log_every", "2"]
    small += ["--gin_param", "BATCH_SIZE=32"]
    tiny = ["train_speed.py", TINY, *text, "--steps", "240", "--log_every", "20"]
    fine = ["finetune_speed.py", SMALL, "--vocab", args.vocab]
    wide = [
        x for k, v in WIDE.items() for x in ("--gin_param", f"models.electra.{k}={v}")
    ]
    of_files = [*fine, "--data_dir", args.data_dir]
    glue = os.path.join(args.data_dir, "glue")
    peer_files = ["--vocab", args.vocab, "--tsv"]
    cola = [*peer_files, f"{glue}/CoLA/train.tsv", "--columns", "3,1"]
    mrpc = [*peer_files, f"{glue}/MRPC/train.tsv", "--columns", "3,4,0", "--header"]
    qnli = [*peer_files, f"{glue}/QNLI/dev.tsv", "--columns", "1,2", "--header"]
    many = ["--steps", "60", "--log_every", "10"]
    predict = ["--task", "qnli", "--predict", "dev"]
    table = [
        Row(
            "pre-train ELECTRA-Small 32 x 128",
            "s_per_step",
            small,
            ["pretrain"],
            True,
            "1.35 times Hugging Face, 1.3 times the original",
        ),
        Row("pre-train tiny 16 x 128", "tokens_per_s", tiny, None, False, "20,000"),
        Row(
            "fine-tune 32 x 384, 12 layers of 384",
            "s_per_step",
            [*fine, *wide, "--random", "384", "--steps", "8", "--log_every", "1"],
            ["finetune", "--batch", "32x384", *WIDE_PEER, "--steps", "4"],
            False,
            "11.4 s",
        ),
        Row(
            "fine-tune 32 x 64, Small",
            "s_per_step",
            [*fine, "--random", "64"],
            ["finetune", "--batch", "32x64"],
            False,
            "keep",
        ),
        Row(
            "fine-tune CoLA, Small",
            "examples_per_s",
            [*of_files, "--task", "cola", *many],
            ["finetune", *cola, "--steps", "60"],
            False,
            "1.3 times Hugging Face",
        ),
        Row(
            "fine-tune MRPC, Small",
            "examples_per_s",
            [*of_files, "--task", "mrpc", *many],
            ["finetune", *mrpc, "--steps", "60"],
            False,
            "1.3 times Hugging Face",
        ),
        Row(
            "predict 5,463 pairs of QNLI, Small",
            "whole_s",
            [*of_files, *predict],
            ["predict", *qnli],
            False,
            "30 s",
        ),
    ]
    half = [
        row._replace(
            name=f"{row.name}, bfloat16",
            ours=[*row.ours, *BFLOAT16],
            huggingface=row.huggingface
            and [*row.huggingface, "--precision", "bfloat16"],
            original=False,
            target=of_half,
        )
        for row, of_half in zip(
            table,
            (
                "1.8 times Hugging Face",
                "24,000",
                "8 s",
                "0.45 s",
                "1.3 times Hugging Face",
                "1.3 times Hugging Face",
                "18 s",
            ),
            strict=True,
        )
    ]
    return [row for pair in zip(table, half, strict=True) for row in pair]


def main() -> None:
    """Measures what is asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", required=True, help="file or glob of text")
    parser.add_argument("--vocab", required=True, help="vocab.txt of 30,522 tokens")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--peers", help="folder of make_environments.sh")
    parser.add_argument("--original", help="clone of google-research/electra")
    parser.add_argument("--before", help="worktree of another version")
    parser.add_argument("--output", required=True, help="file of JSON lines")
    parser.add_argument("--only", default="", help="part of the names of rows")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    args = parser.parse_args()
    table = [row for row in rows(args) if args.only in row.name]
    if not args.table:
        for row in table:
            for who, command in commands(row, args).items():
                measure(row, who, command, args.output)
    show(table, args.output)


def commands(row: Row, args: argparse.Namespace) -> dict[str, list[str]]:
    """Column to the command that measures it."""
    found = {"here": [sys.executable, os.path.join(HERE, row.ours[0]), *row.ours[1:]]}
    if args.before and row.ours[0] == "train_speed.py" and BFLOAT16[1] not in row.ours:
        python = os.path.join(os.path.abspath(args.before), ".venv", "bin", "python")
        found["before"] = [*found["here"], "--python", python, "--cwd", args.before]
    peers = os.path.join(HERE, "peers")
    if args.peers and row.huggingface:
        python = os.path.join(args.peers, "huggingface", "bin", "python")
        found["huggingface"] = [python, f"{peers}/huggingface.py", *row.huggingface]
    if args.peers and args.original and row.original:
        python = os.path.join(args.peers, "original", "bin", "python")
        flags = ["--original", args.original, "--vocab", args.vocab]
        found["original"] = [python, f"{peers}/original.py", *flags]
    return found


def measure(row: Row, who: str, command: Sequence[str], output: str) -> None:
    """Runs one command and keeps its line, or what it said when it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        found = {"failed": (done.stderr.strip().splitlines() or ["without a word"])[-1]}
    else:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    line = json.dumps({"row": row.name, "who": who, **found})
    with open(output, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


def show(table: Sequence[Row], output: str) -> None:
    """Prints the table in Markdown: of every row and column the newest line."""
    columns = ("here", "before", "huggingface", "original")
    newest = {}
    with open(output, encoding="utf-8") as file:
        for line in map(json.loads, file):
            newest[line["row"], line["who"]] = line
    print("| work | " + " | ".join(columns) + " | target |")
    print("| --- " * (len(columns) + 2) + "|")
    for row in table:
        cells = [cell(row, newest.get((row.name, who))) for who in columns]
        print(f"| {row.name}, {row.number} | {' | '.join(cells)} | {row.target} |")


def cell(row: Row, line: dict[str, object] | None) -> str:
    """The number that counts, processor time and memory."""
    if line is None:
        return "absent"
    if "failed" in line:
        return "failed"
    processor = line.get("processor_s_per_step", line.get("processor_s"))
    more = [f"{processor} s of processor time"] if processor else []
    if "peak_mb" in line:
        more.append(f"{line['peak_mb']:,} MB")
    return (
        f"{line[row.number]:,} ({', '.join(more)})" if more else f"{line[row.number]:,}"
    )


if __name__ == "__main__":
    main()
