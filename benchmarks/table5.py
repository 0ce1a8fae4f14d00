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
import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

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
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    args = parser.parse_args()
    grid = Grid(args.text, args.data, args.workdir)
    grid.vocabulary()
    # The FLOPs of the first ELECTRA are the budget of all others; untrained encoders need
    # none. Then seed by seed, so that a stopped grid holds whole tables of fewer seeds.
    first = [(METHODS[0], args.seeds[0]), *((UNTRAINED, seed) for seed in args.seeds)]
    others = [(name, seed) for seed in args.seeds for name in METHODS]
    chains = list(dict.fromkeys(first + others))
    with ThreadPoolExecutor(args.workers) as pool:
        failed = sum(pool.map(lambda chain: grid.train(*chain), chains), [])
    if failed:
        sys.exit("failed: " + ", ".join(failed))


class Grid:
    """All runs, as commands that a user could type."""

    def __init__(self, text: str, data: str, workdir: str):
        """Takes the corpus, the folder of the tasks' data and where to write."""
        self._text, self._data, self._workdir = text, data, workdir
        self._vocab = os.path.join(workdir, "vocab.txt")
        self._runs = os.path.join(workdir, "runs")
        os.makedirs(os.path.join(workdir, "logs"), exist_ok=True)
        self._budget: Future | None = None

    def vocabulary(self) -> None:
        """Trains the vocabulary of 8,000 tokens."""
        if not os.path.exists(self._vocab):
            output = ("--output", self._vocab, "--size", "8000")
            if self._call("vocab", "vocab", "train", *output, self._text):
                sys.exit("the vocabulary could not be trained")

    def train(self, method: str, seed: int) -> list[str]:
        """Pre-trains once and fine-tunes on every task; the names of failed runs."""
        if method != UNTRAINED and self._pretrain(method, seed):
            return [f"pretrain-{method}-s{seed}"]
        return [
            f"{method}-{task}-s{seed}"
            for task in TASKS
            if self._finetune(method, task, seed)
        ]

    def _pretrain(self, method: str, seed: int) -> int:
        # Asked before anything is run, so that only one caller is the first.
        first = self._budget is None
        if first:
            self._budget = Future()
        bindings = {
            "OBJECTIVE": method,
            "LABEL": method,
            "CORPORA": {"mixed": {"files": self._text}},
            "CORPUS": "mixed",
            "MAX_SEQ_LENGTH": SEQUENCE,
            "BATCH_SIZE": BATCH,
            "TRAIN_STEPS": TOKENS // (SEQUENCE * BATCH) if first else None,
            "TRAIN_FLOPS": None if first else self._budget.result(),
        }
        name = f"pretrain-{method}-s{seed}"
        status = self._run(name, "pretrain", seed, bindings)
        if first:
            self._budget.set_result(None if status else self._flops(name))
        return status

    def _flops(self, name: str) -> float:
        path = os.path.join(self._runs, name, "record.json")
        with open(path, encoding="utf-8") as file:
            return json.load(file)["train_flops"]

    def _finetune(self, method: str, task: str, seed: int) -> int:
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
