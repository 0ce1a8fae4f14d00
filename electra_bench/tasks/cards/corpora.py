"""Cards of the built-in corpora."""

from electra_bench.records import TaskCard

PYDOC = TaskCard(
    name="pydoc",
    version=1,
    kind="corpus",
    summary="documentation strings of the installed Python packages, a module a "
    "document",
    builder="electra_bench.tasks.pydoc.corpus:add",
    splits={},  # depends on what is installed
    main_metric="masked_lm_loss",
    higher_is_better=False,
    source="the installed packages' source files, read with ast",
    licence="that of each package",
    citation="none",
    eval_split="validation",
)
