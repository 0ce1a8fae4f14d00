"""The GLUE tasks: from their cards to seqio tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

import seqio

from electra_bench.data.readers import split_files
from electra_bench.data.readers.labelled_source import numbered_on
from electra_bench.data.readers.tables import (
    Columns,
    TableSource,
    TextExample,
    one_of,
    read_fields,
    within,
)
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.classification import accuracy, binary_f1, matthews
from electra_bench.tasks.metrics.correlation import listed_pearson, listed_spearman
from electra_bench.tasks.metrics.weighted import Metric
from electra_bench.tasks.text_tasks import add_labelled_task

DOUBLED = {"train_doubled": "train"}
# Where the texts stand in files that have no labels.
_TEXT = Columns(2, text_a=1, header=("sentence",))
_SENTENCES = "sentence1", "sentence2"
_PAIR = Columns(3, text_a=1, text_b=2, header=_SENTENCES)


def cola(card: TaskCard) -> seqio.Task:
    """Registers CoLA, of whose files only that of the test split has a header."""
    columns = _splits(Columns(4, text_a=3, label=1, header=False), _TEXT)
    return _add(card, "CoLA", columns, [matthews, accuracy])


def sst(card: TaskCard) -> seqio.Task:
    """Registers SST-2."""
    header = "sentence", "label"
    columns = _splits(Columns(2, text_a=0, label=1, header=header), _TEXT)
    return _add(card, "SST-2", columns, [accuracy])


def mrpc(card: TaskCard) -> seqio.Task:
    """Registers MRPC."""
    header = "#1 String", "#2 String", "Quality"
    labelled = Columns(5, text_a=3, text_b=4, label=0, header=header)
    columns = _splits(labelled, labelled._replace(label=None))
    metric_fns = [accuracy, binary_f1("1")]
    return _add(card, "MRPC", columns, metric_fns, MrpcSource, doubled=DOUBLED)


def qqp(card: TaskCard) -> seqio.Task:
    """Registers QQP. Three rows of its published training file are damaged."""
    header = "question1", "question2", "is_duplicate"
    labelled = Columns(6, text_a=3, text_b=4, label=5, header=header)
    columns = _splits(labelled, _PAIR._replace(header=header))
    metric_fns = [accuracy, binary_f1("1")]
    return _add(card, "QQP", columns, metric_fns, on_error="skip")


def mnli(card: TaskCard) -> seqio.Task:
    """Registers MNLI, with the splits of genres that it trains on and of others."""
    header = *_SENTENCES, "gold_label"
    train, dev, test = (
        Columns(count, text_a=8, text_b=9, label=label, header=header)
        for count, label in ((12, 11), (16, 15), (10, None))
    )
    columns = {
        "train": train,
        "dev_matched": dev,
        "dev_mismatched": dev,
        "test_matched": test,
        "test_mismatched": test,
    }
    return _add(card, "MNLI", columns, [accuracy])


def ax(card: TaskCard) -> seqio.Task:
    """Registers the diagnostic set, also where the original wants it, beside MNLI."""
    beside_mnli = ("diagnostic", "finetuning_data/mnli", "mnli", *_folders("MNLI"))
    folders = (*_folders("AX"), *beside_mnli)
    source = TableSource(card.name, folders, {"diagnostic": _PAIR}, one_of(card.labels))
    return add_labelled_task(card, source, [matthews, accuracy])


def sentence_pairs(card: TaskCard) -> seqio.Task:
    """Registers QNLI, RTE or WNLI, whose files have the same columns."""
    texts = ("question", "sentence") if card.name == "qnli" else _SENTENCES
    header = *texts, "label"
    labelled = Columns(4, text_a=1, text_b=2, label=3, header=header)
    columns = _splits(labelled, _PAIR._replace(header=header))
    return _add(card, card.name.upper(), columns, [accuracy])


def sts(card: TaskCard) -> seqio.Task:
    """Registers the STS benchmark."""
    header = *_SENTENCES, "score"
    labelled = Columns(10, text_a=7, text_b=8, label=9, header=header)
    columns = _splits(labelled, labelled._replace(count=9, label=None))
    metric_fns = [listed_spearman, listed_pearson]
    return _add(card, "STS-B", columns, metric_fns, doubled=DOUBLED)


def _splits(labelled: Columns, test: Columns) -> dict[str, Columns]:
    return {"train": labelled, "dev": labelled, "test": test}


def _folders(name: str) -> tuple[str, str]:
    """The folders of a task below `glue/` and in the layout of GLUE's own script."""
    return f"glue/{name}", name


def _add(
    card: TaskCard,
    folder: str,
    columns: Mapping[str, Columns],
    metric_fns: Sequence[Metric],
    source_type: type[TableSource] = TableSource,
    **options: Any,
) -> seqio.Task:
    check = within(*card.label_range) if card.label_range else one_of(card.labels)
    source = source_type(card.name, _folders(folder), columns, check, **options)
    return add_labelled_task(card, source, metric_fns)


class MrpcSource(TableSource):
    """MRPC as GLUE's script leaves it, or the files that Microsoft gives.

    GLUE's dev split is the rows of `msr_paraphrase_train.txt` whose ids are in
    `dev_ids.tsv`, its train split the others.
    """

    @property
    def file_names(self) -> Sequence[str]:
        """GLUE's files, or Microsoft's two and GLUE's list of ids."""
        microsoft = ("msr_paraphrase_train", "msr_paraphrase_test", "dev_ids")
        return [*super().file_names, *microsoft]

    def table(self, split: str) -> list[TextExample]:
        """The rows of GLUE's file, or of Microsoft's if GLUE's is not there."""
        candidates = self.candidates(split)
        if split_files.find_or_none(split, candidates) is not None:
            return super().table(split)
        name = "msr_paraphrase_test" if split == "test" else "msr_paraphrase_train"
        paths = split_files.find(name, [*candidates, *self.candidates(name, ".txt")])
        if split == "test":
            return numbered_on(self.read(path, split) for path in paths)
        dev_ids = set()
        for ids in split_files.find("dev_ids", self.candidates("dev_ids")):
            # As a whole: an id that is lost would move its pair from dev to train.
            split_files.read_text(ids)
            dev_ids |= {tuple(line.fields) for line in read_fields(ids)}
        chosen = []
        for path in paths:
            lines = self.lines(path, split)
            chosen += [
                row
                for row in self.read(path, split)
                if (tuple(lines[row.idx].fields[1:3]) in dev_ids) == (split == "dev")
            ]
        return [row._replace(idx=i) for i, row in enumerate(chosen)]
