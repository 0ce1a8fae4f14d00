"""Published scores, each table with its split and how it was measured.

The released models are not those of the paper's tables: `electra_small` and `electra_base`
are Small++ and Base++ (google-research/electra issues 39, 44 and 68), and the README's
SQuAD 2.0 score of Base is that of the paper's model (issue 33). Dev and test scores never
share a row; means with and without WNLI never share a column.
"""

from collections.abc import Mapping
from typing import NamedTuple

from electra_bench.records import PublishedMean, Reference


class PublishedTable(NamedTuple):
    """A table of scores.

    Attributes:
        source: document and table.
        split: `dev` or `test`.
        protocol: how they were measured.
    """

    source: str
    split: str
    protocol: str


README = PublishedTable(
    "google-research/electra README, expected results",
    "dev",
    "released models (Small++, Base++, Large of 1.75M steps), "
    "median of many fine-tuning seeds",
)
README_TEST = PublishedTable(
    "google-research/electra README",
    "test",
    "GLUE score as the GLUE leaderboard computes it, with WNLI",
)
ELECTRA_1 = PublishedTable(
    "Clark et al. 2020 (ELECTRA), table 1",
    "dev",
    "median of 10 fine-tuning runs",
)
ELECTRA_2 = ELECTRA_1._replace(source="Clark et al. 2020 (ELECTRA), table 2")
ELECTRA_3 = PublishedTable(
    "Clark et al. 2020 (ELECTRA), table 3",
    "test",
    "ensembles, RTE and STS from an MNLI model, WNLI task-specific",
)
ELECTRA_4 = PublishedTable("Clark et al. 2020 (ELECTRA), table 4", "dev", "one model")
ELECTRA_8 = PublishedTable(
    "Clark et al. 2020 (ELECTRA), table 8",
    "test",
    "single task, no ensembles",
)
ELECTRIC_4 = PublishedTable(
    "Clark et al. 2020 (Electric), table 4",
    "dev",
    "median of 10 fine-tuning runs",
)

GLUE_ORDER = ("cola", "sst", "mrpc", "sts", "qqp", "mnli", "qnli", "rte")

# Rows in GLUE_ORDER. Not the ELECTRA paper's table 3: its "Avg.*", 89.5, is no mean of its
# columns, so what these hold is unclear.
_ROWS: tuple[tuple[PublishedTable, str, tuple[float, ...]], ...] = (
    (README, "ELECTRA-Small", (57.0, 91.2, 88.0, 87.5, 89.0, 81.3, 88.4, 66.7)),
    (README, "ELECTRA-Base", (67.7, 95.1, 89.5, 91.2, 91.5, 88.8, 93.2, 82.7)),
    (README, "ELECTRA-Large", (69.1, 96.9, 90.8, 92.6, 92.4, 90.9, 95.0, 88.0)),
    (README, "ELECTRA-Small-OWT", (56.8, 88.3, 87.4, 86.8, 88.3, 78.9, 87.9, 68.5)),
    (ELECTRA_2, "BERT-Large", (60.6, 93.2, 88.0, 90.0, 91.3, 86.6, 92.3, 70.4)),
    (ELECTRA_2, "RoBERTa-100K", (66.1, 95.6, 91.4, 92.2, 92.0, 89.3, 94.0, 82.7)),
    (ELECTRA_2, "RoBERTa-500K", (68.0, 96.4, 90.9, 92.1, 92.2, 90.2, 94.7, 86.6)),
    (ELECTRA_2, "XLNet", (69.0, 97.0, 90.8, 92.2, 92.3, 90.8, 94.9, 85.9)),
    (ELECTRA_2, "BERT (ours)", (67.0, 95.9, 89.1, 91.2, 91.5, 89.6, 93.5, 79.5)),
    (ELECTRA_2, "ELECTRA-400K", (69.3, 96.0, 90.6, 92.1, 92.4, 90.5, 94.5, 86.8)),
    (ELECTRA_2, "ELECTRA-1.75M", (69.1, 96.9, 90.8, 92.6, 92.4, 90.9, 95.0, 88.0)),
    (ELECTRIC_4, "BERT-Base", (58.4, 92.8, 86.0, 87.8, 90.8, 84.5, 88.6, 68.5)),
    (ELECTRIC_4, "ELECTRA-Base", (65.8, 92.4, 87.9, 89.1, 90.9, 86.2, 92.4, 76.3)),
    (ELECTRIC_4, "Electric", (61.8, 91.9, 88.0, 89.4, 90.6, 85.7, 92.1, 73.4)),
    (ELECTRA_8, "BERT-Base", (52.1, 93.5, 84.8, 85.8, 89.2, 84.6, 90.5, 66.4)),
    (ELECTRA_8, "ELECTRA-Small", (54.6, 89.1, 83.7, 80.3, 88.0, 79.7, 87.7, 60.8)),
    (ELECTRA_8, "ELECTRA-Small++", (55.6, 91.1, 84.9, 84.6, 88.0, 81.6, 88.3, 63.6)),
    (ELECTRA_8, "ELECTRA-Base", (59.7, 93.4, 86.7, 87.7, 89.1, 85.8, 92.7, 73.1)),
)


