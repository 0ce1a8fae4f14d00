"""Cards of the tasks made of the documentation strings of installed packages."""

from electra_bench.records import TaskCard

_SOURCE = "source files of the installed packages, read with ast; docs/design/pydoc.md"
_LICENCE = "that of each package (Apache-2.0, BSD, MIT and similar)"
_CITATION = "none"

# No published sizes: the data depend on the versions of the packages, which the hash of
# the data in a record tells apart.
PYDOC_LIBRARY = TaskCard(
    name="pydoc_library",
    version=1,
    kind="classification",
    summary=(
        "Which of nine libraries a paragraph of documentation is from; the libraries' "
        "names are masked."
    ),
    builder="electra_bench.tasks.pydoc.tasks:classification",
    splits={},
    main_metric="accuracy",
    source=_SOURCE,
    licence=_LICENCE,
    citation=_CITATION,
    floor=100 / 9,  # equally many of each in every split
    labels=(
        "jax",
        "keras",
        "matplotlib",
        "nltk",
        "numpy",
        "pandas",
        "scipy",
        "sklearn",
        "tensorflow",
    ),
)

PYDOC_PAIR = TaskCard(
    name="pydoc_pair",
    version=1,
    kind="classification",
    summary=(
        "Whether two paragraphs are of one documentation string, or of two in the same "
        "module."
    ),
    builder="electra_bench.tasks.pydoc.tasks:classification",
    splits={},
    main_metric="accuracy",
    source=_SOURCE,
    licence=_LICENCE,
    citation=_CITATION,
    floor=50.0,  # drawn with equal probability; the larger class has about 51 %
    labels=("different", "same"),
)

PYDOC_CODE = TaskCard(
    name="pydoc_code",
    version=1,
    kind="tagging",
    summary="Words that the author set in double back-ticks, which are removed.",
    builder="electra_bench.tasks.pydoc.tasks:code",
    splits={},
    main_metric="f1",
    source=_SOURCE,
    licence=_LICENCE,
    citation=_CITATION,
    floor=0.0,  # O, the most frequent tag, everywhere: no span is found
    labels=("O", "B-CODE", "I-CODE"),
)

PYDOC_QA = TaskCard(
    name="pydoc_qa",
    version=1,
    kind="span_qa",
    summary="What is parameter p of f: its description's span in the documentation.",
    builder="electra_bench.tasks.pydoc.tasks:qa",
    splits={},
    main_metric="f1",
    source=_SOURCE,
    licence=_LICENCE,
    citation=_CITATION,
    # The first 15 words of every context, on dev, with the versions in uv.lock.
    floor=38.5,
)
