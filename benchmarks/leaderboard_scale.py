"""How long a leaderboard of many records takes, and how much memory.

    python benchmarks/leaderboard_scale.py make FOLDER --records 100000
    python benchmarks/leaderboard_scale.py measure FOLDER

`make` writes runs of models on ten tasks with five seeds each, every one with a record as a
run leaves it and with 200 predictions (hard links to some hundred files for each task).
`measure` builds all forms of the leaderboard with an empty cache, once more, and after ten
records have changed; memory is the largest resident set.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from electra_bench.records import (
    Prediction,
    RunRecord,
    TaskResult,
    find_records,
    write_predictions,
)

NUM_TASKS, NUM_SEEDS = 10, 5
NUM_EXAMPLES = 200
HPARAMS = {f"training.loop.setting_{i}": i * 0.5 for i in range(45)}
PACKAGES = {f"package-{i}": f"1.{i}.0" for i in range(11)}


def make(folder: Path, num_records: int) -> None:
    """Writes the runs."""
    draws = random.Random(0)
    pool = folder / "pool"
    pool.mkdir(parents=True)
    for number in range(num_records):
        model, rest = divmod(number, NUM_TASKS * NUM_SEEDS)
        task, seed = divmod(rest, NUM_SEEDS)
        if rest == 0:
            ability = draws.gauss(0.7, 0.05)
        right = round(NUM_EXAMPLES * min(1.0, ability + draws.gauss(0, 0.02)))
        shared = _predictions(pool, task, right)
        record = _record(f"model{model}", f"task{task}", seed, right)
        run = folder / "runs" / record.run_id
        (run / "predictions").mkdir(parents=True)
        (run / "record.json").write_text(json.dumps(asdict(record), indent=1))
        os.link(shared, run / record.results[0].predictions_path)


def _predictions(pool: Path, task: int, right: int) -> Path:
    path = pool / f"{task}-{right}.jsonl.gz"
    if not path.exists():
        draws = random.Random(f"{task} {right}")
        chosen = set(draws.sample(range(NUM_EXAMPLES), right))
        lines = [
            Prediction(str(i), "yes", "yes" if i in chosen else "no", [0.25, 0.75])
            for i in range(NUM_EXAMPLES)
        ]
        write_predictions(str(path), lines)
    return path


def _record(label: str, task: str, seed: int, right: int) -> RunRecord:
    score = 100 * right / NUM_EXAMPLES
    result = TaskResult(
        task=task,
        task_version=1,
        split="dev",
        num_examples=NUM_EXAMPLES,
        metrics={"accuracy": score},
        main_metric="accuracy",
        data_sha256="0" * 64,
        floor=50.0,
        predictions_path=f"predictions/{task}-dev.jsonl.gz",
    )
    return RunRecord(
        run_id=f"{label}-{task}-s{seed}",
        label=label,
        kind="finetune",
        status="done",
        model="electra",
        objective="classification",
        protocol="fixed",
        seed=seed,
        pretrain_seed=0,
        hparams={**HPARAMS, "SEED": seed, "LABEL": label},
        train_flops=1e12,
        total_flops=1e15,
        flops_method="v2",
        params=14_000_000,
        results=(result,),
        collapsed=False,
        packages=PACKAGES,
        code_version="0.1.0+0123456",
        vocab_sha256="1" * 64,
        config_sha256="2" * 64,
        checkpoint_sha256="3" * 64,
        started="2026-01-01T00:00:00+00:00",
        ended="2026-01-01T00:01:00+00:00",
    )


def measure(folder: Path) -> None:
    """Builds the leaderboard three times and prints seconds and memory."""
    runs = folder / "runs"
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "ELECTRA_BENCH_CACHE": f"{scratch}/cache"}
        command = [sys.executable, "-m", "electra_bench", "leaderboard", "build"]
        command += [str(runs), "--out", f"{scratch}/out"]
        for name in ("cold", "warm", "ten records changed"):
            if name.startswith("ten"):
                _change(folder)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.monotonic()
            subprocess.run(
                command, env=environment, check=True, stdout=subprocess.DEVNULL
            )
            seconds = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{name}: {seconds:.1f} s, of which processor {busy:.1f} s; "
                f"at most {after.ru_maxrss / 2**20:.2f} GiB",
                flush=True,
            )


def _change(folder: Path) -> None:
    """Ten runs as if they had been made again and come out otherwise."""
    runs = str(folder / "runs")
    for path, _ in zip(find_records(runs), range(10), strict=False):
        content = json.loads(Path(path).read_text())
        [result] = content["results"]
        right = round(NUM_EXAMPLES * result["metrics"]["accuracy"] / 100) - 3
        result["metrics"]["accuracy"] = 100 * right / NUM_EXAMPLES
        task = int(result["task"].removeprefix("task"))
        linked = Path(path).parent / result["predictions_path"]
        linked.unlink()
        os.link(_predictions(folder / "pool", task, right), linked)
        partial = f"{path}.partial"
        Path(partial).write_text(json.dumps(content, indent=1))
        os.replace(partial, path)


def main() -> None:
    """Makes runs, or measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("make", "measure"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=100_000)
    args = parser.parse_args()
    if args.action == "make":
        make(args.folder, args.records)
    else:
        measure(args.folder)


if __name__ == "__main__":
    main()
