"""Cards of the GLUE tasks."""

from collections.abc import Mapping
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.cards.published import glue_references

_NONE_STATED = "research data of its authors; no licence stated in GLUE"
_DOUBLED = (
    "Split train_doubled holds every pair in both orders, as the original trains."
)


def _card(
    name: str,
    summary: str,
    splits: Mapping[str, int],
    licence: str,
    citation: str,
    **fields: Any,
) -> TaskCard:
    usual = {
        "kind": "classification",
        "builder": f"electra_bench.tasks.glue:{name}",
        "main_metric": "accuracy",
        "references": glue_references(name),
    }
    return TaskCard(
        name=name,
        version=1,
        summary=summary,
        splits=splits,
        source="https://gluebenchmark.com/tasks",
        licence=licence,
        citation="; ".join(filter(None, [citation, "Wang et al. 2019 (GLUE)"])),
        **usual | fields,
    )


COLA = _card(
    "cola",
    "Whether a sentence is acceptable English.",
    {"train": 8551, "dev": 1043, "test": 1063},
    _NONE_STATED,
    "Warstadt, Singh and Bowman 2019, TACL 7",
    main_metric="mcc",
    floor=0.0,
    labels=("0", "1"),
)

MRPC = _card(
    "mrpc",
    f"Whether two sentences say the same. {_DOUBLED}",
    {"train": 3668, "train_doubled": 7336, "dev": 408, "test": 1725},
    "Microsoft Research Paraphrase Corpus terms",
    "Dolan and Brockett 2005, IWP",
    floor=100 * 279 / 408,
    labels=("0", "1"),
    train_split="train_doubled",
)

RTE = _card(
    "rte",
    "Whether the second sentence follows from the first.",
    {"train": 2490, "dev": 277, "test": 3000},
    _NONE_STATED,
    "Dagan et al. 2006, Bar Haim et al. 2006, Giampiccolo et al. 2007, Bentivogli et "
    "al. 2009",
    builder="electra_bench.tasks.glue:sentence_pairs",
    floor=100 * 146 / 277,
    labels=("entailment", "not_entailment"),
    epochs=10.0,
)

SST = _card(
    "sst",
    "Whether a phrase of a film review is positive (1).",
    {"train": 67349, "dev": 872, "test": 1821},
    _NONE_STATED,
    "Socher et al. 2013, EMNLP",
    floor=100 * 444 / 872,
    labels=("0", "1"),
)

QQP = _card(
    "qqp",
    "Whether two questions ask the same.",
    {"train": 363846, "dev": 40430, "test": 390965},
    "Quora's terms of service",
    "Iyer, Dandekar and Csernai 2017",
    floor=100 * 25545 / 40430,
    labels=("0", "1"),
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
    "most of it OANC's; parts CC BY 3.0 and CC BY-SA 3.0",
    "Williams, Nangia and Bowman 2018, NAACL",
    floor=100 * 3479 / 9815,
    # In the order of the original's ids.
    labels=("contradiction", "entailment", "neutral"),
    eval_split="dev_matched",
    further_splits=("dev_mismatched",),
)

QNLI = _card(
    "qnli",
    "Whether a sentence of Wikipedia answers a question.",
    {"train": 104743, "dev": 5463, "test": 5463},
    "CC BY-SA 4.0, as SQuAD, of which it is made",
    "Rajpurkar et al. 2016, EMNLP",
    builder="electra_bench.tasks.glue:sentence_pairs",
    floor=100 * 2761 / 5463,
    labels=("entailment", "not_entailment"),
)

WNLI = _card(
    "wnli",
    "Whether a sentence with its pronoun resolved follows from another.",
    {"train": 635, "dev": 71, "test": 146},
    _NONE_STATED,
    "Levesque, Davis and Morgenstern 2012, KR",
    builder="electra_bench.tasks.glue:sentence_pairs",
    floor=100 * 40 / 71,
    labels=("0", "1"),
)

AX = _card(
    "ax",
    "GLUE's diagnostic pairs, without published labels; a model of mnli answers.",
    {"diagnostic": 1104},
    _NONE_STATED,
    "",
    main_metric="mcc",
    labels=MNLI.labels,
    eval_split="diagnostic",
    trained_on="mnli",
)

STS = _card(
    "sts",
    f"How similar two sentences are, from 0 to 5. {_DOUBLED}",
    {"train": 5749, "train_doubled": 11498, "dev": 1500, "test": 1379},
    "scores CC BY-SA 4.0, every source text its own",
    "Cer et al. 2017, SemEval",
    kind="regression",
    main_metric="spearman",
    # A constant has no correlation with anything; that counts as none.
    floor=0.0,
    label_range=(0.0, 5.0),
    train_split="train_doubled",
    epochs=10.0,
)
