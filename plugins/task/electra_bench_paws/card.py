"""What is known of the task without loading anything."""

from electra_bench.records import TaskCard

PAWS = TaskCard(
    name="paws",
    version=1,
    kind="classification",
    summary="Whether two sentences of nearly the same words say the same (1).",
    builder="electra_bench_paws.task:paws",
    splits={"train": 49401, "dev": 8000, "test": 8000},
    main_metric="pr_auc",
    source="https://github.com/google-research-datasets/paws, PAWS-Wiki labeled (final)",
    licence="free for any purpose; Google asks to be named as the source",
    citation="Zhang, Baldridge and He 2019, NAACL",
    floor=44.2,  # of any order that does not depend on the text: the share of 1
    labels=("0", "1"),
)
