"""Records of runs that never ran, for tests of whatever reads records."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from electra_bench.records import (
    Prediction,
    RunRecord,
    TaskResult,
    write_predictions,
    write_record,
)


def task_result(task: str, score: float | None, **changes) -> TaskResult:
    """A result of `task`; unless changed, all results of a task compare."""
    fields = {
        "task": task,
        "task_version": 1,
        "split": "dev",
        "num_examples": 1000,
        "metrics": {"accuracy": score},
        "main_metric": "accuracy",
        "data_sha256": f"{task}-sha256",
        "floor": 50.0,
    }
    return TaskResult(**(fields | changes))


def run_record(
    label: str, task: str, seed: int | None, score: float | None, **changes
) -> RunRecord:
    """A fine-tuning run with one result; `result` changes fields of that."""
    result = task_result(task, score, **changes.pop("result", {}))
    fields = {
        "run_id": f"{label}-{task}-{seed}",
        "label": label,
        "kind": "finetune",
        "status": "done",
        "protocol": "code_v1",
        "seed": seed,
        "pretrain_seed": 0,
        "hparams": {"peak_lr": 1e-4, "seed": seed},
        "results": (result,),
        "collapsed": False,
    }
    return RunRecord(**(fields | changes))


def save_records(folder: Path, records) -> list[Path]:
    """Writes records below `folder`, each into a folder of its own; returns these."""
    folders = []
    for number, record in enumerate(records):
        folders.append(folder / f"{number:03d}")
        folders[-1].mkdir(parents=True)
        (folders[-1] / "config.gin").touch()
        write_record(str(folders[-1]), record)
    return folders


def save_predicted(
    folder: Path, record: RunRecord, targets, predictions, ids=None, groups=None
) -> Path:
    """Writes a record and the predictions of its only result; returns the record's path.

    The result gets path, hash and number of the predictions, and with groups of examples
    their number; its scores stay as they are.
    """
    (folder / "predictions").mkdir(parents=True)
    (folder / "config.gin").touch()
    [result] = record.results
    path = f"predictions/{result.task}-{result.split}.jsonl.gz"
    ids = [str(i) for i in range(len(targets))] if ids is None else ids
    lines = [
        Prediction(i, target, prediction)
        for i, target, prediction in zip(ids, targets, predictions, strict=True)
    ]
    if groups is not None:
        pairs = zip(lines, groups, strict=True)
        lines = [replace(line, group=group) for line, group in pairs]
        result = replace(result, unit="document", num_groups=len(set(groups)))
    write_predictions(str(folder / path), lines)
    result = replace(
        result,
        num_examples=len(lines),
        predictions_path=path,
        predictions_sha256=sha256((folder / path).read_bytes()).hexdigest(),
    )
    return Path(write_record(str(folder), replace(record, results=(result,))))
