"""What is known of the task without loading anything."""

from electra_bench.records import TaskCard

STDLIB_KIND = TaskCard(
    name="stdlib_kind",
    version=1,
    kind="classification",
    summary="Is this the docstring of a function or a class of the standard library?",
    builder="electra_bench_example.task:add",
    splits={},  # depends on the version of Python
    main_metric="accuracy",
    floor=50.0,
    labels=("class", "function"),
    source="docstrings of Python's standard library",
    licence="PSF-2.0",
    citation="docs.python.org/3/library",
    epochs=1.0,
    max_seq_length=64,
)
