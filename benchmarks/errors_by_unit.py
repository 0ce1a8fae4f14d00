"""Standard errors of real scores, by groups of examples and as if these did not matter.

    python benchmarks/errors_by_unit.py runs

Of every fine-tuning below the folders: its main split, its number of examples, what its
groups are and how many, the standard error of the score from samples of groups, and that
from samples of examples. The bootstrap is the one of the tables, for one run alone.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from electra_bench.records import RunRecord, TaskResult, read_record
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.collect.predictions import Answers, read_answers
from electra_bench.reports.statistics.replicates import (
    group_numbers,
    measured_answers,
    metric_of,
    sample_weights,
)

SAMPLES = 2000
ROW = "| {} | {} | {:,} | {:,} {} | {:.2f} | {:.2f} | {} |"


def errors(name: str, result: TaskResult, answers: Answers) -> tuple[int, float, float]:
    """Number of groups, and standard errors by groups and by examples, in points."""
    metric = measured_answers(name, result.main_metric, answers)
    found = []
    for groups in (answers.groups, [None] * len(answers.ids)):
        numbers = group_numbers(groups)
        count = int(numbers.max()) + 1
        samples = [
            metric.score(weights[:, numbers])
            for weights in sample_weights(count, SAMPLES, len(answers.ids))
        ]
        found.append((count, float(np.nanstd(np.concatenate(samples), ddof=1))))
    return found[0][0], found[0][1], found[1][1]


def row(folder: Path, record: RunRecord, result: TaskResult) -> str:
    """A line of the table."""
    answers = read_answers(os.path.join(folder, result.predictions_path), result)
    name = metric_of(Entry(record, result))
    count, by_groups, by_examples = errors(name, result, answers)
    unit = f"{result.unit}s"
    size = len(answers.ids)
    # Constant answers have no error at all in some metrics.
    ratio = f"{by_groups / by_examples:.2f}" if by_examples else "-"
    return ROW.format(
        result.task, record.label, size, count, unit, by_groups, by_examples, ratio
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    print("| task | model | examples | groups | by groups | by examples | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    lines = []
    for path in (p for f in args.folders for p in f.rglob("record.json")):
        record = read_record(str(path))
        for result in record.results:
            if record.kind == "finetune" and result.predictions_path:
                lines.append(row(path.parent, record, result))
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    main()
