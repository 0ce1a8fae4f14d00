"""A comparison as tables, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from electra_bench.reports import table as tables
from electra_bench.reports.compare.comparison import Comparison, Disagreement, Scores
from electra_bench.reports.render.files import escaped
from electra_bench.reports.table import Bounded, Table, Value

# Characters of one answer; JSON has all of it.
LONGEST = 60


def to_json(comparison: Comparison) -> str:
    """Renders a comparison with every digit."""
    content = asdict(comparison)
    for name in ("configuration", "environment"):
        content[name] = [one._asdict() for one in getattr(comparison, name)]
    lines = json.dumps(content, indent=1, ensure_ascii=False).split("\n")
    return "\n".join(map(escaped, lines)) + "\n"


def to_tables(comparison: Comparison) -> list[Table]:
    """Scores, examples that one side answers better, and settings that differ."""
    names = [side.name for side in comparison.sides]
    found = [_of_scores(comparison, names)]
    for scores in comparison.scores:
        if scores.examples:
            examples = [_of_example(example, names) for example in scores.examples]
            title = f"Some examples of {scores.column}"
            found.append(_table(title, ("id", "better", "target", *names), examples))
    for title, differing in (
        ("Configuration", comparison.configuration),
        ("Environment", comparison.environment),
    ):
        rows = [
            (name, *(", ".join(side) or None for side in values))
            for name, values in differing
        ]
        if rows:
            found.append(_table(title, ("setting", *names), rows))
    return found


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], **further
) -> Table:
    return Table(
        columns=tables.distinct(columns),
        rows=tuple(map(tuple, rows)),
        label=columns[0],
        title=title,
        **further,
    )


def _of_scores(comparison: Comparison, names: Sequence[str]) -> Table:
    better = (f"better: {name}" for name in names)
    return _table(
        " and ".join(names),
        ("task", *names, "difference", "p", "p adjusted", "test", *better, "equal"),
        [
            (
                one.column,
                *one.scores,
                _difference(one),
                one.p_value,
                one.p_adjusted,
                one.test or f"none: {one.no_test}",
                *(one.better or (None, None)),
                one.equal,
            )
            for one in comparison.scores
        ],
        notes=tuple(_sentences(comparison)),
        left_out=comparison.left_out,
    )


def _difference(scores: Scores) -> Bounded | None:
    if scores.difference is None:
        return None
    return Bounded(scores.difference, scores.interval, is_difference=True)


def _of_example(example: Disagreement, names: Sequence[str]) -> list[str]:
    of_sides = [" / ".join(map(_short, side)) for side in example.predictions]
    return [example.id, names[example.better], _short(example.target), *of_sides]


def _short(answer: object) -> str:
    if isinstance(answer, float):
        return f"{answer:.4g}"
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _sentences(comparison: Comparison) -> list[str]:
    sides, scores = comparison.sides, comparison.scores
    tested = [one for one in scores if one.test]
    lower = [one.column for one in scores if not one.higher_is_better]
    sentences = {
        "Scores are means over runs; a difference is that of the first less the second, "
        "with its 95 % interval.": tested,
        f"{tables.LOWER.capitalize()} in {', '.join(lower)}.": lower,
        "With one run on a side a test says that these runs differ, not that others "
        "would.": any(score.count == 1 for one in tested for score in one.scores),
        "No score of one side compares with one of the other.": not scores,
    }
    return [
        *(f"{side.name}: {tables.counted(len(side.runs), 'run')}." for side in sides),
        *(f"{one.column}: {one.details}." for one in scores),
        *tables.told(sentences),
        *(
            f"Only {sides[place].name} has {column}."
            for place, column in comparison.only
        ),
    ]
