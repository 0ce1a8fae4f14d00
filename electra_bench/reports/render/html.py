"""Tables as self-contained pages."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from electra_bench.reports import table as tables
from electra_bench.reports.plot import Plot
from electra_bench.reports.table import Difference, Score, Table, Value


class Link(NamedTuple):
    """An entry of the list of pages."""

    text: str
    href: str
    is_here: bool


class Files(NamedTuple):
    """Where a page stands and what stands beside it.

    Attributes:
        folder: of the page; links are relative to it.
        pictures: name of a plot to names of its files, relative to the folder.
        tasks: task to the name of its page.
    """

    folder: str
    pictures: Mapping[str, Sequence[str]] = {}
    tasks: Mapping[str, str] = {}


def to_html(table: Table, out_dir: str, command: str | None = None) -> str:
    """Renders a report as a page without any outside file.

    Args:
        table: the report.
        out_dir: folder of the page; links to records are relative to it.
        command: the command that builds this table again.
    """
    return to_page([table], Files(out_dir), title=table.title, command=command)


def to_page(
    shown: Sequence[Table],
    files: Files,
    *,
    title: str,
    command: str | None = None,
    links: Sequence[Link] = (),
    notices: Sequence[str] = (),
) -> str:
    """Renders reports below one another.

    Args:
        shown: the reports; all but the first have their titles above them.
        files: where the page stands.
        title: heading of the page.
        command: the command that builds the page again.
        links: the list of pages.
        notices: what is not shown, and why, a line each.
    """
    environment = Environment(
        loader=PackageLoader("electra_bench.reports.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template("page.html.j2").render(
        title=title,
        sections=[
            _section(table, files, prefix=f"part{place}-" if place > 1 else "")
            for place, table in enumerate(shown, 1)
        ],
        command=command,
        links=links,
        notices=notices,
    )


def _visible(value: Any) -> Any:
    """What a template writes; its own mark-up and SVG stay as they are."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return tables.plain(value) if is_text else value


def _section(table: Table, files: Files, prefix: str) -> dict[str, Any]:
    best = {name: table.best(name) for name in table.metrics}
    ranges = {name: _range(table, name) for name in table.metrics}

    anchors = [_anchors(table, place, prefix) for place in range(len(table.rows))]

    def anchor(place: int | None, name: str) -> str | None:
        # A rank leads to what it is by; a number of parameters to any runs of its row.
        of_row = {} if place is None else anchors[place]
        first = next(iter(of_row.values()), None)
        return of_row.get(name, of_row.get(table.rank_by or "", first))

    def cells(row: tuple[Value, ...], place: int | None) -> list[dict[str, Any]]:
        shown = [
            _cell(
                value,
                anchor=anchor(place, name),
                metric=name in table.metrics,
                best=place in best.get(name, ()),
                span=ranges.get(name),
            )
            for name, value in zip(table.columns, row, strict=True)
        ]
        if table.run is not None:
            run_id = str(table.cell(row, table.run))
            shown[table.columns.index(table.run)]["run"] = _run(
                table, run_id, None, files.folder
            )
        return shown

    claims = table.claims
    return {
        "table": table,
        "prefix": prefix,
        "num_runs": len(tables.run_ids(table) or table.sources),
        "columns": [_column(table, name) for name in table.columns],
        "label_index": table.columns.index(table.label),
        "rows": [cells(row, number) for number, row in enumerate(table.rows)],
        "key": _key(table, has_best=any(best.values()), has_runs=any(anchors)),
        "reference_rows": [
            {"cells": cells(row, None), "name": name, "about": about}
            for place, row in enumerate(table.reference_rows)
            for name, about in [table.reference(place)]
        ],
        "claims": [_claim(table, claim, anchor) for claim in claims],
        "repeat": [
            {"id": run_id, "command": table.sources[run_id].renewal}
            for run_id in table.repeat
            if run_id in table.sources
        ],
        "groups": _groups(table, files.folder, anchors),
        "left_out": table.left_out,
        "task_links": {
            name: _relative(files.tasks[task])
            for name, task in table.tasks.items()
            if task in files.tasks
        },
        "plots": [_plot(plot, files, prefix) for plot in table.plots],
    }


def _key(table: Table, *, has_best: bool, has_runs: bool) -> str:
    """How to read a cell; empty if there is nothing to say."""
    values = [value for row in table.rows for value in row]
    scores = [v for v in values if isinstance(v, Score) and v.count]
    parts = {
        "median over runs": True,
        "± standard deviation": any(s.sd is not None for s in scores),
        "n runs": True,
        "[95 % interval of the mean]": any(s.interval for s in scores),
        "a dot a run with a bar at the median": any(s.count > 1 for s in scores),
    }
    has_tests = table.differences is not None
    green = "no row is significantly better" if has_tests else "the best"
    cell = ", ".join(part for part, is_there in parts.items() if is_there)
    sentences = {
        f"A cell: {cell}.": bool(scores),
        f"Green: {green}.": has_best,
        "A number leads to its runs.": has_runs,
    }
    return " ".join(said for said, is_so in sentences.items() if is_so)


