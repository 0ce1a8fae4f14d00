"""Speed of fine-tuning and prediction as a user sees them: short runs of the commands.

    python benchmarks/finetune_speed.py gin/models/small.gin --vocab vocab.txt \
        --data_dir data --task mrpc
    python benchmarks/finetune_speed.py gin/models/small.gin --vocab vocab.txt --random 64
    python benchmarks/finetune_speed.py gin/models/small.gin --vocab vocab.txt \
        --data_dir data --task qnli --predict dev

Prints one line of JSON like `train_speed.py`, with examples a second. `--random` trains on
made sentences of so many tokens, without padding, in two classes. `--predict` trains for
a few updates and times the whole of `electra-bench predict`. Weights are random: speed does
not depend on them.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from train_speed import watched

TASK_FILE = """
tasks.made.kind = 'classification'
tasks.made.files = {{'train': {path!r}, 'dev': {path!r}}}
tasks.made.max_seq_length = {length}
"""


def main() -> None:
    """Trains, predicts if that is asked for, and prints the line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="gin files after runs/finetune.gin")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--task", default="made")
    parser.add_argument("--random", type=int, metavar="TOKENS")
    parser.add_argument("--data_dir")
    parser.add_argument("--predict", metavar="SPLIT")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--log_every", type=int, default=4)
    parser.add_argument("--gin_param", action="append", default=[])
    args = parser.parse_args()
    if (args.random is None) == (args.data_dir is None):
        parser.error("either --random or --data_dir")
    with tempfile.TemporaryDirectory() as workdir:
        found = predicted(args, workdir) if args.predict else trained(args, workdir)
    work = f"random {args.random}" if args.random else args.task
    named = {"version": "here", "work": work, "bound": args.files + args.gin_param}
    print(json.dumps({**named, **found}), flush=True)


def command(args: argparse.Namespace, workdir: str, steps: int) -> list[str]:
    """A fine-tuning of so many updates."""
    flags = ["--data_dir", args.data_dir] if args.data_dir else []
    examples = args.batch * (steps + 1)
    if args.random:
        flags = ["--task_file", made(args, workdir, examples)]
    bindings = [
        f"TASK = {args.task!r}",
        f"VOCAB = {os.path.abspath(args.vocab)!r}",
        "LABEL = 'speed'",
        f"WORKDIR = {workdir!r}",
        f"runs.finetune.batch_size = {args.batch}",
        f"training.loop.log_every = {args.log_every}",
        "training.loop.checkpoint_every = 0",
        *args.gin_param,
    ]
    words = [sys.executable, "-m", "electra_bench", "finetune"]
    words += ["gin/runs/finetune.gin", *args.files, "gin/protocols/fixed.gin", *flags]
    return words + [word for one in bindings for word in ("--gin_param", one)]


def made(args: argparse.Namespace, workdir: str, size: int) -> str:
    """Writes sentences of whole words and a file that makes a task of them."""
    with open(args.vocab, encoding="utf-8") as file:
        words = [w for w in file.read().split("\n") if w.isalpha() and w.islower()]
    draws = random.Random(0)
    path = os.path.join(workdir, "made.tsv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("text_a\tlabel\n")
        for number in range(size):
            # [CLS] and [SEP] come on top.
            text = " ".join(draws.choices(words, k=args.random - 2))
            file.write(f"{text}\t{number % 2}\n")
    task_file = os.path.join(workdir, "made.gin")
    with open(task_file, "w", encoding="utf-8") as file:
        file.write(TASK_FILE.format(path=path, length=args.random))
    return task_file


def trained(args: argparse.Namespace, workdir: str) -> dict[str, object]:
    """Trains for a while in a process of its own and watches its lines come."""
    # It is stopped after so many updates; a whole pass may take hours.
    begun = time.monotonic()
    words = command(args, workdir, args.steps)
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        path = os.path.join(workdir, f"speed-{args.task}-s0", "metrics.jsonl")
        seen, peak = watched(process, path, args.steps)
        said = process.stderr.read().decode()
    if len(seen) < 3:
        sys.exit(said)
    pairs = list(zip(seen[1:], seen[2:], strict=False))
    steps = seen[-1].step - seen[1].step
    seconds = seen[-1].clock - seen[1].clock
    processor = [(b.processor - a.processor) / (b.step - a.step) for a, b in pairs]
    return {
        "s_per_step": round(seconds / steps, 4),
        "processor_s_per_step": round(statistics.mean(processor), 3),
        "tokens_per_s": round((seen[-1].tokens - seen[1].tokens) / seconds),
        "examples_per_s": round(args.batch * steps / seconds, 1),
        "first_line_s": round(seen[0].clock - begun, 1),
        "peak_mb": round(peak / 1e6),
    }


def predicted(args: argparse.Namespace, workdir: str) -> dict[str, object]:
    """Predicts a whole split with a model of a few updates."""
    one = argparse.Namespace(**vars(args))
    one.gin_param = [*args.gin_param, "EPOCHS = 0.004"]
    subprocess.run(command(one, workdir, 1), check=True, stdout=subprocess.DEVNULL)
    words = [sys.executable, "-m", "electra_bench", "predict"]
    words += [os.path.join(workdir, f"speed-{args.task}-s0"), "--split", args.predict]
    words += ["--output", os.path.join(workdir, "answers"), "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"whole_s": round(whole, 1), "processor_s": round(processor, 1)}


if __name__ == "__main__":
    main()
