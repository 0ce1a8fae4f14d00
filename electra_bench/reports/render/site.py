"""A folder of pages: the leaderboard, a page a task, and a page for every other report.

A registered report that takes a `task` is a part of each task's page; every other one gets
a page of its own. So reports of plugins are on the site because they are installed.
"""

import functools
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from electra_bench.registry import reports
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import Plot
from electra_bench.reports.render.html import Page, to_page
from electra_bench.reports.render.pictures import Drawn, drawings, picture_files
from electra_bench.reports.render.write import build_table, is_of_task, takes_tasks
from electra_bench.reports.table import NothingToShow, Table, run_ids

MAIN = "leaderboard"
INDEX = "index.html"
# Heads the page of a task; without runs there is no page.
RUNS = "task_runs"


def render_site(
    records: Records,
    table: Table,
    out_dir: str,
    command: str | None = None,
    tasks: Sequence[str] | None = None,
) -> dict[str, bytes]:
    """Renders `index.html` and all that it leads to.

    All pages are about the runs behind the rows that the leaderboard shows, and about runs
    that have no row, such as pre-training.

    Args:
        records: all records.
        table: the leaderboard of them.
        out_dir: folder of the site; links to records are relative to it.
        command: the command that builds the site again.
        tasks: those that the leaderboard was built of; None if the choice was its own.

    Returns:
        Names of files to their contents, every page before its pictures.
    """
    shown = _shown(records, table)
    names = sorted(set(reports.names()) - {MAIN}, key=lambda name: (name != RUNS, name))
    of_tasks = [name for name in names if is_of_task(name)]
    page = functools.partial(Page, folder=out_dir, command=command)
    task_pages = {}
    for place, task in enumerate(dict.fromkeys(table.tasks.values())):
        built, notices = _built(shown, of_tasks, [task])
        if RUNS in built:
            # Names in records are no safe file names, and two may become one.
            slug = re.sub(r"[^A-Za-z0-9_-]", "_", task)
            file = f"task-{slug}.html" if slug == task else f"task-{slug}-{place}.html"
            task_pages[task] = page(
                task, list(built.values()), file=file, name=task, notices=notices
            )
    built, notices = _built(shown, [n for n in names if n not in of_tasks], tasks)
    pages = [
        page(table.title, [table], file=INDEX, name=MAIN, notices=notices),
        *task_pages.values(),
        *(
            page(other.title, [other], file=f"{name}.html", name=name.replace("_", " "))
            for name, other in built.items()
        ),
    ]
    links = {page.file: page.name for page in pages}
    files = {task: page.file for task, page in task_pages.items()}
    pages = [replace(page, links=links, tasks=files) for page in pages]
    drawn = drawings(plot for page in pages for plot in _plots(page))
    files_of = [_files(page, drawn) for page in pages]
    return functools.reduce(operator.or_, files_of, {})


def _shown(records: Records, table: Table) -> Records:
    """The runs of the shown rows, and those of other kinds."""
    ids = run_ids(table)
    kinds = {record.kind for record in records if record.run_id in ids}
    kept = tuple(r for r in records if r.run_id in ids or r.kind not in kinds)
    shown = Records(kept, records.paths)
    # So that what the leaderboard has computed of them is known.
    return records if shown == records else shown.for_one_build()


def _built(
    records: Records, names: Sequence[str], tasks: Sequence[str] | None
) -> tuple[dict[str, Table], list[str]]:
    """The reports that have something to show, and what the others lack."""
    built, notices = {}, []
    for name in names:
        try:
            table = build_table(records, name, tasks if takes_tasks(name) else None)
        except NothingToShow as nothing:
            notices.append(f"{name.replace('_', ' ')}: {nothing}")
            continue
        own = run_ids(table)
        sources = {run: s for run, s in table.sources.items() if run in own}
        built[name] = replace(table, sources=sources)
    return built, notices


def _plots(page: Page) -> list[Plot]:
    return [plot for table in page.tables for plot in table.plots]


def _files(page: Page, drawn: Mapping[Plot, Drawn]) -> dict[str, bytes]:
    """A page and its pictures."""
    stem = page.file.removesuffix(".html")
    own = {plot.name: picture_files(plot, drawn[plot], stem) for plot in _plots(page)}
    pictures = {name: list(files) for name, files in own.items()}
    files = {page.file: to_page(replace(page, pictures=pictures), drawn).encode()}
    return functools.reduce(operator.or_, own.values(), files)
