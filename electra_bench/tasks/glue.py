"""Builders of the GLUE tasks: from their cards to seqio tasks."""

from collections.abc import Mapping, Sequence

import seqio

from electra_bench.data.readers import locate
from electra_bench.data.readers.bad_rows import OnError
from electra_bench.data.readers.tables import (
    Columns,
    Row,
    TableSource,
    one_of,
    read_fields,
    read_table,
    within,
)
from electra_bench.records import TaskCard
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.metrics.classification import accuracy, binary_f1, matthews
from electra_bench.tasks.metrics.correlation import listed_pearson, listed_spearman
from electra_bench.tasks.text_tasks import add_classification, add_text_task

DOUBLED = {"train_doubled": "train"}


def _folders(name: str) -> tuple[str, str]:
    """The folders of a task below `glue/` and in the layout of GLUE's own script."""
    return f"glue/{name}", name


def cola(card: TaskCard) -> seqio.Task:
    """Registers CoLA. Only its test file has a header.

    Args:
        card: the task's card.
    """
    labelled = Columns(4, text_a=3, label=1, header=False)
    columns = {"train": labelled, "dev": labelled, "test": Columns(2, text_a=1)}
    source = _source(card, "CoLA", columns)
    return add_classification(card, source, [matthews, accuracy])


def sst(card: TaskCard) -> seqio.Task:
    """Registers SST-2.

    Args:
        card: the task's card.
    """
    labelled = Columns(2, text_a=0, label=1)
    columns = {"train": labelled, "dev": labelled, "test": Columns(2, text_a=1)}
    source = _source(card, "SST-2", columns)
    return add_classification(card, source, [accuracy])


def mrpc(card: TaskCard) -> seqio.Task:
    """Registers MRPC.

    Args:
        card: the task's card.
    """
    source = MrpcSource(card)
    metric_fns = [accuracy, binary_f1("1")]
    return add_classification(card, source, metric_fns)


def qqp(card: TaskCard) -> seqio.Task:
    """Registers QQP. Three rows of its published training file are damaged.

    Args:
        card: the task's card.
    """
    labelled = Columns(6, text_a=3, text_b=4, label=5)
    columns = {
        "train": labelled,
        "dev": labelled,
        "test": Columns(3, text_a=1, text_b=2),
    }
    source = _source(card, "QQP", columns, on_error="skip")
    metric_fns = [accuracy, binary_f1("1")]
    return add_classification(card, source, metric_fns)


def mnli(card: TaskCard) -> seqio.Task:
    """Registers MNLI.

    Args:
        card: the task's card.
    """
    train, dev, test = (
        Columns(count, text_a=8, text_b=9, label=label)
        for count, label in ((12, 11), (16, 15), (10, None))
    )
    columns = {
        "train": train,
        "dev_matched": dev,
        "dev_mismatched": dev,
        "test_matched": test,
        "test_mismatched": test,
    }
    source = _source(card, "MNLI", columns)
    return add_classification(card, source, [accuracy])


def ax(card: TaskCard) -> seqio.Task:
    """Registers the diagnostic set, also where the original wants it, beside MNLI.

    Args:
        card: the task's card.
    """
    source = TableSource(
        card.name,
        (
            *_folders("AX"),
            "diagnostic",
            "finetuning_data/mnli",
            "mnli",
            *_folders("MNLI"),
        ),
        {"diagnostic": Columns(3, text_a=1, text_b=2)},
        one_of(card.labels),
    )
    return add_classification(card, source, [matthews, accuracy])


def sentence_pairs(card: TaskCard) -> seqio.Task:
    """Registers QNLI, RTE or WNLI, whose files have the same columns.

    Args:
        card: the task's card; the folder is its name in capitals.
    """
    labelled = Columns(4, text_a=1, text_b=2, label=3)
    columns = {
        "train": labelled,
        "dev": labelled,
        "test": Columns(3, text_a=1, text_b=2),
    }
    source = _source(card, card.name.upper(), columns)
    return add_classification(card, source, [accuracy])


def sts(card: TaskCard) -> seqio.Task:
    """Registers the STS benchmark.

    Args:
        card: the task's card.
    """
    labelled = Columns(10, text_a=7, text_b=8, label=9)
    columns = {
        "train": labelled,
        "dev": labelled,
        "test": Columns(9, text_a=7, text_b=8),
    }
    source = TableSource(
        card.name,
        _folders("STS-B"),
        columns,
        within(*card.label_range),
        DOUBLED,
    )
    return add_text_task(
        card,
        source,
        preprocessors.scaled_values(*card.label_range),
        postprocessors.scaled_value(*card.label_range),
        [listed_spearman, listed_pearson],
    )


def _source(
    card: TaskCard,
    folder: str,
    columns: Mapping[str, Columns],
    on_error: OnError = "raise",
) -> TableSource:
    return TableSource(
        card.name, _folders(folder), columns, one_of(card.labels), on_error=on_error
    )


class MrpcSource(TableSource):
    """MRPC as GLUE's script leaves it, or the files that Microsoft gives.

    GLUE's dev split is the rows of `msr_paraphrase_train.txt` whose ids are in
    `dev_ids.tsv`, its train split the others.
    """

    def __init__(self, card: TaskCard):
        """Describes the files; reads nothing."""
        labelled = Columns(5, text_a=3, text_b=4, label=0)
        self._labelled = labelled
        columns = {
            "train": labelled,
            "dev": labelled,
            "test": labelled._replace(label=None),
        }
        super().__init__(
            card.name,
            _folders("MRPC"),
            columns,
            one_of(card.labels),
            DOUBLED,
        )

    @property
    def file_names(self) -> Sequence[str]:
        """GLUE's files, or Microsoft's two and GLUE's list of ids."""
        microsoft = ("msr_paraphrase_train", "msr_paraphrase_test", "dev_ids")
        return [*super().file_names, *microsoft]

    def table(self, split: str) -> list[Row]:
        """The rows of GLUE's file, or of Microsoft's if GLUE's is not there."""
        candidates = locate.layouts(self._task, split, ".tsv", *self._folders)
        if locate.find_or_none(split, candidates) is not None:
            return super().table(split)
        name = "msr_paraphrase_test" if split == "test" else "msr_paraphrase_train"
        path = locate.find(name, [*candidates, *self._candidates(name, ".txt")])
        rows = read_table(path, self._columns[split], self._check_label, self._on_error)
        if split == "test":
            return rows
        ids = locate.find("dev_ids", self._candidates("dev_ids", ".tsv"))
        # As a whole: an id that is lost would move its pair from dev to train.
        locate.read_text(ids)
        dev_ids = {tuple(line.fields) for line in read_fields(ids)}
        lines = list(read_fields(path))[1:]
        chosen = [
            row
            for row in rows
            if (tuple(lines[row.idx].fields[1:3]) in dev_ids) == (split == "dev")
        ]
        return [row._replace(idx=i) for i, row in enumerate(chosen)]

    def _candidates(self, name: str, extension: str) -> list[str]:
        return locate.layouts(self._task, name, extension, *self._folders)
