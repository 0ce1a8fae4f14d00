"""Tables as LaTeX, in the style of booktabs."""

import string
from collections import Counter
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from electra_bench.reports import table as tables
from electra_bench.reports.table import Bounded, Score, Table, Value

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
    # \textquotedbl is not in every encoding of fonts.
    '"': r"{\char34}",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": r"\textquotedblleft{}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": r"\textquotedblright{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\textellipsis{}",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    **{character: f"\\{character}" for character in "{}$&#%_"},
    **{character: f"{{{character}}}" for character in "[]*'"},
}
# Letters that pdfLaTeX has in every encoding of fonts.
WESTERN = frozenset(map(chr, range(0xC0, 0x100))) - set("ÐðÞþ÷") | set("ŒœŁł")
# Characters of a name in one line; a longer one is broken.
LONGEST_NAME = 24


def escape(content: str) -> str:
    """Text that LaTeX shows as it is, on one line.

    What pdfLaTeX's usual fonts lack goes through `\\otherchar`, which the template defines.
    """
    line = _one_line(content)
    return "".join(map(_character, line)).replace("--", "-{-}")


def _character(char: str) -> str:
    if char in SPECIAL:
        return SPECIAL[char]
    if char == tables.UNPRINTABLE:
        return "?"
    if char.isascii() or char in WESTERN:
        return char
    return rf"\otherchar{{{ord(char):04X}}}{{{char}}}"


