"""Tables as LaTeX, in the style of booktabs."""

import string

from jinja2 import Environment, PackageLoader, StrictUndefined

from electra_bench.reports import table as tables
from electra_bench.reports.table import Score, Table, Value

# Besides the ten special characters: brackets and stars are read as arguments of the \\
# before them, and quotes and hyphens join to other characters.
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    "\N{EN DASH}": r"\textendash{}",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    **{character: f"\\{character}" for character in "{}$&#%_"},
    **{character: f"{{{character}}}" for character in "[]*'"},
}


def escape(content: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    line = " ".join(content.split())
    shown = "".join(SPECIAL.get(c, c) if c.isprintable() else "?" for c in line)
    return shown.replace("--", "-{-}")


def to_latex(table: Table, command: str | None = None) -> str:
    """Renders a report as a `table` environment.

    Bold are the cells that the page has in green. Raised letters lead to marks below.

    Args:
        table: the report.
        command: the command that builds this table again.
    """
    environment = Environment(
        loader=PackageLoader("electra_bench.reports"),
        # Braces are LaTeX's own. Everything that is not is escaped here.
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    marks: dict[str, str] = {}
    best = {name: table.best(name) for name in table.metrics}

    def cells(row: tuple[Value, ...], place: int | None) -> list[str]:
        return [
            _cell(
                value,
                marks,
                metric=name in table.metrics,
                best=place in best.get(name, ()),
            )
            for name, value in zip(table.columns, row, strict=True)
        ]

    rows = [cells(row, place) for place, row in enumerate(table.rows)]
    below = [cells(row, None) for row in table.reference_rows]
    return environment.get_template("table.tex.j2").render(
        title=escape(table.title),
        command=" ".join(command.split()) if command else None,
        alignment="".join(
            "l" if table.is_text(name) else "r" for name in table.columns
        ),
        header=[escape(name) for name in table.columns],
        rows=rows,
        reference_rows=below,
        remarks=_remarks(table, marks),
    )


def _cell(value: Value, marks: dict[str, str], *, metric: bool, best: bool) -> str:
    shown = escape(tables.text(value, metric=metric))
    if best:
        shown = rf"\textbf{{{shown}}}"
    if not isinstance(value, Score):
        return shown
    remarks = [*value.marks]
    remarks += [f"no interval: {value.no_interval}"] if value.no_interval else []
    letters = [marks.setdefault(mark, _letter(len(marks))) for mark in remarks]
    if letters:
        shown += rf"\textsuperscript{{{','.join(letters)}}}"
    beside = " ".join(filter(None, (tables.spread(value), tables.interval(value))))
    return rf"{shown} {{\scriptsize {escape(beside)}}}" if beside else shown


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    above, place = divmod(number, len(string.ascii_lowercase))
    return (_letter(above - 1) if above else "") + string.ascii_lowercase[place]


def _remarks(table: Table, marks: dict[str, str]) -> list[str]:
    remarks = [
        rf"\textsuperscript{{{letter}}} {escape(m)}" for m, letter in marks.items()
    ]
    remarks += [
        rf"\textbf{{{escape(name)}}}: {escape(detail)}"
        for name, detail in table.details.items()
    ]
    about = zip(table.reference_rows, table.reference_details, strict=False)
    remarks += [
        f"{escape(tables.text(table.cell(row, table.label)))}: {escape(details)}"
        for row, details in about
        if details
    ]
    remarks += [escape(note) for note in table.notes]
    claims = [one for one in table.differences or () if one.significant]
    remarks += [escape(tables.claim(table, claim)) for claim in claims]
    if table.repeat:
        remarks.append(f"Runs to repeat: {len(table.repeat)}")
    if table.left_out:
        remarks.append(f"Left out: {len(table.left_out)}")
        remarks += [escape(f"{i.where}: {i.reason}") for i in table.left_out]
    return remarks
