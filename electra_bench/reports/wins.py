"""Which model is significantly better than which, on how many tasks."""

from collections import Counter
from collections.abc import Callable, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.notes import note_on_contaminated
from electra_bench.reports.board.scores import Board, Tested
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.plot import Matrix
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.statistics.significance import METHODS
from electra_bench.reports.table import NothingToShow, Table

# Of the picture.
TITLE = "Columns in which the row's model is better"
DESCRIPTION = (
    "A square of numbers: in how many columns of the leaderboard the model of the row is "
    "significantly better than the model of the column. A dot stands for none; where there "
    "is nothing, there was no test."
)


@reports.register("wins")
def wins(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
    max_rows: int = 20,
    correction: str = "holm",
    replicates: int = REPLICATES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report from the tests that the leaderboard makes.

    Args:
        tasks: tasks to show, in this order; None shows all, see `columns_of`.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
        max_rows: the best so many rows are set against one another.
        correction: for the number of tests: `holm` or `bh`.
        replicates: bootstrap samples.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        board = Board(records, tasks, labels, kinds, max_rows)
        tested = Tested(board, Bootstrap.of(records, replicates), correction)
        tests = [d for d in tested.differences if d.column not in board.means]
        if not tests:
            raise NothingToShow("no two models have predictions of the same examples")
        won = Counter((test.better, test.worse) for test in tests if test.significant)
        pairs = {(d.row, d.other) for d in tests} | {(d.other, d.row) for d in tests}
        places = range(len(board.shown))
        counts = tuple(
            tuple(won[i, j] if (i, j) in pairs else None for j in places)
            for i in places
        )
        names = board.short_names
        num_wins = [sum(won[i, j] for j in places) for i in places]
        num_losses = [sum(won[j, i] for j in places) for i in places]
        return Table(
            columns=("model", "wins", "losses", *(f"over {name}" for name in names)),
            rows=tuple(
                (names[i], num_wins[i], num_losses[i], *counts[i]) for i in places
            ),
            title="Significant wins between models",
            notes=(
                "The number of columns of the leaderboard in which the model of the row "
                "is significantly better; a dash is a pair without a test.",
                f"{len(tests)} tests at a significance level of 5 %, "
                f"{METHODS[correction]} over them and those of the means.",
                *note_on_contaminated(board, tests),
            ),
            runs=tuple(map(board.runs, board.shown)),
            plots=(Matrix("matrix", TITLE, DESCRIPTION, tuple(names), counts),),
        )

    return build
