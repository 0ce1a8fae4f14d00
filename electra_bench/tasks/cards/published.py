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
README_CHUNK = README._replace(split="test")
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
ELECTRIC_4 = ELECTRA_1._replace(source="Clark et al. 2020 (Electric), table 4")
ISSUE_33 = PublishedTable(
    "google-research/electra issue 33", "dev", "released model, one fine-tuning run"
)

GLUE_ORDER = ("cola", "sst", "mrpc", "sts", "qqp", "mnli", "qnli", "rte")

# Not the ELECTRA paper's table 3: its "Avg.*", 89.5, is no mean of its columns, so what
# these hold is unclear.
_GLUE = (
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
_SQUAD = (
    (README, "ELECTRA-Small", (75.8, 70.1)),
    (README, "ELECTRA-Base", (86.8, None)),
    (
        README,
        "ELECTRA-Base",
        (None, 80.5),
        "the paper's model on Wikipedia and books; the released one, Base++, "
        "gives 82.6 (83.9 at the best threshold)",
    ),
    (README, "ELECTRA-Large", (89.7, 88.1)),
    (ISSUE_33, "ELECTRA-Base++", (None, 82.6)),
    (ELECTRA_4, "BERT-Base", (80.8, None)),
    (ELECTRA_4, "BERT-Large", (84.1, 79.0)),
    (ELECTRA_4, "XLNet-Base", (81.3, 78.5)),
    (ELECTRA_4, "BERT (ours)", (88.0, 84.7)),
    (ELECTRA_4, "ELECTRA-Base", (84.5, 80.5)),
    (ELECTRA_4, "ELECTRA-400K", (88.7, 86.9)),
    (ELECTRA_4, "ELECTRA-1.75M", (89.7, 88.0)),
    (ELECTRIC_4, "BERT-Base", (None, 73.7)),
    (ELECTRIC_4, "Electric", (84.5, 80.1)),
)
_CHUNK = (
    (README_CHUNK, "ELECTRA-Small", (96.5,)),
    (README_CHUNK, "ELECTRA-Base", (97.1,)),
    (README_CHUNK, "ELECTRA-Large", (97.2,)),
)
# Means of dev scores, of test scores, and of test scores with WNLI.
_MEANS = (
    (ELECTRA_1, "ELMo", (71.2, None, None)),
    (ELECTRA_1, "GPT", (78.8, None, None)),
    (ELECTRA_1, "BERT-Small", (75.1, None, None)),
    (ELECTRA_1, "BERT-Base", (82.2, None, None)),
    (ELECTRA_1, "ELECTRA-Small", (79.9, None, None)),
    (ELECTRA_1, "ELECTRA-Base", (85.1, None, None)),
    (ELECTRA_2, "BERT-Large", (84.0, None, None)),
    (ELECTRA_2, "RoBERTa-100K", (87.9, None, None)),
    (ELECTRA_2, "RoBERTa-500K", (88.9, None, None)),
    (ELECTRA_2, "XLNet", (89.1, None, None)),
    (ELECTRA_2, "BERT (ours)", (87.2, None, None)),
    (ELECTRA_2, "ELECTRA-400K", (89.0, None, None)),
    (ELECTRA_2, "ELECTRA-1.75M", (89.5, None, None)),
    (ELECTRIC_4, "BERT-Base", (82.2, None, None)),
    (ELECTRIC_4, "ELECTRA-Base", (85.1, None, None)),
    (ELECTRIC_4, "Electric", (84.1, None, None)),
    (ELECTRA_8, "ELECTRA-Small", (None, 78.0, None)),
    (ELECTRA_8, "ELECTRA-Small++", (None, 79.7, None)),
    (README_TEST, "ELECTRA-Small", (None, None, 77.4)),
    (README_TEST, "ELECTRA-Base", (None, None, 82.7)),
    (README_TEST, "ELECTRA-Large", (None, None, 85.2)),
    (ELECTRA_3, "ELECTRA", (None, None, 89.4)),
)
# What the scores of a row are of, to the rows: table, model and scores, None for one that
# is not published, and perhaps a remark.
_ROWS: Mapping[tuple[str, ...], tuple] = {
    GLUE_ORDER: _GLUE,
    ("squadv1", "squad"): _SQUAD,
    ("chunk",): _CHUNK,
    ("dev mean", "test mean", "test mean with WNLI"): _MEANS,
}


def references(name: str) -> tuple[Reference, ...]:
    """Published scores of a task, of MNLI the matched sets, or of a mean of `MEANS`."""
    suffix = "_matched" if name == "mnli" else ""
    return tuple(
        Reference(
            model, score, table.split + suffix, table.source, table.protocol, *more
        )
        for names, rows in _ROWS.items()
        for table, model, scores, *more in rows
        for of, score in zip(names, scores, strict=True)
        if of == name and score is not None
    )


_EIGHT = frozenset(GLUE_ORDER)
MEANS = (
    PublishedMean(
        "GLUE dev average of the ELECTRA paper: eight tasks, without WNLI",
        _EIGHT,
        "dev",
        references("dev mean"),
        column="GLUE",
    ),
    PublishedMean(
        "GLUE test average of the ELECTRA paper: eight tasks, without WNLI",
        _EIGHT,
        "test",
        references("test mean"),
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
        references("test mean with WNLI"),
        column="GLUE score",
    ),
)
