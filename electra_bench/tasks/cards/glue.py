"""Cards of the GLUE tasks."""

from electra_bench.records import Reference, TaskCard

_README = "google-research/electra README, expected results (dev, medians)"
_GLUE = "https://gluebenchmark.com/tasks"
_DOUBLED = (
    "Split train_doubled holds every pair in both orders, as the original trains."
)


def _references(
    small: float, base: float, large: float, small_owt: float
) -> tuple[Reference, ...]:
    scores = {
        "ELECTRA-Small": small,
        "ELECTRA-Base": base,
        "ELECTRA-Large": large,
        "ELECTRA-Small-OWT": small_owt,
    }
    return tuple(
        Reference(model, score, "dev", _README) for model, score in scores.items()
    )


COLA = TaskCard(
    name="cola",
    version=1,
    kind="classification",
    summary="Whether a sentence is acceptable English.",
    builder="electra_bench.tasks.glue:cola",
    splits={"train": 8551, "dev": 1043, "test": 1063},
    main_metric="mcc",
    source=_GLUE,
    licence="research data of its authors; no licence stated in GLUE",
    citation="Warstadt, Singh and Bowman 2019, TACL 7; Wang et al. 2019 (GLUE)",
    floor=0.0,
    labels=("0", "1"),
    references=_references(57.0, 67.7, 69.1, 56.8),
)

MRPC = TaskCard(
    name="mrpc",
    version=1,
    kind="classification",
    summary=f"Whether two sentences say the same. {_DOUBLED}",
    builder="electra_bench.tasks.glue:mrpc",
    splits={"train": 3668, "train_doubled": 7336, "dev": 408, "test": 1725},
    main_metric="accuracy",
    source=_GLUE,
    licence="Microsoft Research Paraphrase Corpus terms",
    citation="Dolan and Brockett 2005, IWP; Wang et al. 2019 (GLUE)",
    floor=100 * 279 / 408,
    labels=("0", "1"),
    train_split="train_doubled",
    references=_references(88.0, 89.5, 90.8, 87.4),
)

RTE = TaskCard(
    name="rte",
    version=1,
    kind="classification",
    summary="Whether the second sentence follows from the first.",
    builder="electra_bench.tasks.glue:rte",
    splits={"train": 2490, "dev": 277, "test": 3000},
    main_metric="accuracy",
    source=_GLUE,
    licence="research data of its authors; no licence stated in GLUE",
    citation=(
        "Dagan et al. 2006, Bar Haim et al. 2006, Giampiccolo et al. 2007, Bentivogli et "
        "al. 2009; Wang et al. 2019 (GLUE)"
    ),
    floor=100 * 146 / 277,
    labels=("entailment", "not_entailment"),
    epochs=10.0,
    references=_references(66.7, 82.7, 88.0, 68.5),
)

STS = TaskCard(
    name="sts",
    version=1,
    kind="regression",
    summary=f"How similar two sentences are, from 0 to 5. {_DOUBLED}",
    builder="electra_bench.tasks.glue:sts",
    splits={"train": 5749, "train_doubled": 11498, "dev": 1500, "test": 1379},
    main_metric="spearman",
    source=_GLUE,
    licence="scores CC BY-SA 4.0, every source text its own",
    citation="Cer et al. 2017, SemEval; Wang et al. 2019 (GLUE)",
    # A constant has no correlation with anything; that counts as none.
    floor=0.0,
    label_range=(0.0, 5.0),
    train_split="train_doubled",
    epochs=10.0,
    references=_references(87.5, 91.2, 92.6, 86.8),
)
