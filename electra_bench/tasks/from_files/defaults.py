"""What a task without code leaves open and its data tell: labels, range, metric, floor."""

import collections
from collections.abc import Callable, Collection
from typing import Any

from electra_bench.data.readers.bad_rows import BadRows
from electra_bench.data.readers.columns import is_span_tag
from electra_bench.data.readers.numbers import parsed_number
from electra_bench.data.readers.tag_schemes import NO_SPANS, span_labels
from electra_bench.tasks.from_files.examples import FIELDS
from electra_bench.tasks.from_files.source import Definition, FileTaskSource
from electra_bench.tasks.majority_baseline import constant_answers
from electra_bench.tasks.metrics import multi_label
from electra_bench.tasks.metrics.classification import (
    accuracy,
    binary_f1,
    macro_f1,
    matthews,
)
from electra_bench.tasks.metrics.correlation import listed_pearson, listed_spearman
from electra_bench.tasks.metrics.multi_label import micro_f1, subset_accuracy
from electra_bench.tasks.metrics.squad import squad_v1, squad_v2
from electra_bench.tasks.metrics.tagging import span_f1, tag_accuracy
from electra_bench.tasks.metrics.weighted import ListMetric, Metric, list_form

MAX_LABELS = 1000


def metric_fns(task: Definition) -> list[ListMetric]:
    """All metrics of the kind, the one that tables show by default first."""
    found: list[Metric]
    match task.kind:
        case "classification":
            binary = [binary_f1(task.labels[1])] if len(task.labels) == 2 else []
            found = [accuracy, matthews, macro_f1, *binary]
        case "multi_label":
            found = [micro_f1, multi_label.macro_f1, subset_accuracy]
        case "regression":
            found = [listed_spearman, listed_pearson]
        case "tagging":
            is_of_spans = task.scheme != NO_SPANS and all(map(is_span_tag, task.labels))
            found = [*([span_f1] if is_of_spans else []), tag_accuracy]
        case _:
            found = [squad_v2() if task.unanswerable else squad_v1]
    return list(map(list_form, found))


def _labels(source: FileTaskSource) -> tuple[str, ...]:
    is_tagging = source.definition.kind == "tagging"
    may_be_spans = is_tagging and source.definition.scheme != NO_SPANS
    columns = (source.definition.columns or {}).get("label")
    if isinstance(columns, (list, tuple)):
        return tuple(columns)
    found: collections.Counter[str] = collections.Counter()
    for _, example, *_ in source.usable(source.read_off):
        found.update(source.labels_of(example))
    del found[""]
    what = "tag" if is_tagging else "label"
    if len(found) < 2:
        only = f"only the {what} {min(found)!r}" if found else f"no {what}"
        raise ValueError(
            f"the training set has {only}, expected two or more different ones: give a "
            "training set that has them, or name them all in `labels`; is `columns` right?"
        )
    if may_be_spans and (labels := span_labels(found)):
        return labels
    if len(found) > MAX_LABELS:
        raise ValueError(
            f"the training set has {len(found)} different {what}s, expected 2 to "
            f"{MAX_LABELS}; is `columns` right?"
        )
    return tuple(
        sorted(found, key=lambda x: (not x.isdecimal(), len(x) * x.isdecimal(), x))
    )


def _label_range(source: FileTaskSource) -> tuple[float, float]:
    values, bad = [], BadRows(source.definition.on_error)
    for found in source.usable(source.read_off):
        try:
            values.append(parsed_number(found.example.label))
        except ValueError as error:
            bad.add(f"{found.where}: label {error}")
    bad.check(f"split {source.read_off!r}", len(values))
    if not values or min(values) == max(values):
        only = f"all {values[0]:g}" if values else "no numbers"
        raise ValueError(
            f"the labels of the training set are {only}: give a training set in which they "
            "differ, or their smallest and largest value in `label_range`"
        )
    return min(values), max(values)


def _unanswerable(source: FileTaskSource) -> bool:
    task = source.definition
    return any(
        found.example.is_impossible
        for split in dict.fromkeys((source.read_off, task.eval_split))
        for found in source.usable(split)
    )


def _metric_names(source: FileTaskSource) -> list[str]:
    return [name for fn in metric_fns(source.definition) for name in fn([], [])]


def _floor(source: FileTaskSource) -> float | None:
    task = source.definition
    names = _metric_names(source)
    if task.metric not in names:
        raise ValueError(f"metric {task.metric!r} is none of this task: {names}")
    if task.kind not in ("classification", "multi_label", "tagging"):
        return None if task.kind == "span_qa" else 0.0
    train, held_out = (
        [
            example.label
            if task.kind == "classification"
            else source.labels_of(example)
            for example in source.examples(split)
        ]
        for split in (source.read_off, task.eval_split)
    )
    constant = constant_answers(task.kind, held_out, seen=train)
    scores = [fn(held_out, constant) for fn in metric_fns(task)]
    return float(collections.ChainMap(*scores)[task.metric])


# Field of a definition to the kinds that have it and what finds it; later ones need
# earlier ones.
FIND: dict[str, tuple[Collection[str], Callable[[FileTaskSource], Any]]] = {
    "labels": (("classification", "multi_label", "tagging"), _labels),
    "label_range": (("regression",), _label_range),
    "unanswerable": (("span_qa",), _unanswerable),
    "metric": (FIELDS, lambda source: _metric_names(source)[0]),
    "floor": (FIELDS, _floor),
}
