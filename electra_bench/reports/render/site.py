"""A folder of pages: the leaderboard, a page a task, and a page for every other report.

A registered report that takes a `task` is a part of each task's page; every other one gets
a page of its own. So reports of plugins are on the site because they are installed.
"""

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from electra_bench.registry import reports
from electra_bench.reports.collect.records import Records
from electra_bench.reports.render.drawing import write_pictures
from electra_bench.reports.render.html import Files, Link, to_page
from electra_bench.reports.render.write import (
    build_table,
    is_of_task,
    takes_tasks,
    write_file,
)
from electra_bench.reports.table import NothingToShow, Table, run_ids
from electra_bench.system.ordered_map import num_cores, ordered_map

MAIN = "leaderboard"
MANY_PAGES = 8
# What draws, and is slow to import.
PICTURES = ("electra_bench.reports.render.drawing",)
# Heads the page of a task; without runs there is no page.
RUNS = "task_runs"


@dataclass(frozen=True)
class Page:
    """A page before it is written.

    Attributes:
        file: its name.
        name: in the list of pages.
        title: its heading.
        tables: registered names of reports to what they built.
        notices: what is not shown, and why.
    """

    file: str
    name: str
    title: str
    tables: Mapping[str, Table]
    notices: Sequence[str] = ()


def write_site(
    records: Records,
    table: Table,
    out_dir: str,
    command: str | None = None,
    tasks: Sequence[str] | None = None,
) -> list[str]:
    """Writes `index.html` and all that it leads to; returns the paths of the pages.

    All pages are about the runs behind the rows that the leaderboard shows, and about runs
    that have no row, such as pre-training.

    Args:
        records: all records.
        table: the leaderboard of them.
        out_dir: folder; made if it does not exist.
        command: the command that builds the site again.
        tasks: those that the leaderboard was built of; None if the choice was its own.
    """
    os.makedirs(out_dir, exist_ok=True)
    shown = _shown(records, table)
    names = sorted(set(reports.names()) - {MAIN}, key=lambda name: (name != RUNS, name))
    of_tasks = [name for name in names if is_of_task(name)]
    task_pages = _task_pages(shown, list(dict.fromkeys(table.tasks.values())), of_tasks)
    others, notices = _other_pages(
        shown, [n for n in names if n not in of_tasks], tasks
    )
    index = Page("index.html", MAIN, table.title, {MAIN: table}, notices)
    pages = [index, *task_pages.values(), *others]
    files = Files(out_dir, tasks={t: page.file for t, page in task_pages.items()})
    links = [Link(page.name, page.file, False) for page in pages]
    write = functools.partial(_write, links=links, files=files, command=command)
    # Most of the time goes into pictures; for few of them workers start too slowly.
    processes = num_cores() if len(pages) >= MANY_PAGES else 1
    return [path for _, path in ordered_map(write, pages, processes, PICTURES)]


def _shown(records: Records, table: Table) -> Records:
    """The runs of the shown rows, and those of other kinds."""
    ids = run_ids(table)
    kinds = {record.kind for record in records if record.run_id in ids}
    kept = tuple(r for r in records if r.run_id in ids or r.kind not in kinds)
    return Records(kept, records.paths)


def _task_pages(
    records: Records, tasks: Sequence[str], names: Sequence[str]
) -> dict[str, Page]:
    pages = {}
    for place, task in enumerate(tasks):
        built, notices = _built(records, names, [task])
        if RUNS not in built:
            continue
        # Names in records are no safe file names, and two may become one.
        slug = re.sub(r"[^A-Za-z0-9_-]", "_", task)
        unique = slug if slug == task else f"{slug}-{place}"
        pages[task] = Page(f"task-{unique}.html", task, task, built, notices)
    return pages


def _other_pages(
    records: Records, names: Sequence[str], tasks: Sequence[str] | None
) -> tuple[list[Page], list[str]]:
    built, notices = _built(records, names, tasks)
    pages = [
        Page(f"{name}.html", name.replace("_", " "), table.title, {name: table})
        for name, table in built.items()
    ]
    return pages, notices


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


def _write(
    page: Page, *, links: Sequence[Link], files: Files, command: str | None
) -> str:
    stem = page.file.removesuffix(".html")
    pictures: dict[str, list[str]] = {}
    for table in page.tables.values():
        pictures |= write_pictures(table.plots, files.folder, stem)
    content = to_page(
        list(page.tables.values()),
        files._replace(pictures=pictures),
        title=page.title,
        command=command,
        links=[link._replace(is_here=link.href == page.file) for link in links],
        notices=page.notices,
    )
    return write_file(os.path.join(files.folder, page.file), content)