def _plot(plot: Plot, files: Files, prefix: str) -> dict[str, Any]:
    # matplotlib takes half a second to load.
    from electra_bench.reports.render.drawing import inline_svg

    return {
        "name": f"{prefix}{plot.name}",
        "description": plot.description,
        "svg": inline_svg(plot, f"{prefix}{plot.name}"),
        "files": [
            {"href": _relative(name), "text": name.rpartition(".")[2].upper()}
            for name in files.pictures.get(plot.name, ())
        ],
    }


def _column(table: Table, name: str) -> dict[str, Any]:
    is_ranked = name in (*table.metrics, table.rank_by)
    best_first = (
        "descending" if is_ranked and name not in table.lower_is_better else "ascending"
    )
    values = {table.cell(row, name) for row in table.rows}
    return {
        "name": name,
        "text": table.is_text(name),
        # What all rows share needs no room on a phone.
        "same": name != table.label and table.is_text(name) and len(values) == 1,
        "detail": table.described.get(name, ""),
        "order": best_first if name == table.rank_by else "none",
        "first": best_first,
    }


def _range(table: Table, name: str) -> tuple[float, float] | None:
    """Smallest and largest score of a column, its floor included."""
    scores = [
        score for row in table.rows for score in _run_scores(table.cell(row, name))
    ]
    if table.floor is not None:
        floor = tables.number(table.cell(table.floor, name))
        scores += [] if floor is None else [floor]
    return (min(scores), max(scores)) if scores else None


def _run_scores(value: Value) -> list[float]:
    if not isinstance(value, Score):
        return []
    return [score for _, score in value.runs if score is not None]


def _cell(
    value: Value,
    *,
    anchor: str | None,
    metric: bool,
    best: bool,
    span: tuple[float, float] | None,
) -> dict[str, Any]:
    number = tables.number(value)
    cell = {
        "text": tables.text(value, metric=metric),
        "sort": "" if number is None else repr(number),
        "best": best,
        "stale": isinstance(value, Score) and value.stale,
        "missing": number is None and not isinstance(value, str),
        "score": isinstance(value, Score),
        "run": None,
        "anchor": anchor if number is not None else None,
    }
    if isinstance(value, Score):
        cell |= {
            "spread": tables.spread(value),
            "interval": tables.interval(value),
            "no_interval": value.no_interval,
            "explained": tables.explain(value),
            "marks": value.marks,
            # A score that is missing may have runs, whose scores are undefined.
            "anchor": anchor if value.runs else cell["anchor"],
            "points": _positions(_run_scores(value), span),
            "median": _positions([number], span) if number is not None else [],
        }
    return cell


def _claim(
    table: Table, claim: Difference, anchor: Callable[[int, str], str | None]
) -> dict[str, Any]:
    by, low, high = claim.lead
    return {
        "column": claim.column,
        "rows": [
            {"name": table.name(place), "anchor": anchor(place, claim.column)}
            for place in (claim.better, claim.worse)
        ],
        "value": f"{by:.2f}",
        "interval": f"[{low:.2f}, {high:.2f}]",
        "p": f"{claim.p_adjusted:.2g}",
        "test": claim.test,
    }


def _positions(
    scores: Sequence[float], span: tuple[float, float] | None
) -> list[float]:
    """Where scores lie between the ends of their column, 0 to 100."""
    if span is None or span[0] == span[1]:
        return [50.0] * len(scores)
    low, high = span
    return [round(100 * (score - low) / (high - low), 1) for score in scores]


def _anchors(table: Table, place: int, prefix: str) -> dict[str, str]:
    """Names of the lists of runs behind a row, by the column that they are of."""
    names = table.behind(place)
    return {name: f"{prefix}runs-{place}-{i}" for i, name in enumerate(names)}


def _groups(
    table: Table, out_dir: str, anchors: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The runs behind every number, for the list below the table."""
    groups = []
    for place, row in enumerate(table.rows):
        for name, runs in table.behind(place).items():
            value = table.cell(row, name) if name in table.columns else None
            groups.append(
                {
                    "anchor": anchors[place][name],
                    "label": table.name(place),
                    "column": name,
                    "explained": (
                        tables.explain(value) if isinstance(value, Score) else ""
                    ),
                    "runs": [_run(table, run, s, out_dir) for run, s in runs],
                }
            )
    return groups


def _run(
    table: Table, run_id: str, score: float | None, out_dir: str
) -> dict[str, Any]:
    source = table.sources.get(run_id)
    path = source.path if source else None
    return {
        "id": run_id,
        "seed": tables.text(source.seed if source else None),
        "score": tables.MISSING if score is None else f"{score:.2f}",
        "link": _link(path, out_dir) if path else None,
        "command": source.command if source else None,
    }


def _link(path: str, out_dir: str) -> str:
    return _relative(PurePath(os.path.relpath(path, out_dir)).as_posix())


def _relative(path: str) -> str:
    # "./" keeps a colon in the first folder's name from being read as a scheme.
    return "./" + quote(path)
