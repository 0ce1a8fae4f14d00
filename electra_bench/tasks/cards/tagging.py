"""Cards of the tagging tasks."""

from electra_bench.records import Reference, TaskCard

_README = "google-research/electra README, expected results (medians)"

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
    references=(
        Reference("ELECTRA-Small", 96.5, "test", _README),
        Reference("ELECTRA-Base", 97.1, "test", _README),
        Reference("ELECTRA-Large", 97.2, "test", _README),
    ),
)
