"""From records to files: what `leaderboard build` and the quickstart call."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from electra_bench.config.signature import signature_of
from electra_bench.records import RunRecord
from electra_bench.records.run_folder import CONFIG
from electra_bench.registry import reports
from electra_bench.reports.collect.records import Records
from electra_bench.reports.render.files import to_csv, to_json
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.latex import to_latex
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.table import Provenance, Table

FORMATS = ("md", "csv", "json", "tex", "html")


def build_table(
    records: Records,
    report: str = "leaderboard",
    tasks: Sequence[str] | None = None,
) -> Table:
    """Builds a registered report; gin's bindings for it apply.

    Args:
        records: what the report is about, and what could not be used.
        report: registered name.
        tasks: tasks to show; None leaves the choice to the report. A report with a
            parameter `task` is about one.

    Raises:
        KeyError: no such report.
        ValueError: the report takes no `tasks`, or is about one and got none or several.
        NothingToShow: the records have not what the report is about.
    """
    options: dict[str, Any] = {} if tasks is None else {"tasks": tuple(tasks)}
    if is_of_task(report):
        if tasks is None or len(tasks) != 1:
            raise ValueError(
                f"the report {report!r} is about one task, which --tasks names; "
                f"got {tasks}"
            )
        options = {"task": tasks[0]}
    elif options and not takes_tasks(report):
        raise ValueError(f"the report {report!r} has no parameter 'tasks'")
    table = reports.get(report)(**options)(records)
    paths = records.paths
    named = (replace(o, where=paths.get(o.where, o.where)) for o in table.left_out)
    sources = records.once(_sources)
    return replace(table, left_out=(*records.left_out, *named), sources=sources)


def _sources(records: Records) -> dict[str, Provenance]:
    return {record.run_id: _provenance(record, records.paths) for record in records}


def is_of_task(report: str) -> bool:
    """Whether a report is about one task.

    Raises:
        KeyError: no such report.
    """
    return "task" in signature_of(reports.get(report)).parameters


def takes_tasks(report: str) -> bool:
    """Whether a report can be asked for tasks: for several, or for the one it is about.

    Raises:
        KeyError: no such report.
    """
    return is_of_task(report) or "tasks" in signature_of(reports.get(report)).parameters


def _provenance(record: RunRecord, paths: Mapping[str, str]) -> Provenance:
    path = paths.get(record.run_id)
    folder = os.path.dirname(path or "")
    config, copy = (os.path.join(folder, name) for name in (CONFIG, f".{CONFIG}"))
    if path is not None and not os.path.isfile(config) and os.path.isfile(copy):
        said = "is missing; the command that repeats the run names its copy"
        print(f"warning: {config} {said}, {copy}", file=sys.stderr, flush=True)
        config = copy
    # An archive of records may lack it.
    if path is None or not os.path.isfile(config):
        return Provenance(path, None, record.seed)
    # Verbs that score a run name it first.
    init = record.hparams.get(f"runs.{record.kind}.init")
    scored = [init] if init and record.kind not in ("pretrain", "finetune") else []
    command = shlex.join(["electra-bench", record.kind, *scored, config])
    # In its own folder the run is done already.
    elsewhere, again = f"{command} --workdir repeated", f"{command} --overwrite"
    return Provenance(path, elsewhere, record.seed, again)


def render_table(
    table: Table,
    out_dir: str,
    formats: Sequence[str] = FORMATS,
    *,
    name: str = "leaderboard",
    command: str | None = None,
) -> dict[str, bytes]:
    """Renders `<name>.<format>` for every format.

    Args:
        table: the report.
        out_dir: folder of the files; links to records are relative to it.
        formats: of `FORMATS`.
        name: file name without its suffix.
        command: the command that builds this table again.

    Returns:
        Names of files to their contents.

    Raises:
        ValueError: an unknown format.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise ValueError(f"no format {unknown[0]!r}; all: {list(FORMATS)}")
    render = {
        "md": lambda: to_markdown(table),
        "csv": lambda: to_csv(table),
        "json": lambda: to_json(table),
        "tex": lambda: to_latex(table, command),
        "html": lambda: to_html(table, out_dir, command),
    }
    return {f"{name}.{suffix}": render[suffix]().encode() for suffix in formats}
