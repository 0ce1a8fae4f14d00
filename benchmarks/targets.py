"""What the project aims at in speed, beside its peers: one table, in one stretch.

    benchmarks/peers/make_environments.sh peers
    git clone https://github.com/google-research/electra
    python benchmarks/targets.py --text 'corpus/*.xz' --vocab vocab.txt --data_dir data \
        --peers peers --original electra --before ../before --output targets.jsonl

Measures one row after the other, ours and others in turn, and appends a line of JSON for
each to `--output` as soon as it is known. `--only 'finetune-*' '*-float32'` takes rows by
name, `--table` prints what the file holds. Without `--peers`, `--original` (a clone of
google-research/electra) or `--before` (a worktree of commit 7a4b659 with its environment in
`.venv`) their columns say absent. Nothing else may run beside it.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("here", "before", "huggingface", "original")
SMALL, TINY = "gin/models/small.gin", "gin/models/tiny.gin"
BFLOAT16 = ("--gin_param", "training.precision.name = 'bfloat16'")
# MiniLM's sizes, with 12 layers as ELECTRA-Small.
WIDE = {"hidden_size": 384, "num_heads": 12, "ffn_size": 1536}
WIDE_PEER = ("--hidden", "384", "--heads", "12", "--ffn", "1536")


class Work(NamedTuple):
    """What is measured in both precisions.

    Attributes:
        name: of it.
        number: the field that counts.
        ours: arguments of our benchmark, whose file goes first.
        targets: in float32 and in bfloat16.
        huggingface: arguments of `peers/huggingface.py`; none where it is not measured.
        original: whether the original is measured, which has float32 only.
    """

    name: str
    number: str
    ours: Sequence[str]
    targets: tuple[str, str]
    huggingface: Sequence[str] = ()
    original: bool = False


class Row(NamedTuple):
    """Work in one precision, `bfloat16` or not."""

    work: Work
    bfloat16: bool

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        return f"{self.work.name}-{'bfloat16' if self.bfloat16 else 'float32'}"


def all_work(args: argparse.Namespace) -> list[Work]:
    """In the order of the table."""
    glue = os.path.join(args.data_dir, "glue")

    def pretrain(model: str, steps: int, log_every: int, *flags: str) -> list[str]:
        numbers = ["--steps", str(steps), "--log_every", str(log_every)]
        given = ["--text", args.text, "--vocab", args.vocab]
        return ["train_speed.py", model, *given, *numbers, *flags]

    def finetune(*flags: str) -> list[str]:
        return ["finetune_speed.py", SMALL, "--vocab", args.vocab, *flags]

    def of_task(task: str, *flags: str) -> list[str]:
        return finetune("--data_dir", args.data_dir, "--task", task, *flags)

    def of_file(path: str, columns: str, *flags: str) -> list[str]:
        given = ["--vocab", args.vocab, "--tsv", f"{glue}/{path}", "--columns", columns]
        return [*given, *flags]

    wide = [
        x for k, v in WIDE.items() for x in ("--gin_param", f"models.electra.{k}={v}")
    ]
    many = ("--steps", "60", "--log_every", "10")
    faster = ("1.3 times Hugging Face",) * 2
    return [
        Work(
            "pretrain-small-32x128",
            "s_per_step",
            pretrain(SMALL, 16, 2, "--gin_param", "BATCH_SIZE=32"),
            (
                "1.35 times Hugging Face, 1.3 times the original",
                "1.8 times Hugging Face, 2.2 times the original",
            ),
            ("pretrain",),
            True,
        ),
        Work(
            "pretrain-tiny-16x128",
            "tokens_per_s",
            pretrain(TINY, 240, 20),
            ("20,000", "24,000"),
        ),
        Work(
            "finetune-wide-32x384",
            "s_per_step",
            finetune(*wide, "--random", "384", "--steps", "8", "--log_every", "1"),
            ("11.4 s", "8 s"),
            ("finetune", "--batch", "32x384", *WIDE_PEER, "--steps", "3"),
        ),
        Work(
            "finetune-small-32x64",
            "s_per_step",
            finetune("--random", "64"),
            ("0.81 s", "0.45 s"),
            ("finetune", "--batch", "32x64"),
        ),
        Work(
            "finetune-small-cola",
            "examples_per_s",
            of_task("cola", *many),
            faster,
            ("finetune", *of_file("CoLA/train.tsv", "3,1"), "--steps", "60"),
        ),
        Work(
            "finetune-small-mrpc",
            "examples_per_s",
            of_task("mrpc", *many),
            faster,
            ("finetune", *of_file("MRPC/train.tsv", "3,4,0", "--header"), *many[:2]),
        ),
        Work(
            "predict-small-qnli",
            "whole_s",
            of_task("qnli", "--predict", "dev"),
            ("30 s", "18 s"),
            ("predict", *of_file("QNLI/dev.tsv", "1,2", "--header")),
        ),
    ]


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
    parser.add_argument("--only", nargs="+", default=["*"], help="names of rows")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    args = parser.parse_args()
    rows = [Row(work, half) for work in all_work(args) for half in (False, True)]
    chosen = [row for row in rows if any(fnmatch(row.name, one) for one in args.only)]
    if not chosen:
        parser.error(f"--only fits no row; all: {', '.join(row.name for row in rows)}")
    for row in [] if args.table else chosen:
        for who, command in commands(row, args).items():
            measure(row, who, command, args.output)
    show(chosen, args.output)


def commands(row: Row, args: argparse.Namespace) -> dict[str, list[str]]:
    """Column to the command that measures it."""
    work, half = row
    ours = [sys.executable, os.path.join(HERE, work.ours[0]), *work.ours[1:]]
    found = {"here": [*ours, *BFLOAT16] if half else ours}
    if args.before and work.ours[0] == "train_speed.py" and not half:
        python = os.path.join(os.path.abspath(args.before), ".venv", "bin", "python")
        found["before"] = [*ours, "--python", python, "--cwd", args.before]
    peers = os.path.join(HERE, "peers")
    if args.peers and work.huggingface:
        python = os.path.join(args.peers, "huggingface", "bin", "python")
        command = [python, f"{peers}/huggingface.py", *work.huggingface]
        found["huggingface"] = command + ["--precision", "bfloat16"] * half
    if args.peers and args.original and work.original and not half:
        python = os.path.join(args.peers, "original", "bin", "python")
        flags = ["--original", args.original, "--vocab", args.vocab]
        found["original"] = [python, f"{peers}/original.py", *flags]
    return found


def measure(row: Row, who: str, command: Sequence[str], output: str) -> None:
    """Runs one command and keeps its line, or what it said when it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stderr if done.returncode else done.stdout).strip().split("\n")[-1]
    found = {"error": last} if done.returncode else json.loads(last)
    line = json.dumps({"row": row.name, "who": who, **found})
    with open(output, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


def show(rows: Sequence[Row], output: str) -> None:
    """Prints the table in Markdown: of every row and column the newest line."""
    newest = {}
    with open(output, encoding="utf-8") as file:
        for line in map(json.loads, file):
            newest[line["row"], line["who"]] = line
    print(f"| work | {' | '.join(COLUMNS)} | target |")
    print("| --- " * (len(COLUMNS) + 2) + "|")
    for row in rows:
        number, target = row.work.number, row.work.targets[row.bfloat16]
        cells = [cell(newest.get((row.name, who)), number) for who in COLUMNS]
        print(f"| {row.name}, {number} | {' | '.join(cells)} | {target} |")


def cell(line: dict[str, object] | None, number: str) -> str:
    """The number that counts, processor time and memory."""
    if line is None or "error" in line:
        return "absent" if line is None else "failed"
    processor = line.get("processor_s_per_step", line.get("processor_s"))
    more = [f"{processor} s of processor time"]
    if "peak_mb" in line:
        more.append(f"{line['peak_mb']:,} MB")
    return f"{line[number]:,} ({', '.join(more)})"


if __name__ == "__main__":
    main()