def glue_references(task: str) -> tuple[Reference, ...]:
    """Published scores of a task of GLUE, of MNLI the matched sets; few publish all."""
    if task not in GLUE_ORDER:
        return ()
    place = GLUE_ORDER.index(task)
    return tuple(
        reference(source, model, scores[place], "_matched" if task == "mnli" else "")
        for source, model, scores in _ROWS
    )


def reference(
    source: PublishedTable, model: str, score: float, suffix: str = "", remark: str = ""
) -> Reference:
    """One score of a table; `suffix` completes the name of its split."""
    return Reference(
        model, score, source.split + suffix, source.source, source.protocol, remark
    )


def references(
    scores_of: Mapping[PublishedTable, Mapping[str, float]],
) -> tuple[Reference, ...]:
    """Scores of tables: a table to its models' scores."""
    return tuple(
        reference(source, model, score)
        for source, scores in scores_of.items()
        for model, score in scores.items()
    )


_EIGHT = frozenset(GLUE_ORDER)
MEANS = (
    PublishedMean(
        "GLUE dev average of the ELECTRA paper: eight tasks, without WNLI",
        _EIGHT,
        "dev",
        references(
            {
                ELECTRA_1: {
                    "ELMo": 71.2,
                    "GPT": 78.8,
                    "BERT-Small": 75.1,
                    "BERT-Base": 82.2,
                    "ELECTRA-Small": 79.9,
                    "ELECTRA-Base": 85.1,
                },
                ELECTRA_2: {
                    "BERT-Large": 84.0,
                    "RoBERTa-100K": 87.9,
                    "RoBERTa-500K": 88.9,
                    "XLNet": 89.1,
                    "BERT (ours)": 87.2,
                    "ELECTRA-400K": 89.0,
                    "ELECTRA-1.75M": 89.5,
                },
                ELECTRIC_4: {"BERT-Base": 82.2, "ELECTRA-Base": 85.1, "Electric": 84.1},
            }
        ),
        column="GLUE",
    ),
    PublishedMean(
        "GLUE test average of the ELECTRA paper: eight tasks, without WNLI",
        _EIGHT,
        "test",
        references(
            {
                ELECTRA_8: {"ELECTRA-Small": 78.0, "ELECTRA-Small++": 79.7},
            }
        ),
        column="GLUE",
    ),
    PublishedMean(
        "mean of nine dev scores, with WNLI: not the average of the ELECTRA paper",
        _EIGHT | {"wnli"},
        "dev",
    ),
    PublishedMean(
        "GLUE score of the GLUE leaderboard: nine tasks, with WNLI",
        _EIGHT | {"wnli"},
        "test",
        references(
            {
                README_TEST: {
                    "ELECTRA-Small": 77.4,
                    "ELECTRA-Base": 82.7,
                    "ELECTRA-Large": 85.2,
                },
                ELECTRA_3: {"ELECTRA": 89.4},
            }
        ),
        column="GLUE score",
    ),
)
