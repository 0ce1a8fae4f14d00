"""A comparison as tables, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from electra_bench.reports.compare.comparison import (
    Comparison,
    Disagreement,
    Scores,
)
from electra_bench.reports.render.files import escaped
from electra_bench.reports.table import (
    LOWER,
    Bounded,
    Score,
    Table,
    Value,
    distinct,
)

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
    tables = [_of_scores(comparison, names)]
    for scores in comparison.scores:
        if scores.examples:
            examples = [_of_example(example, names) for example in scores.examples]
            title = f"Some examples of {scores.column}"
            tables.append(_table(title, ("id", "better", "target", *names), examples))
    for title, settings in (
        ("Configuration", comparison.configuration),
        ("Environment", comparison.environment),
    ):
        if settings:
            rows = [
                (one.name, *(", ".join(side) or None for side in one.values))
                for one in settings
            ]
            tables.append(_table(title, ("setting", *names), rows))
    return tables


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], **further
) -> Table:
    return Table(
        columns=distinct(columns),
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
                *map(_of_means, one.scores),
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


def _of_means(score: Score) -> Score:
    return replace(score, value=score.mean)


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
    sentences = [
        f"{side.name}: {'1 run' if len(side.runs) == 1 else f'{len(side.runs)} runs'}."
        for side in comparison.sides
    ]
    sentences += [f"{scores.column}: {scores.details}." for scores in comparison.scores]
    tested = [scores for scores in comparison.scores if scores.test]
    if tested:
        sentences.append(
            "Scores are means over runs; a difference is that of the first less the "
            "second, with its 95 % interval."
        )
    lower = [one.column for one in comparison.scores if not one.higher_is_better]
    if lower:
        sentences.append(f"{LOWER.capitalize()} in {', '.join(lower)}.")
    if any(min(score.count for score in one.scores) == 1 for one in tested):
        sentences.append(
            "With one run on a side a test says that these runs differ, not that others "
            "would."
        )
    if not comparison.scores:
        sentences.append("No score of one side compares with one of the other.")
    return sentences + [
        f"Only {comparison.sides[number].name} has {column}."
        for number, column in comparison.only
    ]
