"""SST-5, a task of kind `ordinal`: how positive is a sentence, from 0 to 4?"""

from electra_bench import registry
from electra_bench.records import TaskCard

SST5 = TaskCard(
    name="sst5",
    version=1,
    kind="ordinal",
    summary="How positive a sentence of a film review is, from 0 to 4.",
    builder="sst5:sst5",
    splits={"train": 8544, "dev": 1101, "test": 2210},
    main_metric="quadratic_kappa",
    source="https://nlp.stanford.edu/sentiment, whole sentences, scores in five parts",
    licence="not stated",
    citation="Socher et al. 2013, EMNLP",
    floor=0.0,  # of any answer that is always the same
    labels=("0", "1", "2", "3", "4"),
    max_seq_length=64,
)
registry.tasks.add(SST5.name, SST5)


def sst5(card):
    """Registers the task: `train.tsv`, `dev.tsv` and `test.tsv` in `sst5/`."""
    # Here, so that listing tasks does not load TensorFlow.
    from electra_bench_ordinal import labels
    from electra_bench_ordinal.metric import quadratic_kappa

    from electra_bench.data.readers.tables import Columns, TableSource, one_of
    from electra_bench.tasks.metrics.classification import accuracy
    from electra_bench.tasks.text_tasks import add_text_task

    columns = Columns(2, text_a=0, label=1, header=("sentence", "label"))
    files = dict.fromkeys(card.splits, columns)
    source = TableSource(card.name, [], files, one_of(card.labels))
    steps, class_name = labels.steps(card.labels), labels.class_name(card.labels)
    add_text_task(card, source, steps, class_name, [quadratic_kappa, accuracy])