def to_latex(table: Table, command: str | None = None) -> str:
    """Renders a report as a `table` environment, at most as wide as a line.

    Bold are the cells that the page has in green. Raised letters lead to marks below the
    table. A column with one value in all rows stands there, too. What nobody prints, such
    as every significant difference, is in comments at the end.

    Args:
        table: the report.
        command: the command that builds this table again.
    """
    environment = Environment(
        loader=PackageLoader("electra_bench.reports.render"),
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
    same = _same_in_all_rows(table)
    columns = [name for name in table.columns if name not in same]
    cells = _Cells(table)
    rows = [[cells.shown(r, c, n) for c in columns] for n, r in enumerate(table.rows)]
    places = range(len(table.reference_rows))
    below = [[cells.of_reference(place, c) for c in columns] for place in places]
    return environment.get_template("table.tex.j2").render(
        title=escape(table.title),
        command=_one_line(command or ""),
        alignment="".join(cells.alignment(name) for name in columns),
        header=[cells.header(name) for name in columns],
        rows=rows,
        reference_rows=below,
        remarks=_remarks(table, cells, same),
        comments=[
            _one_line(line)
            for heading, lines in tables.lists_below(table).items()
            for line in (heading, *lines)
        ],
    )


def _one_line(content: str) -> str:
    """Text that cannot leave its comment."""
    return " ".join(tables.plain(content).split())


def _same_in_all_rows(table: Table) -> dict[str, Value]:
    """Columns that would only take room, with their values."""
    if len(table.rows) < 2:
        return {}
    kept = {table.label, table.rank_by, *table.metrics}
    others = (name for name in table.columns if name not in kept)
    first = {name: table.cell(table.rows[0], name) for name in others}
    shared = {n: v for n, v in first.items() if {v} == set(table.values(n))}
    return {n: v for n, v in shared.items() if v is not None}


class _Cells:
    """The cells of a table, and the marks that lead from them to what stands below.

    Attributes:
        marks: what is said below, to its letter.
        count: number of runs of most scores, since others are marked; None without scores.
    """

    def __init__(self, table: Table):
        self._table = table
        self._best = {name: table.best(name) for name in table.metrics}
        values = ((name, v) for name in table.columns for v in table.values(name))
        scores = [(name, score) for name, score in values if isinstance(score, Score)]
        self._with_scores = {name for name, _ in scores}
        counts = Counter(score.count for _, score in scores if score.count)
        self.count = counts.most_common(1)[0][0] if counts else None
        self.marks: dict[str, str] = {}

    def alignment(self, name: str) -> str:
        """How a column is aligned; long names of rows are folded."""
        if name != self._table.label:
            return "l" if self._table.is_text(name) else "r"
        names = map(tables.text, self._table.values(name))
        is_long = max(map(len, names), default=0) > LONGEST_NAME
        return r">{\raggedright\arraybackslash}p{13em}" if is_long else "l"

    def header(self, name: str) -> str:
        """The name of a column, a line a word."""
        words = [escape(word) for word in name.replace("_", "_ ").split()]
        side = "l" if self._table.is_text(name) else "r"
        lines = r" \\ ".join(words)
        shown = lines if len(words) == 1 else rf"\shortstack[{side}]{{{lines}}}"
        # Scores are narrower than what stands beside and below them.
        is_wide = name in self._with_scores
        return rf"\multicolumn{{1}}{{c}}{{{shown}}}" if is_wide else shown

    def shown(self, row: Sequence[Value], name: str, place: int | None) -> str:
        """A cell of the row number `place`; of a reference row for None."""
        value = self._table.cell(row, name)
        shown = escape(self._table.shown(row, name))
        if name == self._table.label:
            # Where a name may be folded, besides hyphens.
            folded = shown.replace(r"\_", r"\_\allowbreak ")
            return folded.replace("/", r"/\allowbreak ")
        if isinstance(value, Bounded):
            beside = filter(None, (tables.interval(value), value.remark))
            bare = tables.bare(value).replace("-", "$-$")
            shown = _within(bare, escape(", ".join(beside)))
        if place in self._best.get(name, ()):
            shown = rf"\textbf{{{shown}}}"
        if name not in self._with_scores:
            return shown
        return self._score(shown, value if isinstance(value, Score) else Score(None))

    def of_reference(self, place: int, name: str) -> str:
        """A cell of the reference row number `place`; its source is a mark."""
        if name == self._table.label:
            label, about = self._table.reference(place)
            return rf"{escape(label)}\textsuperscript{{{self._letters([about])}}}"
        row = self._table.reference_rows[place]
        is_empty = self._table.cell(row, name) is None
        return "" if is_empty else self.shown(row, name, None)

    def _score(self, shown: str, score: Score) -> str:
        remarks = [*score.marks]
        if score.no_interval and score.count:
            remarks.append(f"no interval: {score.no_interval}")
        if score.count not in (0, self.count):
            remarks.append("one run" if score.count == 1 else f"{score.count} runs")
        spread = "" if score.sd is None else rf"$\pm${score.sd:.1f}"
        cell = rf"\score{{{shown}}}{{{self._letters(remarks)}}}{{{spread}}}"
        return _within(cell, escape(tables.interval(score)))

    def _letters(self, remarks: Sequence[str]) -> str:
        return ",".join(
            self.marks.setdefault(remark, _letter(len(self.marks)))
            for remark in filter(None, remarks)
        )


def _within(shown: str, beside: str) -> str:
    return rf"\within{{{shown}}}{{{beside}}}" if beside else shown


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    above, place = divmod(number, len(string.ascii_lowercase))
    return (_letter(above - 1) if above else "") + string.ascii_lowercase[place]


def _remarks(table: Table, cells: _Cells, same: Mapping[str, Value]) -> list[str]:
    """Paragraphs below the table."""
    marks = (rf"\textsuperscript{{{cells.marks[m]}}}\,{escape(m)}" for m in cells.marks)
    described = table.described.items()
    details = (
        rf"\textbf{{{escape(name)}}}: {escape(said)}" for name, said in described
    )
    in_all_rows = ", ".join(f"{name} {tables.text(v)}" for name, v in same.items())
    runs = "one run" if cells.count == 1 else f"{cells.count} runs"
    before = {
        f"In all rows: {in_all_rows}.": in_all_rows,
        f"Scores are of {runs} where no mark says otherwise.": cells.count,
    }
    after = {
        "Bold: no row is significantly better.": table.differences,
        f"Runs to repeat: {len(table.repeat)}.": table.repeat,
        f"Left out: {len(table.left_out)}.": table.left_out,
    }
    notes = [*tables.told(before), *table.notes, *tables.told(after)]
    paragraphs = ["; ".join(marks), "; ".join(details), " ".join(map(escape, notes))]
    return list(filter(None, paragraphs))
