"""Tasks without code: a gin file says where the data are and what their columns hold.

    tasks.reviews.kind = 'classification'
    tasks.reviews.files = {'train': 'train.csv', 'dev': 'dev.csv'}
    tasks.reviews.columns = {'text_a': 'review', 'label': 'stars'}

What is not given is taken from the data and bound, so that the configuration that a run
saves says all of it.
"""

import dataclasses
import functools
import inspect
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import gin
import seqio

from electra_bench import config, registry
from electra_bench.data import run_context
from electra_bench.data.readers.labelled_source import GROUP
from electra_bench.data.readers.split_files import check_readers, named
from electra_bench.data.readers.tag_schemes import (
    NO_SPANS,
    check_scheme,
    read_tags,
    span_labels,
)
from electra_bench.records import TaskCard
from electra_bench.tasks.from_files import defaults
from electra_bench.tasks.from_files.examples import FIELDS
from electra_bench.tasks.from_files.source import ALL, Definition, FileTaskSource
from electra_bench.tasks.text_tasks import add_labelled_task

# Every name that gin knows, and its source once it is registered.
_declared: dict[str, FileTaskSource | None] = {}


def declare(name: str) -> None:
    """Makes `tasks.<name>` known to gin, so that a configuration may say what it is.

    Raises:
        KeyError: a task with code has this name.
    """
    if name in _declared:
        return
    if name in registry.tasks.names():
        raise KeyError(
            f"task {name!r} has code, which gin does not bind; a task without code needs "
            "another name"
        )

    # gin wants a function of its own under every name.
    def define(**given: Any) -> Definition:
        return Definition(**given)

    define.__signature__ = inspect.signature(Definition)
    gin.register(name, module="tasks")(define)
    _declared[name] = None


def register(name: str) -> None:
    """Registers a task as gin holds it, in place of an earlier one of its name.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a definition that cannot be, or data that do not suit it.
    """
    task = gin.get_configurable(f"tasks.{name}")()
    task = task._replace(
        columns=task.columns or {},
        labels=task.labels and tuple(map(str, task.labels)),
        label_range=task.label_range and tuple(task.label_range),
    )
    try:
        _check(task)
        source = FileTaskSource(*_completed(name, task))
    except ValueError as error:
        raise ValueError(f"task {name!r}: {error}") from error
    _declared[name] = source
    registry.tasks.replace(name, _card(name, source.definition))
    if name in seqio.TaskRegistry.names():
        seqio.TaskRegistry.remove(name)


def register_file_tasks(
    parsed: config.Parsed,
    task: str | Sequence[str] | None = None,
    *,
    data_dir: str | None = None,
    files: Mapping[str, str | Sequence[str]] | None = None,
    on_error: str | None = None,
    max_skipped: float | None = None,
) -> list[str]:
    """Registers the tasks that a configuration describes; their names.

    Args:
        parsed: the configuration, which gin holds.
        task: the run's task or tasks, among which the one is that `files` are bound for;
            None for none of them.
        data_dir: folder with data sets; None takes that of the surroundings.
        files: split to its files, for data that lies elsewhere.
        on_error: what to do about rows that cannot be used.
        max_skipped: share of a file's rows that may be left out; None takes that of the
            surroundings.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a task that cannot be, or `files` that would be bound for several.
    """
    selectors = (b.selector for b in parsed.bindings if b.selector.startswith("tasks."))
    names = list(dict.fromkeys(s.removeprefix("tasks.") for s in selectors))
    of_run = {task} if isinstance(task, str) else set(task or ())
    files = files or {}
    if max_skipped is None:
        max_skipped = run_context.current().max_skipped
    readers = {n: parsed.value(f"tasks.{n}.files") or () for n in names if n in of_run}
    check_readers(files, readers)
    for name in names:
        with run_context.use(
            data_dir=data_dir or run_context.current().data_dir,
            files={k: v for k, v in files.items() if k in readers.get(name, ())},
            on_error=on_error,
            max_skipped=max_skipped,
        ):
            register(name)
    return names


def _check(task: Definition) -> None:
    if task.kind not in FIELDS:
        raise ValueError(f"kind {task.kind!r} is none that files hold: {list(FIELDS)}")
    known = FIELDS[task.kind].all
    unknown = sorted(set(task.columns) - set(known))
    if unknown:
        raise ValueError(
            f"columns: a {task.kind} task has no {unknown[0]!r}; it has {list(known)}"
        )
    _check_columns(task)
    shares = list((task.fractions or {}).values())
    if task.fractions is not None and (
        list(task.files) != [ALL]
        or not all(share > 0 for share in shares)
        or not 0 < sum(shares) <= 1 + 1e-9
    ):
        raise ValueError(
            f"fractions deal out files = {{'{ALL}': ...}} and are above 0, at most 1 "
            f"together; got files {dict(task.files)} and fractions {task.fractions}"
        )
    if not task.label_sep or (task.label_sep != "," and task.kind != "multi_label"):
        raise ValueError(
            f"label_sep = {task.label_sep!r} of a {task.kind} task; expected what stands "
            "between labels, of a task of kind multi_label"
        )
    _check_form(task)
    check_scheme(task.scheme)
    if task.scheme is not None and task.kind != "tagging":
        raise ValueError(f"scheme is of tagging tasks, this one is {task.kind}")
    if task.on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {task.on_error!r}")
    bounds = task.label_range
    if bounds is not None and (len(bounds) != 2 or not bounds[0] < bounds[1]):
        raise ValueError(f"label_range must be (smallest, largest), got {bounds}")
    if task.labels is not None and len(set(task.labels)) < max(2, len(task.labels)):
        raise ValueError(
            f"labels must be two or more different ones, got {task.labels}"
        )
    needed = (
        [task.eval_split] if task.trained_on else [task.train_split, task.eval_split]
    )
    for split in needed:
        if split not in (task.fractions or task.files):
            raise ValueError(f"no file for the split {split!r}; files: {task.files}")


