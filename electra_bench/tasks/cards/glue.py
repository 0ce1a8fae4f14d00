"""Cards of the GLUE tasks."""

import functools

from electra_bench.tasks.cards.task_card import task_card

_DOUBLED = (
    "Split train_doubled holds every pair in both orders, as the original trains."
)

_card = functools.partial(
    task_card,
    module="electra_bench.tasks.glue",
    collection="Wang et al. 2019 (GLUE)",
    kind="classification",
    main_metric="accuracy",
    labels=("0", "1"),
    source="https://gluebenchmark.com/tasks",
    licence="research data of its authors; no licence stated in GLUE",
)

COLA = _card(
    "cola",
    "Whether a sentence is acceptable English.",
    {"train": 8551, "dev": 1043, "test": 1063},
    "Warstadt, Singh and Bowman 2019, TACL 7",
    main_metric="mcc",
    floor=0.0,
    unit="example",
)

MRPC = _card(
    "mrpc",
    f"Whether two sentences say the same. {_DOUBLED}",
    {"train": 3668, "train_doubled": 7336, "dev": 408, "test": 1725},
    "Dolan and Brockett 2005, IWP",
    licence="Microsoft Research Paraphrase Corpus terms",
    floor=100 * 279 / 408,
    train_split="train_doubled",
    unit="sentence",
)

RTE = _card(
    "rte",
    "Whether the second sentence follows from the first.",
    {"train": 2490, "dev": 277, "test": 3000},
    "Dagan et al. 2006, Bar Haim et al. 2006, Giampiccolo et al. 2007, Bentivogli et "
    "al. 2009",
    build="sentence_pairs",
    floor=100 * 146 / 277,
    labels=("entailment", "not_entailment"),
    epochs=10.0,
    unit="premise",
)

SST = _card(
    "sst",
    "Whether a phrase of a film review is positive (1).",
    {"train": 67349, "dev": 872, "test": 1821},
    "Socher et al. 2013, EMNLP",
    floor=100 * 444 / 872,
    unit="example",
)

QQP = _card(
    "qqp",
    "Whether two questions ask the same.",
    {"train": 363846, "dev": 40430, "test": 390965},
    "Iyer, Dandekar and Csernai 2017",
    licence="Quora's terms of service",
    floor=100 * 25545 / 40430,
    unit="question",
)

MNLI = _card(
    "mnli",
    "Whether a sentence follows from another, contradicts it, or neither.",
    {
        "train": 392702,
        "dev_matched": 9815,
        "dev_mismatched": 9832,
        "test_matched": 9796,
        "test_mismatched": 9847,
    },
    "Williams, Nangia and Bowman 2018, NAACL",
    licence="most of it OANC's; parts CC BY 3.0 and CC BY-SA 3.0",
    floor=100 * 3479 / 9815,
    # In the order of the original's ids.
    labels=("contradiction", "entailment", "neutral"),
    eval_split="dev_matched",
    further_splits=("dev_mismatched",),
    unit="premise",
)

QNLI = _card(
    "qnli",
    "Whether a sentence of Wikipedia answers a question.",
    {"train": 104743, "dev": 5463, "test": 5463},
    "Rajpurkar et al. 2016, EMNLP",
    licence="CC BY-SA 4.0, as SQuAD, of which it is made",
    build="sentence_pairs",
    floor=100 * 2761 / 5463,
    labels=("entailment", "not_entailment"),
    unit="sentence",
)

WNLI = _card(
    "wnli",
    "Whether a sentence with its pronoun resolved follows from another.",
    {"train": 635, "dev": 71, "test": 146},
    "Levesque, Davis and Morgenstern 2012, KR",
    build="sentence_pairs",
    floor=100 * 40 / 71,
    unit="sentence",
)

AX = _card(
    "ax",
    "GLUE's diagnostic pairs, without published labels; a model of mnli answers.",
    {"diagnostic": 1104},
    "",
    main_metric="mcc",
    labels=MNLI.labels,
    eval_split="diagnostic",
    trained_on="mnli",
    unit="sentence",
)

STS = _card(
    "sts",
    f"How similar two sentences are, from 0 to 5. {_DOUBLED}",
    {"train": 5749, "train_doubled": 11498, "dev": 1500, "test": 1379},
    "Cer et al. 2017, SemEval",
    licence="scores CC BY-SA 4.0, every source text its own",
    kind="regression",
    main_metric="spearman",
    # A constant has no correlation with anything; that counts as none.
    floor=0.0,
    labels=(),
    label_range=(0.0, 5.0),
    train_split="train_doubled",
    epochs=10.0,
    unit="sentence",
)
