"""From the card to a seqio task: where the files lie, and how answers are scored."""

import math
from collections.abc import Sequence

import seqio
import sklearn.metrics

from electra_bench.data.readers.tables import Columns, TableSource, one_of
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.metrics.weighted import Scores
from electra_bench.tasks.text_tasks import add_labelled_task


def pr_auc(targets: Sequence[str], scores: Sequence[Sequence[float]]) -> Scores:
    """Area under the precision-recall curve of the second class.

    Args:
        targets: class names.
        scores: probabilities of the classes, in the order of their ids.

    Source: Zhang et al. 2019, section 5, which reports it beside accuracy.
    """
    is_paraphrase = [target == "1" for target in targets]
    if not any(is_paraphrase):
        return {"pr_auc": math.nan}
    likely = [probabilities[1] for probabilities in scores]
    area = sklearn.metrics.average_precision_score(is_paraphrase, likely)
    return {"pr_auc": 100.0 * area}


def paws(card: TaskCard) -> seqio.Task:
    """Registers the task: `train.tsv`, `dev.tsv` and `test.tsv` in `paws/`."""
    columns = Columns(4, text_a=1, text_b=2, label=3)
    source = TableSource(
        card.name,
        folders=["paws/final"],  # as the published archive unpacks
        columns=dict.fromkeys(card.splits, columns),
        check_label=one_of(card.labels),
    )
    return add_labelled_task(card, source, [pr_auc, accuracy])
