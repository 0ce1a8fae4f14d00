"""Tables as self-contained pages."""

import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib import metadata, resources
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from electra_bench.reports import table as tables
from electra_bench.reports.collect.store import Store, key_of
from electra_bench.reports.plot import Plot
from electra_bench.reports.render.pictures import (
    SVG,
    Drawn,
    drawings,
    inline_svg,
    pictures_made_by,
)
from electra_bench.reports.table import Score, Table, Value
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.source_closure import closure_sha256


@dataclass(frozen=True)
class Page:
    """What stands on a page, and where it stands.

    Attributes:
        title: heading.
        tables: the reports; all but the first have their titles above them.
        folder: where it stands; links are relative to it.
        command: the command that builds it again.
        file: its name in the folder.
        name: its name in the list of pages.
        notices: what is not shown, and why, a line each.
        links: the list of pages: file to name.
        tasks: task to the file of its page.
        pictures: name of a plot to names of its files, relative to the folder.
    """

    title: str
    tables: Sequence[Table]
    folder: str
    command: str | None = None
    file: str = ""
    name: str = ""
    notices: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Sequence[str]] = field(default_factory=dict)


def to_html(table: Table, out_dir: str, command: str | None = None) -> str:
    """Renders a report as a page without any outside file.

    Args:
        table: the report.
        out_dir: folder of the page; links to records are relative to it.
        command: the command that builds this table again.
    """
    return to_page(Page(table.title, [table], out_dir, command))


def to_page(page: Page, drawn: Mapping[Plot, Drawn] | None = None) -> str:
    """Renders reports below one another.

    A page that was rendered before comes from the cache.

    Args:
        page: what stands on it.
        drawn: its pictures, if they are there already.
    """
    store = Store(os.path.join(cache_dir(), "reports", "pages.db"))
    # Links are relative, and a relative folder is one of the current folder.
    key = key_of(page, _made_by(), os.getcwd())
    known = store.get(key)
    if known is not None:
        return zlib.decompress(known).decode()
    rendered = _rendered(page, drawn)
    store.put(key, zlib.compress(rendered.encode(), level=1))
    store.save()
    return rendered


def _rendered(page: Page, drawn: Mapping[Plot, Drawn] | None) -> str:
    if drawn is None:
        drawn = drawings((p for table in page.tables for p in table.plots), (SVG,))
    sections = [
        _Section(table, f"part{place}-" if place > 1 else "", page, drawn)
        for place, table in enumerate(page.tables, 1)
    ]
    template = _environment().get_template("page.html.j2")
    return template.render(page=page, sections=sections)


@cache
def _made_by() -> list[str]:
    """Code, templates and versions of everything that renders."""
    folder = resources.files("electra_bench.reports.render") / "templates"
    templates = sorted(folder.iterdir(), key=lambda file: file.name)
    return [
        closure_sha256([__name__]),
        *(hashlib.sha256(file.read_bytes()).hexdigest() for file in templates),
        *map(metadata.version, ("jinja2", "markupsafe")),
        *pictures_made_by(),
    ]