def _completed(name: str, task: Definition) -> tuple[Definition, set[str]]:
    """What the definition leaves open is taken from the data; the fields that are.

    They are bound with gin, so that a run's configuration holds them.
    """
    if task.trained_on:
        task = _as_trained_on(task, registry.tasks.get(task.trained_on))
    if task.kind == "tagging" and task.labels and task.scheme != NO_SPANS:
        # Labels that are given are as they were meant, odd ones, too.
        is_odd = any(one.odd for one in read_tags([task.labels]).sentences)
        of_spans = None if is_odd else span_labels(task.labels)
        task = (
            task._replace(labels=of_spans)
            if of_spans
            else task._replace(scheme=NO_SPANS)
        )
    source = FileTaskSource(task)
    # Several things are asked of the same splits.
    source.read = functools.cache(source.read)
    for field, (kinds, find) in defaults.FIND.items():
        if task.kind in kinds and getattr(source.definition, field) is None:
            value = find(source)
            source.definition = source.definition._replace(**{field: value})
            source.told.add(field)
            if value is not None:
                gin.bind_parameter(f"tasks.{name}.{field}", value)
    # Again: only what a call has taken counts as operative.
    gin.get_configurable(f"tasks.{name}")()
    return source.definition, source.told


def _as_trained_on(task: Definition, card: TaskCard) -> Definition:
    """A task with labels and range of the one whose runs answer it.

    Raises:
        ValueError: that is of another kind, or has a split to train on.
    """
    if card.kind != task.kind:
        raise ValueError(
            f"trained_on {card.name!r} is of kind {card.kind!r}, this task is of "
            f"{task.kind!r}"
        )
    if task.train_split in task.files or task.train_split in (task.fractions or ()):
        raise ValueError(
            f"a task that is trained_on {card.name!r} has no split to train on, but "
            f"{task.train_split!r} is among its files"
        )
    labels, bounds = card.labels or task.labels, card.label_range or task.label_range
    return task._replace(labels=labels, label_range=bounds)


def _card(name: str, task: Definition) -> TaskCard:
    known = {field.name for field in dataclasses.fields(TaskCard)}
    same = {field: value for field, value in task._asdict().items() if field in known}
    same["labels"] = task.labels or ()
    same["summary"] = task.summary or "A task of a gin file."
    return TaskCard(
        name=name,
        builder=f"{__name__}:build",
        splits={},
        main_metric=task.metric,
        unit=_unit(task),
        source=task.dataset or _file_names(task),
        licence="not stated",
        citation="none",
        **same,
    )


def _check_columns(task: Definition) -> None:
    for field, column in (task.columns or {}).items():
        names = column if isinstance(column, (list, tuple)) else ()
        is_several = (
            field == "label"
            and task.kind == "multi_label"
            and all(isinstance(name, str) for name in names)
            and len(set(names)) == len(names) > 1
        )
        if not is_several and not isinstance(column, (str, int)):
            raise ValueError(
                f"columns: {field!r} is {column!r}, expected the name or number of a "
                "column; only the label of a multi_label task may be in several, a list "
                "of their names"
            )


def _check_form(task: Definition) -> None:
    task.form.check()
    bound = [*task.form.bound, *(["label_from_file"] if task.label_from_file else [])]
    if task.dataset and bound:
        raise ValueError(f"{bound[0]} is of files, this task has a data set")
    if task.label_from_file is None:
        return
    if FIELDS[task.kind].target != "label" or "label" in task.columns:
        raise ValueError(
            "label_from_file says the label of all rows of a file, so `columns` may not; "
            f"the task is of kind {task.kind}, columns {dict(task.columns)}"
        )


def _file_names(task: Definition) -> str:
    names = itertools.starmap(named, task.files.items())
    return ", ".join(itertools.chain.from_iterable(names))


def _unit(task: Definition) -> str | None:
    """What groups are called: as their column, or documents in files of columns."""
    column = (task.columns or {}).get(GROUP)
    if column is None:
        return "document" if task.kind == "tagging" else None
    return column if isinstance(column, str) else GROUP


def build(card: TaskCard) -> seqio.Task:
    """Registers the task with seqio.

    Args:
        card: as `register` made it.
    """
    source = _declared[card.name]
    task = source.definition
    unanswerable = bool(task.unanswerable)
    metrics = defaults.metric_fns(task)
    return add_labelled_task(card, source, metrics, unanswerable=unanswerable)
