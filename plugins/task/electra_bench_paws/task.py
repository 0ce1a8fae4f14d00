"""From the card to a seqio task: where the files lie, and which metrics score it."""

import seqio

from electra_bench.data.readers.tables import Columns, TableSource, one_of
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.text_tasks import add_labelled_task
from electra_bench_paws.metric import pr_auc


def paws(card: TaskCard) -> seqio.Task:
    """Registers the task: `train.tsv`, `dev.tsv` and `test.tsv` in `paws/`."""
    header = "sentence1", "sentence2", "label"
    columns = Columns(4, text_a=1, text_b=2, label=3, header=header)
    source = TableSource(
        card.name,
        folders=["paws/final"],  # as the published archive unpacks
        columns=dict.fromkeys(card.splits, columns),
        check_label=one_of(card.labels),
    )
    return add_labelled_task(card, source, [pr_auc, accuracy])