@cache
def _environment() -> Environment:
    """What templates are compiled in, once for all pages."""
    environment = Environment(
        loader=PackageLoader("electra_bench.reports.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.tests["score"] = lambda value: isinstance(value, Score)
    environment.globals |= {
        "explain": tables.explain,
        "interval": tables.interval,
        "number": tables.number,
        "relative": _relative,
        "repr": repr,
        "spread": tables.spread,
        "text": tables.text,
    }
    return environment


def _visible(value: Any) -> Any:
    """What a template writes; its own mark-up and SVG stay as they are."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return tables.plain(value) if is_text else value


class _Section:
    """A table of a page, and what its template asks of it.

    Attributes:
        table: the table.
        prefix: starts all ids, which must differ on a page.
        page: where it stands.
        names: of the rows.
        behind: of every row: name to the runs behind its numbers.
        best: name of a column to the numbers of the rows to stress in it.
        num_runs: the number of runs behind the table.
        columns: headers.
    """

    def __init__(
        self, table: Table, prefix: str, page: Page, drawn: Mapping[Plot, Drawn]
    ):
        self.table = table
        self.prefix = prefix
        self.page = page
        self._drawn = drawn
        self.names = list(map(table.name, range(len(table.rows))))
        self.behind = list(map(table.behind, range(len(table.rows))))
        self.best = {name: table.best(name) for name in table.metrics}
        self.num_runs = len(tables.run_ids(table) or table.sources)
        self.columns = [_column(table, name) for name in table.columns]
        self._spans = {name: _span(table, name) for name in table.metrics}

    def anchor(self, place: int, name: str) -> str | None:
        """The list of runs that a number leads to.

        A rank leads to what it is by; a number of parameters to any runs of its row.
        """
        of_row = list(self.behind[place])
        for wanted in (name, self.table.rank_by, *of_row[:1]):
            if wanted in of_row:
                return f"{self.prefix}runs-{place}-{of_row.index(wanted)}"
        return None

    def value(self, place: int, name: str) -> Value:
        """The value of a row in a column; None if there is no such column."""
        cells = zip(self.table.columns, self.table.rows[place], strict=True)
        return dict(cells).get(name)

    def positions(self, scores: Sequence[float | None], name: str) -> list[float]:
        """Where scores lie between the ends of their column, 0 to 100."""
        known = [score for score in scores if score is not None]
        low, high = self._spans.get(name, (0.0, 0.0))
        if low == high:
            return [50.0] * len(known)
        return [round(100 * (score - low) / (high - low), 1) for score in known]

    def link(self, run_id: str) -> str | None:
        """The path of a run's record from the page; None if it is unknown."""
        source = self.table.sources.get(run_id)
        if source is None or source.path is None:
            return None
        return _link(os.path.abspath(source.path), self._folder)

    @cached_property
    def _folder(self) -> str:
        return os.path.abspath(self.page.folder)

    @property
    def key(self) -> str:
        """How to read a cell; empty if there is nothing to say."""
        values = [value for row in self.table.rows for value in row]
        scores = [v for v in values if isinstance(v, Score) and v.count]
        parts = {
            "mean over runs": True,
            "± standard deviation": any(s.sd is not None for s in scores),
            "n runs": True,
            "[95 % interval]": any(s.interval for s in scores),
            "a dot a run with a bar at the mean": any(s.count > 1 for s in scores),
        }
        has_tests = self.table.differences is not None
        green = "no row is significantly better" if has_tests else "the best"
        cell = ", ".join(tables.told(parts))
        sentences = {
            f"A cell: {cell}.": scores,
            f"Green: {green}.": any(self.best.values()),
            "A number leads to its runs.": any(self.behind),
        }
        return " ".join(tables.told(sentences))

    def svg(self, plot: Plot) -> str:
        """A picture as a part of the page."""
        return inline_svg(plot, self._drawn[plot][SVG], f"{self.prefix}{plot.name}")


def _column(table: Table, name: str) -> dict[str, Any]:
    is_ranked = name in (*table.metrics, table.rank_by)
    is_descending = is_ranked and name not in table.lower_is_better
    best_first = "descending" if is_descending else "ascending"
    values = set(table.values(name))
    return {
        "name": name,
        "text": table.is_text(name),
        # What all rows share needs no room on a phone.
        "same": name != table.label and table.is_text(name) and len(values) == 1,
        "order": best_first if name == table.rank_by else "none",
        "first": best_first,
    }


def _span(table: Table, name: str) -> tuple[float, float]:
    """Smallest and largest score of a column, its floor included."""
    cells = table.values(name)
    scores = [s for cell in cells if isinstance(cell, Score) for s in cell.counted]
    floor = tables.number(table.cell(table.floor, name)) if table.floor else None
    scores += [] if floor is None else [floor]
    return min(scores, default=0.0), max(scores, default=0.0)


# The pages of a site stand in one folder and lead to the same runs.
@lru_cache(maxsize=1 << 16)
def _link(path: str, folder: str) -> str:
    return _relative(PurePath(os.path.relpath(path, folder)).as_posix())


def _relative(path: str) -> str:
    # "./" keeps a colon in the first folder's name from being read as a scheme.
    return "./" + quote(path)
