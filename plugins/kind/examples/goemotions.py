"""GoEmotions, a task of kind `multilabel`: which of 28 emotions does a comment show?"""

from electra_bench import registry
from electra_bench.records import TaskCard

GOEMOTIONS = TaskCard(
    name="goemotions",
    version=1,
    kind="multilabel",
    summary="Which emotions a comment on Reddit shows, 27 of them and neutral (27).",
    builder="goemotions:goemotions",
    splits={"train": 43410, "dev": 5426, "test": 5427},
    main_metric="micro_f1",
    source="https://github.com/google-research/google-research/tree/master/goemotions",
    licence="Apache-2.0, as its repository",
    citation="Demszky et al. 2020, ACL",
    labels=tuple(str(i) for i in range(28)),
    max_seq_length=64,
)
registry.tasks.add(GOEMOTIONS.name, GOEMOTIONS)


def goemotions(card):
    """Registers the task: `train.tsv`, `dev.tsv` and `test.tsv` in `goemotions/`."""
    # Here, so that listing tasks does not load TensorFlow.
    from electra_bench_multilabel import labels
    from electra_bench_multilabel.metric import micro_f1

    from electra_bench.data.readers.tables import Columns, TableSource, one_of
    from electra_bench.tasks.text_tasks import add_text_task

    def check(written):
        for label in written.split(","):
            one_of(card.labels)(label)

    columns = Columns(3, text_a=0, label=1, header=False)
    source = TableSource(card.name, [], dict.fromkeys(card.splits, columns), check)
    add_text_task(
        card,
        source,
        labels.label_sets(card.labels),
        labels.label_names(card.labels),
        [micro_f1],
    )
