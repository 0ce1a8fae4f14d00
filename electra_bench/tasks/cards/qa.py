"""Cards of the tasks of questions about a context."""

import functools

from electra_bench.tasks.cards.task_card import task_card

_squad = functools.partial(
    task_card,
    module="electra_bench.tasks.squad",
    kind="span_qa",
    main_metric="exact",
    source="https://rajpurkar.github.io/SQuAD-explorer/",
    licence="CC BY-SA 4.0",
    epochs=2.0,
    max_seq_length=512,
)
_mrqa = functools.partial(
    _squad,
    build="mrqa",
    collection="Fisch et al. 2019 (MRQA)",
    unit="context",
    main_metric="f1",
    source="https://github.com/mrqa/MRQA-Shared-Task-2019",
    licence="the terms of the set that it is made of",
)

SQUAD = _squad(
    "squad",
    "SQuAD 2.0: the span of a paragraph that answers, or that there is none.",
    {"train": 130319, "dev": 11873},
    "Rajpurkar, Jia and Liang 2018, ACL",
    # 2: where no answer is given may be chosen, see docs/design/question_answering.md.
    version=2,
    # No answer to any question.
    floor=100 * 5945 / 11873,
    unit="article",
)
SQUADV1 = _squad(
    "squadv1",
    "SQuAD 1.1: the span of a paragraph that answers a question.",
    {"train": 87599, "dev": 10570},
    "Rajpurkar et al. 2016, EMNLP",
    unit="article",
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
