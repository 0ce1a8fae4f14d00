"""Pictures as files and as parts of pages; one that was drawn before is not drawn again.

matplotlib takes a second to load and a picture half a second to draw, so that it is only
imported for what the cache does not know.
"""

import functools
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import metadata

from packaging.requirements import Requirement

from electra_bench.reports.collect.store import Store, key_of
from electra_bench.reports.plot import Plot
from electra_bench.reports.render.colors import OF_THEME
from electra_bench.reports.table import plain
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.ordered_map import num_cores, ordered_map
from electra_bench.system.source_closure import closure_sha256

SVG, PNG = "svg", "png"
# What draws.
DRAWING = "electra_bench.reports.render.drawing"
# For fewer, workers start too slowly.
MANY = 8

# Suffix of a file to its bytes.
Drawn = Mapping[str, bytes]


def drawings(
    plots: Iterable[Plot], suffixes: Sequence[str] = (SVG, PNG)
) -> dict[Plot, Drawn]:
    """Plots as files, drawn where the cache does not know them.

    Args:
        plots: what to draw; equal ones are drawn once.
        suffixes: of the files.
    """
    store = Store(os.path.join(cache_dir(), "reports", "pictures.db"))
    unique = list(dict.fromkeys(plots))
    made_by = pictures_made_by()

    def key(plot: Plot, suffix: str) -> str:
        return key_of(made_by, plot, suffix)

    drawn: dict[Plot, Drawn] = {}
    for plot in unique:
        known = ((suffix, store.get(key(plot, suffix))) for suffix in suffixes)
        drawn[plot] = {s: content for s, content in known if content is not None}
    missing = [plot for plot, files in drawn.items() if len(files) < len(suffixes)]
    draw = functools.partial(_drawn, suffixes=suffixes)
    processes = num_cores() if len(missing) >= MANY else 1
    for plot, files in ordered_map(draw, missing, processes, (DRAWING,)):
        drawn[plot] = files
        for suffix, content in files.items():
            store.put(key(plot, suffix), content)
    store.save()
    return drawn


def _drawn(plot: Plot, suffixes: Sequence[str]) -> Drawn:
    from electra_bench.reports.render.drawing import drawn

    return {suffix: drawn(plot, suffix) for suffix in suffixes}


@functools.cache
def pictures_made_by() -> list[str]:
    """Code and versions of everything that draws."""
    needed = (Requirement(one) for one in metadata.requires("matplotlib") or ())
    used = [one.name for one in needed if not one.marker or one.marker.evaluate()]
    versions = [f"{name} {metadata.version(name)}" for name in ("matplotlib", *used)]
    return [closure_sha256([DRAWING]), platform.python_version(), *versions]


def picture_files(plot: Plot, files: Drawn, report: str) -> dict[str, bytes]:
    """The files of a picture, `<report>-<plot>.svg` and `.png`: names to contents.

    Args:
        plot: of a report.
        files: it as files.
        report: name of the report.
    """
    return {f"{report}-{plot.name}.{suffix}": files[suffix] for suffix in files}


def inline_svg(plot: Plot, drawn: bytes, name: str) -> str:
    """A picture as a part of a page: in its theme's colours, and told in words.

    Args:
        plot: what is drawn.
        drawn: it as an SVG file.
        name: starts all ids, which must differ on a page.
    """
    svg = drawn.decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # It would apply to the whole page.
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("fill: #ffffff", "fill: none")
    for color, variable in OF_THEME.items():
        svg = svg.replace(color, variable)
    # Fonts of the page; matplotlib's may be missing where the page is read.
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 system-ui, sans-serif", svg)
    words = (
        f'<title id="{name}-title">{escape(plain(plot.title))}</title>'
        f'<desc id="{name}-desc">{escape(plain(plot.description))}</desc>'
    )
    start, rest = svg.split(">", 1)
    named = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    return f"{start} {named}>{words}{rest}"
