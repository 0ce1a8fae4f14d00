"""Speed of pre-training as a user sees it: a short run of `electra-bench pretrain`.

    python benchmarks/train_speed.py gin/models/tiny.gin --text 'corpus/*.xz' \
        --vocab vocab.txt --objectives electra mlm

prints the median of tokens/s over the logged lines without the first, which holds the
building of the graph, and the largest size of the process. With `--default-malloc` the
freed memory goes back to the system (see electra_bench/training/allocator.py).
"""

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from unittest import mock

STEPS = 120
LOG_EVERY = 10


def main() -> None:
    """Measures one objective after another, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="gin files after runs/pretrain.gin")
    parser.add_argument("--text", required=True, help="file or glob of text")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--objectives", nargs="+", default=["electra", "mlm"])
    parser.add_argument("--gin_param", action="append", default=[])
    parser.add_argument("--default-malloc", action="store_true")
    parser.add_argument("--in-this-process", action="store_true", help="used by itself")
    args = parser.parse_args()
    if not args.in_this_process:
        for objective in args.objectives:
            command = [sys.executable, __file__, *sys.argv[1:], "--in-this-process"]
            subprocess.run([*command, "--objectives", objective], check=True)
        return
    with tempfile.TemporaryDirectory() as workdir:
        measure(args, args.objectives[0], workdir)


def measure(args: argparse.Namespace, objective: str, workdir: str) -> None:
    """Trains and prints one line."""
    from electra_bench.system import quiet

    quiet.import_tensorflow()
    from electra_bench.runs.launch import launch
    from electra_bench.training import build
    from electra_bench.training.metrics_log import logged_tokens_per_s

    bindings = [
        f"OBJECTIVE = {objective!r}",
        f"CORPORA = {{'text': {{'files': {args.text!r}}}}}",
        "CORPUS = 'text'",
        f"VOCAB = {args.vocab!r}",
        "LABEL = 'speed'",
        f"WORKDIR = {workdir!r}",
        f"TRAIN_STEPS = {STEPS}",
        f"training.loop.log_every = {LOG_EVERY}",
        "training.loop.checkpoint_every = 0",
        "runs.pretrain.eval_batches = 1",
    ]
    given_back = mock.patch.object(build, "keep_freed_memory")
    with given_back if args.default_malloc else contextlib.nullcontext():
        launch(
            "pretrain", ["runs/pretrain.gin", *args.files], [*bindings, *args.gin_param]
        )
    rates = logged_tokens_per_s(os.path.join(workdir, "pretrain-speed-s0"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{objective}: {statistics.median(rates[1:]):,.0f} tokens/s, "
        f"peak {peak / 1e6:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
