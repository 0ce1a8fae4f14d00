"""The ablations of ELECTRA's Table 5 in small: which part of the objective helps?

    python benchmarks/table5.py --text 'corpus/*.txt.xz' --data data --workdir table5
    electra-bench leaderboard build table5/runs --out table5/board

Every method pre-trains the same tiny encoder from the same seeds, with sequences of 64, for
the FLOPs (method v2) that ELECTRA needs for 6 million tokens; every pre-trained model is
fine-tuned once on every task. Started again, it goes on where it stopped: every run does.

Source: Clark et al. 2020 (ELECTRA), section 3.4 and Table 5; Electric is from Clark et al.
2020 (Electric).
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

METHODS = (
    "electra",
    "electra_15",
    "replace_mlm",
    "all_tokens_mlm",
    "mlm",
    "electric",
)
UNTRAINED = "untrained"
TASKS = ("chunk", "cola", "mrpc", "sts")
SEEDS = (0, 1, 2)
SEQUENCE, BATCH, TOKENS = 64, 32, 6_000_000
SHARED = ("gin/models/tiny.gin", "gin/protocols/fixed.gin")


def main() -> None:
    """Runs what is missing and names what failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", required=True, help="file or glob of the corpus")
    parser.add_argument("--data", required=True, help="folder of the tasks' data")
    parser.add_argument(
        "--workdir", required=True, help="everything is written into it"
    )
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    args = parser.parse_args()
    grid = Grid(args.text, args.data, args.workdir)
    grid.vocabulary()
    with ThreadPoolExecutor(args.workers) as pool:
        # ELECTRA first: its FLOPs are the budget of all others.
        failed = run_all(pool, grid.pretrain, [("electra", seed) for seed in SEEDS])
        others = itertools.product(SEEDS, METHODS[1:])
        failed += run_all(pool, grid.pretrain, [(name, seed) for seed, name in others])
        cells = itertools.product(SEEDS, TASKS, (*METHODS, UNTRAINED))
        failed += run_all(pool, grid.finetune, list(cells))
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def run_all(pool: ThreadPoolExecutor, function, cells: list[tuple]) -> list[str]:
    """Calls `function` for every cell; names those that failed."""
    futures = {pool.submit(function, *cell): cell for cell in cells}
    failed = []
    for future in as_completed(futures):
        if future.result():
            failed.append("-".join(str(part) for part in futures[future]))
    return failed


class Grid:
    """All runs, as commands that a user could type."""

    def __init__(self, text: str, data: str, workdir: str):
        """Takes the corpus, the folder of the tasks' data and where to write."""
        self._text, self._data, self._workdir = text, data, workdir
        self._vocab = os.path.join(workdir, "vocab.txt")
        self._runs = os.path.join(workdir, "runs")
        os.makedirs(os.path.join(workdir, "logs"), exist_ok=True)

    def vocabulary(self) -> None:
        """Trains the vocabulary of 8,000 tokens."""
        if not os.path.exists(self._vocab):
            output = ("--output", self._vocab, "--size", "8000")
            if self._call("vocab", "vocab", "train", *output, self._text):
                sys.exit("the vocabulary could not be trained")

    def pretrain(self, method: str, seed: int) -> int:
        """Pre-trains with an objective; the command's exit status."""
        steps, flops = TOKENS // (SEQUENCE * BATCH), None
        if method != "electra":
            record = os.path.join(self._runs, "pretrain-electra-s0", "record.json")
            with open(record, encoding="utf-8") as file:
                steps, flops = None, json.load(file)["train_flops"]
        bindings = {
            "OBJECTIVE": method,
            "LABEL": method,
            "CORPORA": {"mixed": {"files": self._text}},
            "CORPUS": "mixed",
            "MAX_SEQ_LENGTH": SEQUENCE,
            "BATCH_SIZE": BATCH,
            "TRAIN_STEPS": steps,
            "TRAIN_FLOPS": flops,
        }
        return self._run(f"pretrain-{method}-s{seed}", "pretrain", seed, bindings)

    def finetune(self, seed: int, task: str, method: str) -> int:
        """Fine-tunes a method's model on a task; the command's exit status."""
        bindings = {
            "TASK": task,
            "LABEL": method,
            "LEARNING_RATE": 1e-3,
            "EPOCHS": 3.0,
            "runs.finetune.max_seq_length": SEQUENCE,
        }
        if method != UNTRAINED:
            bindings["INIT"] = os.path.join(self._runs, f"pretrain-{method}-s{seed}")
        return self._run(f"{method}-{task}-s{seed}", "finetune", seed, bindings)

    def _run(self, name: str, verb: str, seed: int, bindings: dict) -> int:
        shared = {"VOCAB": self._vocab, "WORKDIR": self._runs, "SEED": seed}
        options = [
            f"--gin.{key}={value!r}" for key, value in (shared | bindings).items()
        ]
        files = (f"gin/runs/{verb}.gin", *SHARED)
        return self._call(name, verb, *files, *options, "--data_dir", self._data)

    def _call(self, name: str, *arguments: str) -> int:
        # One core a run: two small models side by side are faster than one on two cores.
        cores = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        command = [sys.executable, "-m", "electra_bench", *arguments]
        log = os.path.join(self._workdir, "logs", f"{name}.log")
        with open(log, "a", encoding="utf-8") as output:
            status = subprocess.call(
                command, env=os.environ | cores, stdout=output, stderr=output
            )
        print(f"{name}: {'done' if not status else f'failed, see {log}'}", flush=True)
        return status


if __name__ == "__main__":
    main()
