"""Cards of the tasks made of the documentation strings of installed packages."""

import functools

from electra_bench.tasks.cards.task_card import task_card
from electra_bench.tasks.pydoc.docstrings import LIBRARIES
from electra_bench.tasks.pydoc.examples import CODE_TAGS

_card = functools.partial(
    task_card,
    # The data depend on the versions of the packages, which the hash of the data in a
    # record tells apart.
    splits={},
    citation="none",
    module="electra_bench.tasks.pydoc.tasks",
    build="build",
    source="source files of the installed packages, read with ast; "
    "docs/design/pydoc.md",
    licence="that of each package (Apache-2.0, BSD, MIT and similar)",
)

PYDOC_LIBRARY = _card(
    "pydoc_library",
    "Which of nine libraries a paragraph of documentation is from; the libraries' "
    "names are masked.",
    kind="classification",
    main_metric="accuracy",
    floor=100 / 9,  # equally many of each in every split
    labels=LIBRARIES,
    unit="module",
)

PYDOC_PAIR = _card(
    "pydoc_pair",
    "Whether two paragraphs are of one documentation string, or of two in the same "
    "module.",
    kind="classification",
    main_metric="accuracy",
    floor=50.0,  # drawn with equal probability; the larger class has about 51 %
    labels=("different", "same"),
    unit="module",
)

PYDOC_CODE = _card(
    "pydoc_code",
    "Words that the author set in double back-ticks, which are removed.",
    kind="tagging",
    main_metric="f1",
    floor=0.0,  # O, the most frequent tag, everywhere: no span is found
    labels=CODE_TAGS,
    unit="module",
)

PYDOC_QA = _card(
    "pydoc_qa",
    "What is parameter p of f: its description's span in the documentation.",
    kind="span_qa",
    main_metric="f1",
    # The first 15 words of every context, on dev, with the versions in uv.lock.
    floor=38.5,
    unit="module",
)
