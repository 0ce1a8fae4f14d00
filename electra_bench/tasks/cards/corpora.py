"""Cards of corpora."""

import functools

from electra_bench.records import TaskCard

corpus_card = functools.partial(
    TaskCard,
    version=1,
    kind="corpus",
    splits={},  # depends on what is there
    main_metric="masked_lm_loss",
    higher_is_better=False,
    eval_split="validation",
)

PYDOC = corpus_card(
    name="pydoc",
    summary="documentation strings of the installed Python packages, a module a "
    "document",
    builder="electra_bench.tasks.pydoc.tasks:corpus",
    source="the installed packages' source files, read with ast",
    licence="that of each package",
    citation="none",
)
