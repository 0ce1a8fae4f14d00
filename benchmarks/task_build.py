"""Time and memory of a downstream task's features, from its file into an empty cache.

    python benchmarks/task_build.py squadv1 dev --data data --vocab vocab.txt
    python benchmarks/task_build.py squadv1 train --data data --vocab vocab.txt

The clock starts when everything is imported. Memory is the highest sum of the proportional
set sizes (PSS) of the process and all below it, TensorFlow included (Linux only).
"""

import argparse
import os
import tempfile
import threading
import time

from corpus_build import descendants, pss


def main() -> None:
    """Builds one split and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("task", help="registered name")
    parser.add_argument("split", help="one of its splits")
    parser.add_argument("--data", required=True, help="folder of the tasks' data")
    parser.add_argument("--vocab", required=True, help="vocabulary file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="task_build-") as cache:
        os.environ["ELECTRA_BENCH_CACHE"] = cache
        measure(args)


def measure(args: argparse.Namespace) -> None:
    """Builds the examples beside a thread that looks at the memory."""
    from electra_bench import registry
    from electra_bench.data import run_context
    from electra_bench.tasks.examples import examples
    from electra_bench.vocabularies.load import load_vocabulary

    length = registry.tasks.get(args.task).max_seq_length
    tokens = load_vocabulary(args.vocab)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, sum(map(pss, descendants(os.getpid()))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start, cpu = time.monotonic(), time.process_time()
    try:
        with run_context.use(vocabulary=tokens, data_dir=args.data):
            [part] = examples(args.task, args.split, length)
    finally:
        seconds, used = time.monotonic() - start, time.process_time() - cpu
        done.set()
        watcher.join()
    print(
        f"{args.task} {args.split}: {part.num_examples} examples, "
        f"{len(part.store)} rows of at most {length} tokens; {seconds:.1f} s "
        f"({used:.1f} s of processor time), peak PSS {peak / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
