"""Cards of the tasks made of the documentation strings of installed packages."""

from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.pydoc.examples import CODE_TAGS, LIBRARIES


def _card(name: str, kind: str, builder: str, summary: str, **fields: Any) -> TaskCard:
    return TaskCard(
        name=name,
        version=1,
        kind=kind,
        summary=summary,
        builder=f"electra_bench.tasks.pydoc.tasks:{builder}",
        # The data depend on the versions of the packages, which the hash of the data in a
        # record tells apart.
        splits={},
        source="source files of the installed packages, read with ast; "
        "docs/design/pydoc.md",
        licence="that of each package (Apache-2.0, BSD, MIT and similar)",
        citation="none",
        **fields,
    )


PYDOC_LIBRARY = _card(
    "pydoc_library",
    "classification",
    "classification",
    "Which of nine libraries a paragraph of documentation is from; the libraries' "
    "names are masked.",
    main_metric="accuracy",
    floor=100 / 9,  # equally many of each in every split
    labels=LIBRARIES,
)

PYDOC_PAIR = _card(
    "pydoc_pair",
    "classification",
    "classification",
    "Whether two paragraphs are of one documentation string, or of two in the same "
    "module.",
    main_metric="accuracy",
    floor=50.0,  # drawn with equal probability; the larger class has about 51 %
    labels=("different", "same"),
)

PYDOC_CODE = _card(
    "pydoc_code",
    "tagging",
    "code",
    "Words that the author set in double back-ticks, which are removed.",
    main_metric="f1",
    floor=0.0,  # O, the most frequent tag, everywhere: no span is found
    labels=CODE_TAGS,
)

PYDOC_QA = _card(
    "pydoc_qa",
    "span_qa",
    "qa",
    "What is parameter p of f: its description's span in the documentation.",
    main_metric="f1",
    # The first 15 words of every context, on dev, with the versions in uv.lock.
    floor=38.5,
)
