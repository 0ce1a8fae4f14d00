"""What a report has to do."""

import copy
import io
import json
import subprocess
import sys
from typing import NamedTuple

from electra_bench.conformance import check
from electra_bench.conformance.check import NotChecked, require
from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.collect.records import Records
from electra_bench.reports.render import terminal, write
from electra_bench.reports.table import NothingToShow, Table

HEAVY = ("tensorflow", "seqio", "t5", "jax", "torch")
# Prints what a report has loaded; arguments: the plugins to load, then its name.
PROGRAM = """
import json, sys
from electra_bench.registry import load_plugin, reports
*plugins, name = sys.argv[1:]
for plugin in plugins:
    load_plugin(plugin)
reports.get(name)
print(json.dumps(sorted({module.partition(".")[0] for module in sys.modules})))
"""


class Report(NamedTuple):
    """A registered report.

    Attributes:
        name: registered name.
        plugins: modules or files that register it, if no entry point does.
    """

    name: str
    plugins: tuple[str, ...] = ()

    def build(self, records: tuple[RunRecord, ...]) -> Table:
        """Its table of some records; of one task if it is about one.

        Raises:
            NotChecked: it says that the records have not what it is about.
        """
        paths = {r.run_id: f"runs/{r.run_id}/record.json" for r in records}
        tasks = ["cola"] if write.is_of_task(self.name) else None
        try:
            return write.build_table(Records(records, paths), self.name, tasks)
        except NothingToShow as nothing:
            raise NotChecked(str(nothing)) from nothing


def records() -> tuple[RunRecord, ...]:
    """Runs of three models: one with a task missing, one with an undefined score."""
    scores = {
        "small": {"cola": (54.0, 56.0), "rte": (61.0, 63.0)},
        "large": {"cola": (60.0, 60.0), "rte": (70.0, None)},
        "other": {"cola": (50.0, 52.0)},
    }
    return (
        *(
            _record(label, place, task, seed, score)
            for place, (label, tasks) in enumerate(scores.items(), 1)
            for task, of_seeds in tasks.items()
            for seed, score in enumerate(of_seeds)
        ),
        _record("small", 1, "cola", 0, 10.0, kind="pretrain"),
    )


def _record(label, place, task, seed, score, kind="finetune") -> RunRecord:
    metric = {"cola": "mcc", "rte": "accuracy"}[task]
    result = TaskResult(
        task=task,
        task_version=1,
        split="dev",
        num_examples=100,
        metrics={metric: score},
        main_metric=metric,
        data_sha256=f"{task}-sha256",
        floor=50.0,
    )
    return RunRecord(
        run_id=f"{kind}-{label}-{task}-{seed}",
        label=label,
        kind=kind,
        status="done",
        protocol="fixed",
        seed=seed,
        pretrain_seed=0,
        results=(result,) if kind == "finetune" else (),
        params=place * 10**6,
        train_flops=1e12,
        # What one model cost is not known.
        total_flops=place * 1e15 if place < 3 else None,
    )


def builds_from_records(report: Report) -> None:
    """A table with a row for every model, whatever is missing."""
    table = report.build(records())
    require(isinstance(table, Table), f"it builds {type(table).__name__}, not a Table")
    require(table.rows, "of a handful of records it makes a table without rows")


def equal_records_give_an_equal_table(report: Report) -> None:
    """It neither draws, nor reads anything else, nor changes the records."""
    given = records()
    before = copy.deepcopy(given)
    first, again = report.build(given), report.build(records())
    require(first == again, "the same records give two different tables")
    require(given == before, "it changes the records that it is given")


def renders_in_all_forms(report: Report) -> None:
    """Terminal, Markdown, CSV, JSON and HTML."""
    table = report.build(records())
    out = io.StringIO()
    terminal.print_table(table, terminal.console(out))
    require(out.getvalue().strip(), "nothing is printed to a terminal")
    for name, content in write.render_table(table, ".", name=report.name).items():
        require(content.strip(), f"the form {name[-4:]} is empty")


def missing_scores_stay_missing(report: Report) -> None:
    """A model without a run of a task has no mean over the tasks."""
    table = report.build(records())
    if "mean" not in table.columns:
        raise NotChecked("the table has no column 'mean'")
    others = [
        table.cell(row, "mean")
        for row in table.rows
        if str(table.cell(row, table.label)).startswith("other")
    ]
    require(
        all(mean is None for mean in others),
        f"a model without a run of one task has the mean {others[:1]}; expected None",
    )


def loads_no_tensorflow(report: Report) -> None:
    """A leaderboard builds on any laptop, fast."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *report.plugins, report.name],
        capture_output=True,
        text=True,
    )
    require(done.returncode == 0, f"it cannot be loaded alone: {done.stderr[-300:]}")
    heavy = sorted(set(json.loads(done.stdout)) & set(HEAVY))
    require(not heavy, f"loading it loads {', '.join(heavy)}")


CHECKS = check.defined_in(__name__, Report)
