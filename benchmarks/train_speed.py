"""Speed of pre-training as a user sees it: a short run of `electra-bench pretrain`.

    python benchmarks/train_speed.py gin/models/small.gin --text 'corpus/*.xz' \
        --vocab vocab.txt --gin_param 'training.precision.name = "bfloat16"'

prints one line of JSON: seconds and processor seconds of an update (medians of the logged
lines without the first), tokens a second, seconds from the command to the first update,
and the largest size of the process. `--python` names the interpreter of another
environment, in which another version of the project is installed; it is run from its
folder, so that `gin/` is that version's own.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import psutil


class Seen(NamedTuple):
    """What was found when a line came: times of clock and processor, and what it says."""

    clock: float
    processor: float
    step: int
    tokens: int


def main() -> None:
    """Trains and prints the line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="gin files after runs/pretrain.gin")
    parser.add_argument("--text", required=True, help="file or glob of text")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--objective", default="electra")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--log_every", type=int, default=4)
    parser.add_argument("--gin_param", action="append", default=[])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--cwd", default=".", help="folder of that version")
    parser.add_argument("--name", default="here", help="of the row")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as workdir:
        print(json.dumps(measured(args, workdir)), flush=True)


def measured(args: argparse.Namespace, workdir: str) -> dict[str, object]:
    """Trains in a process of its own and watches its lines come."""
    bindings = [
        f"OBJECTIVE = {args.objective!r}",
        f"CORPORA = {{'text': {{'files': {os.path.abspath(args.text)!r}}}}}",
        "CORPUS = 'text'",
        f"VOCAB = {os.path.abspath(args.vocab)!r}",
        "LABEL = 'speed'",
        f"WORKDIR = {workdir!r}",
        f"TRAIN_STEPS = {args.steps}",
        f"training.loop.log_every = {args.log_every}",
        "training.loop.checkpoint_every = 0",
        "runs.pretrain.eval_batches = 1",
        *args.gin_param,
    ]
    command = [args.python, "-m", "electra_bench", "pretrain", "gin/runs/pretrain.gin"]
    command += args.files
    for binding in bindings:
        command += ["--gin_param", binding]
    begun = time.monotonic()
    with subprocess.Popen(
        command, cwd=args.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        path = os.path.join(workdir, "pretrain-speed-s0", "metrics.jsonl")
        seen, peak = watched(process, path)
        said = process.stderr.read().decode()
    if len(seen) < 3:
        sys.exit(said)
    pairs = list(zip(seen[1:], seen[2:], strict=False))

    def median(value):
        return statistics.median(value(a, b) / (b.step - a.step) for a, b in pairs)

    seconds = median(lambda a, b: b.clock - a.clock)
    return {
        "version": args.name,
        "objective": args.objective,
        "bound": args.files + args.gin_param,
        "s_per_step": round(seconds, 4),
        "processor_s_per_step": round(
            median(lambda a, b: b.processor - a.processor), 3
        ),
        "tokens_per_s": round(median(lambda a, b: b.tokens - a.tokens) / seconds),
        "first_line_s": round(seen[0].clock - begun, 1),
        "peak_mb": round(peak / 1e6),
    }


def watched(
    process: subprocess.Popen, path: str, last_step: float = math.inf
) -> tuple[list[Seen], int]:
    """When every line of training came, and the largest resident size in bytes.

    After `last_step` the process is stopped.
    """
    seen: list[Seen] = []
    peak, child = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            times = child.cpu_times()
            peak = max(peak, child.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
            trained = [line for line in lines if line["phase"] == "train"]
            for line in trained[len(seen) :]:
                used = times.user + times.system
                seen.append(Seen(time.monotonic(), used, line["step"], line["tokens"]))
        if seen and seen[-1].step >= last_step:
            process.kill()
            break
        time.sleep(0.01)
    return seen, peak


if __name__ == "__main__":
    main()
