"""What is known of a task without loading its data."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reference:
    """A published score of a task.

    Attributes:
        model: the model, as its source names it.
        score: the task's main metric, 0-100.
        split: the split it was measured on.
        source: paper and table, or document.
        protocol: how it was measured ("median of 10 runs"); empty if the source is silent.
        remark: what is easily misread; empty for nothing.
    """

    model: str
    score: float
    split: str
    source: str
    protocol: str = ""
    remark: str = ""


@dataclass(frozen=True)
class PublishedMean:
    """Published means over a set of tasks.

    Attributes:
        name: what the mean is called.
        tasks: the tasks that it covers, all of them.
        split: the split that the scores come from.
        scores: the means, 0-100.
        column: names its column in tables that have further tasks; empty for none.
    """

    name: str
    tasks: frozenset[str]
    split: str
    scores: tuple[Reference, ...] = ()
    column: str = ""


@dataclass(frozen=True)
class TaskCard:
    """A task's identity, data, metric and settings.

    Attributes:
        name: registered name; equals the seqio task's name.
        version: goes up with any change to text, labels, split or metric. Tables never
            mix two versions.
        kind: registered task kind (head, loss, decoding).
        summary: one sentence for `list tasks`.
        builder: "module:function" that registers the task with seqio; imported on use,
            so that reading a card loads neither seqio nor TensorFlow.
        splits: published number of examples of every split; empty if not published.
        main_metric: name of the metric that tables show.
        source: where the data is published.
        licence: its terms, as the source states them.
        citation: paper or document to cite.
        higher_is_better: direction of the main metric.
        floor: main metric of the majority baseline (largest class, constant), 0-100. An
            undefined score counts as this.
        unit: what examples that belong together have in common, as its data tell
            ("document", "premise"); "example" if all are independent; None leaves it to
            `tasks/groups.py`.
        labels: class names in the order of their ids; for tagging, the tag set if it is
            known beforehand.
        label_range: smallest and largest value of a regression target.
        train_split: split to train on.
        eval_split: split that is scored.
        further_splits: splits that are scored beside it, once training is over.
        trained_on: the task whose models answer this one, which has no training set; None
            for its own.
        epochs: passes over the training set in fine-tuning.
        max_seq_length: token limit.
        references: published scores.
    """

    name: str
    version: int
    kind: str
    summary: str
    builder: str
    splits: Mapping[str, int]
    main_metric: str
    source: str
    licence: str
    citation: str
    higher_is_better: bool = True
    floor: float | None = None
    unit: str | None = None
    labels: tuple[str, ...] = ()
    label_range: tuple[float, float] | None = None
    train_split: str = "train"
    eval_split: str = "dev"
    further_splits: tuple[str, ...] = ()
    trained_on: str | None = None
    epochs: float = 3.0
    max_seq_length: int = 128
    references: tuple[Reference, ...] = field(default=())
