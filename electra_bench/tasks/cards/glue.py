"""Cards of the GLUE tasks."""

from electra_bench.records import TaskCard
from electra_bench.tasks.cards.published import glue_references

_GLUE = "https://gluebenchmark.com/tasks"
_DOUBLED = (
    "Split train_doubled holds every pair in both orders, as the original trains."
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
    references=glue_references("cola"),
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
    references=glue_references("mrpc"),
)

RTE = TaskCard(
    name="rte",
    version=1,
    kind="classification",
    summary="Whether the second sentence follows from the first.",
    builder="electra_bench.tasks.glue:sentence_pairs",
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
    references=glue_references("rte"),
)

SST = TaskCard(
    name="sst",
    version=1,
    kind="classification",
    summary="Whether a phrase of a film review is positive (1).",
    builder="electra_bench.tasks.glue:sst",
    splits={"train": 67349, "dev": 872, "test": 1821},
    main_metric="accuracy",
    source=_GLUE,
    licence="research data of its authors; no licence stated in GLUE",
    citation="Socher et al. 2013, EMNLP; Wang et al. 2019 (GLUE)",
    floor=100 * 444 / 872,
    labels=("0", "1"),
    references=glue_references("sst"),
)

QQP = TaskCard(
    name="qqp",
    version=1,
    kind="classification",
    summary="Whether two questions ask the same.",
    builder="electra_bench.tasks.glue:qqp",
    splits={"train": 363846, "dev": 40430, "test": 390965},
    main_metric="accuracy",
    source=_GLUE,
    licence="Quora's terms of service",
    citation="Iyer, Dandekar and Csernai 2017; Wang et al. 2019 (GLUE)",
    floor=100 * 25545 / 40430,
    labels=("0", "1"),
    references=glue_references("qqp"),
)

MNLI = TaskCard(
    name="mnli",
    version=1,
    kind="classification",
    summary="Whether a sentence follows from another, contradicts it, or neither.",
    builder="electra_bench.tasks.glue:mnli",
    splits={
        "train": 392702,
        "dev_matched": 9815,
        "dev_mismatched": 9832,
        "test_matched": 9796,
        "test_mismatched": 9847,
    },
    main_metric="accuracy",
    source=_GLUE,
    licence="most of it OANC's; parts CC BY 3.0 and CC BY-SA 3.0",
    citation="Williams, Nangia and Bowman 2018, NAACL; Wang et al. 2019 (GLUE)",
    floor=100 * 3479 / 9815,
    # In the order of the original's ids.
    labels=("contradiction", "entailment", "neutral"),
    eval_split="dev_matched",
    further_splits=("dev_mismatched",),
    references=glue_references("mnli"),
)

QNLI = TaskCard(
    name="qnli",
    version=1,
    kind="classification",
    summary="Whether a sentence of Wikipedia answers a question.",
    builder="electra_bench.tasks.glue:sentence_pairs",
    splits={"train": 104743, "dev": 5463, "test": 5463},
    main_metric="accuracy",
    source=_GLUE,
    licence="CC BY-SA 4.0, as SQuAD, of which it is made",
    citation="Rajpurkar et al. 2016, EMNLP; Wang et al. 2019 (GLUE)",
    floor=100 * 2761 / 5463,
    labels=("entailment", "not_entailment"),
    references=glue_references("qnli"),
)

WNLI = TaskCard(
    name="wnli",
    version=1,
    kind="classification",
    summary="Whether a sentence with its pronoun resolved follows from another.",
    builder="electra_bench.tasks.glue:sentence_pairs",
    splits={"train": 635, "dev": 71, "test": 146},
    main_metric="accuracy",
    source=_GLUE,
    licence="research data of its authors; no licence stated in GLUE",
    citation="Levesque, Davis and Morgenstern 2012, KR; Wang et al. 2019 (GLUE)",
    floor=100 * 40 / 71,
    labels=("0", "1"),
)

AX = TaskCard(
    name="ax",
    version=1,
    kind="classification",
    summary="GLUE's diagnostic pairs, without published labels; a model of mnli answers.",
    builder="electra_bench.tasks.glue:ax",
    splits={"diagnostic": 1104},
    main_metric="mcc",
    source=_GLUE,
    licence="research data of its authors; no licence stated in GLUE",
    citation="Wang et al. 2019 (GLUE)",
    labels=MNLI.labels,
    eval_split="diagnostic",
    trained_on="mnli",
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
    references=glue_references("sts"),
)
