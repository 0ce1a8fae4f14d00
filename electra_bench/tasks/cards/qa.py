"""Cards of the tasks of questions about a context."""

from collections.abc import Mapping
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.cards.published import (
    ELECTRA_4,
    ELECTRIC_4,
    README,
    PublishedTable,
    reference,
    references,
)

_ISSUE_33 = PublishedTable(
    "google-research/electra issue 33", "dev", "released model, one fine-tuning run"
)


def _card(
    name: str, summary: str, splits: Mapping[str, int], citation: str, **fields: Any
) -> TaskCard:
    usual = {
        "builder": f"electra_bench.tasks.squad:{name}",
        "main_metric": "exact",
        "source": "https://rajpurkar.github.io/SQuAD-explorer/",
        "licence": "CC BY-SA 4.0",
    }
    return TaskCard(
        name=name,
        version=1,
        kind="span_qa",
        summary=summary,
        splits=splits,
        citation=citation,
        epochs=2.0,
        max_seq_length=512,
        **usual | fields,
    )


def _mrqa(
    name: str, summary: str, splits: Mapping[str, int], citation: str
) -> TaskCard:
    return _card(
        name,
        summary,
        splits,
        f"{citation}; Fisch et al. 2019 (MRQA)",
        builder="electra_bench.tasks.squad:mrqa",
        main_metric="f1",
        source="https://github.com/mrqa/MRQA-Shared-Task-2019",
        licence="the terms of the set that it is made of",
    )


SQUAD = _card(
    "squad",
    "SQuAD 2.0: the span of a paragraph that answers, or that there is none.",
    {"train": 130319, "dev": 11873},
    "Rajpurkar, Jia and Liang 2018, ACL",
    # No answer to any question.
    floor=100 * 5945 / 11873,
    references=(
        reference(README, "ELECTRA-Small", 70.1),
        reference(
            README,
            "ELECTRA-Base",
            80.5,
            remark="the paper's model on Wikipedia and books; the released one, Base++, "
            "gives 82.6 (83.9 at the best threshold)",
        ),
        reference(README, "ELECTRA-Large", 88.1),
        reference(_ISSUE_33, "ELECTRA-Base++", 82.6),
        *references(
            {
                ELECTRA_4: {
                    "BERT-Large": 79.0,
                    "XLNet-Base": 78.5,
                    "BERT (ours)": 84.7,
                    "ELECTRA-Base": 80.5,
                    "ELECTRA-400K": 86.9,
                    "ELECTRA-1.75M": 88.0,
                },
                ELECTRIC_4: {"BERT-Base": 73.7, "Electric": 80.1},
            }
        ),
    ),
)

SQUADV1 = _card(
    "squadv1",
    "SQuAD 1.1: the span of a paragraph that answers a question.",
    {"train": 87599, "dev": 10570},
    "Rajpurkar et al. 2016, EMNLP",
    references=references(
        {
            README: {
                "ELECTRA-Small": 75.8,
                "ELECTRA-Base": 86.8,
                "ELECTRA-Large": 89.7,
            },
            ELECTRA_4: {
                "BERT-Base": 80.8,
                "BERT-Large": 84.1,
                "XLNet-Base": 81.3,
                "BERT (ours)": 88.0,
                "ELECTRA-Base": 84.5,
                "ELECTRA-400K": 88.7,
                "ELECTRA-1.75M": 89.7,
            },
            ELECTRIC_4: {"Electric": 84.5},
        }
    ),
)

NEWSQA = _mrqa(
    "newsqa",
    "Questions about CNN's news.",
    {"train": 74160, "dev": 4212},
    "Trischler et al. 2017",
)
NATURALQS = _mrqa(
    "naturalqs",
    "Questions to a search engine, answered in Wikipedia.",
    {"train": 104071, "dev": 12836},
    "Kwiatkowski et al. 2019, TACL",
)
TRIVIAQA = _mrqa(
    "triviaqa",
    "Trivia with web pages as evidence.",
    {"train": 61688, "dev": 7785},
    "Joshi et al. 2017, ACL",
)
SEARCHQA = _mrqa(
    "searchqa",
    "Clues of Jeopardy! with search results.",
    {"train": 117384, "dev": 16980},
    "Dunn et al. 2017",
)

# Sets out of MRQA's training domains: there is no training file but for a model that was
# trained elsewhere.
BIOASQ = _mrqa(
    "bioasq",
    "Biomedical questions.",
    {"dev": 1504},
    "Tsatsaronis et al. 2015",
)
DROP = _mrqa(
    "drop",
    "Questions that need counting or sorting.",
    {"dev": 1503},
    "Dua et al. 2019, NAACL",
)
DUORC = _mrqa(
    "duorc",
    "Questions about paraphrased film plots.",
    {"dev": 1501},
    "Saha et al. 2018, ACL",
)
RACE = _mrqa("race", "English examinations.", {"dev": 674}, "Lai et al. 2017, EMNLP")
RELATION_EXTRACTION = _mrqa(
    "relation_extraction",
    "Relations of Wikipedia's entities as questions.",
    {"dev": 2948},
    "Levy et al. 2017, CoNLL",
)
TEXTBOOKQA = _mrqa(
    "textbookqa",
    "Lessons of science textbooks.",
    {"dev": 1503},
    "Kembhavi et al. 2017, CVPR",
)
