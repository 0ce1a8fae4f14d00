"""Scores over the size of the generator (Clark et al. 2020, Figure 3, left)."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import row_means
from electra_bench.reports.board.one_task import changes
from electra_bench.reports.board.row_names import after_pretraining
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.lineage import ancestors
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.plot import MOST_NAMES, XY, Point, Series
from electra_bench.reports.statistics.bootstrap import REPLICATES
from electra_bench.reports.table import NothingToShow, Table

PARAMETER = "generator_hidden_size"
SIZE = "generator size"


@reports.register("generator_size")
def generator_size(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
    max_rows: int = 50,
    replicates: int = REPLICATES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Rows are those whose pre-training is among the records and says how wide the generator
    was. The picture has rows that agree in all else that the leaderboard knows.

    Args:
        tasks: tasks that the mean is over; None takes all.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
        max_rows: of the leaderboard, the best so many are looked at.
        replicates: bootstrap samples.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        records = Records.of(records)
        board = Board(records, tasks, labels, kinds, max_rows)
        rows = []
        lines: dict[tuple, list[Point]] = defaultdict(list)
        means = row_means.of_board(board, records, replicates)
        for name, row, mean in zip(board.row_names, board.shown, means, strict=False):
            found = _generator(board.records(row), records)
            if found is None:
                continue
            objective, size = found
            runs = board.runs(row, board.in_mean)
            runs[SIZE] = row_means.built_on(board.records(row), records)
            rows.append(((name, objective, row.protocol, size, mean), runs))
            if mean is not None:
                seen = after_pretraining(row.fraction)
                line = lines[objective, row.protocol, changes(row), seen]
                line.append(row_means.point_of(mean, size, row.name))
        lines = {k: line for k, line in lines.items() if len({p.x for p in line}) > 1}
        if not lines:
            raise NothingToShow(
                "no objective was pre-trained with two sizes of generator"
            )
        rows.sort(key=lambda row: (row[0][1], str(row[0][2]), row[0][3]))
        return Table(
            columns=("model", "objective", "protocol", SIZE, "score"),
            rows=tuple(row for row, _ in rows),
            metrics=("score",),
            lower_is_better=("score",) if board.mean_is_lower_better else (),
            title="Size of the generator",
            # Sizes are an axis here; the leaderboard has tests.
            differences=(),
            details={
                SIZE: "its hidden size as a fraction of the discriminator's",
                "score": row_means.mean_over(board),
            },
            notes=(row_means.MEANING,),
            runs=tuple(runs for _, runs in rows),
            plots=(_plot(lines, row_means.axis_of_means(board)),),
        )

    return build


def _generator(
    runs: Sequence[RunRecord], records: Records
) -> tuple[str | None, float] | None:
    """Objective and generator size of the pre-training of some runs.

    None if it is unknown, or not the same for all.
    """
    found = set()
    for run in runs:
        parents = [p for p in ancestors(run, records) if p and p.kind == "pretrain"]
        if not parents:
            return None
        objective, hparams = parents[0].objective, parents[0].hparams
        found.add((objective, hparams.get(f"objectives.{objective}.{PARAMETER}")))
    if len(found) != 1:
        return None
    [(objective, size)] = found
    return (objective, size) if isinstance(size, (int, float)) else None


def _plot(lines: dict[tuple, list[Point]], axis: str) -> XY:
    series = []
    few = sum(map(len, lines.values())) <= MOST_NAMES
    # What all lines share says nothing.
    differing = [len(set(values)) > 1 for values in zip(*lines, strict=True)]
    for (objective, *others), line in lines.items():
        points = sorted(line, key=lambda point: point.x)
        points = points if few else [point._replace(name="") for point in points]
        # Models of one size differ in something else, so a line would say nothing.
        joined = len({point.x for point in points}) == len(points)
        told = itertools.compress(others, differing[1:])
        name = " ".join(str(part) for part in (objective, *told) if part)
        series.append(Series(name, tuple(points), joined=joined))
    return XY(
        "score",
        "Score over generator size",
        "A colour an objective: the mean score of models with its 95 % interval against "
        "the hidden size of their generator as a fraction of the discriminator's.",
        "generator's hidden size / discriminator's",
        axis,
        tuple(series),
    )
