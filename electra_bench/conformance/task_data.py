"""`electra-bench validate task`: what a task's data hold, before anything is trained."""

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from electra_bench import registry
from electra_bench.core.batch import NO_LABEL
from electra_bench.data import run_context
from electra_bench.data.examples.store import ExampleStore
from electra_bench.records import TaskCard
from electra_bench.runs.launch import parse, register_file_tasks
from electra_bench.runs.task_data import check_files, with_settings
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.features.windows import NO_ANSWER
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.load import open_vocabulary

UNLIMITED = 2**20  # tokens; longer than any text
SHOWN = 3
# Raw features that make an example's text, of whichever kind.
TEXTS = ("text_a", "text_b", "words", "question", "context")

Report = dict[str, Any]


def validate_task(
    name: str,
    files: Sequence[str],
    overrides: Sequence[str],
    plugins: Sequence[str],
    on_error: str | None = None,
) -> Report:
    """Reads and encodes every split of a task that has a file.

    Args:
        name: registered task, or one of the files.
        files: gin files that make tasks.
        overrides: gin bindings.
        plugins: modules or files to load first.
        on_error: what to do about rows that cannot be used.

    Returns:
        `task`, `version`, `kind`, `summary`, `max_seq_length`; `splits`: name to counts,
        token lengths, truncation, what it loses, labels and examples; `absent`: splits
        without a file and why; `duplicates`: texts that two splits share.

    Raises:
        FileNotFoundError: there is no data for the training or evaluation split.
        ValueError: something is wrong in a file.
    """
    bindings = [f"TASK = {name!r}", *overrides]
    parsed = parse(["runs/finetune.gin", *files], bindings, plugins)
    data_dir = parsed.value("DATA_DIR") or run_context.current().data_dir
    bound = parsed.value("FILES") or {}
    register_file_tasks(parsed, name, data_dir=data_dir, files=bound, on_error=on_error)
    card: TaskCard = registry.tasks.get(name)
    if card.kind not in registry.kinds.names():
        raise ValueError(
            f"{name!r} is of kind {card.kind!r}; tasks that are fine-tuned are checked, of "
            f"kinds {registry.kinds.names()}"
        )
    tokenizer = open_vocabulary(None, parsed.value("VOCAB"))
    of_task = with_settings(card, parsed.value("runs.finetune.task_settings"))
    length = parsed.value("runs.finetune.max_seq_length") or of_task.max_seq_length
    task = load_task(name)
    needed = {card.eval_split} | (set() if card.trained_on else {card.train_split})
    report: Report = {
        "task": name,
        "version": card.version,
        "kind": card.kind,
        "summary": card.summary,
        "max_seq_length": length,
        "splits": {},
        "absent": {},
    }
    texts: dict[str, set[tuple]] = {}
    with run_context.use(
        vocabulary=tokenizer, data_dir=data_dir, files=bound, on_error=on_error
    ):
        check_files(bound, [name])
        for split in sorted(task.splits, key=lambda s: (s not in needed, s)):
            try:
                [part] = examples(name, split, length)
            except FileNotFoundError as error:
                if split in needed:
                    raise
                report["absent"][split] = str(error)
                continue
            [whole] = examples(name, split, UNLIMITED)
            report["splits"][split] = {
                "examples": part.num_examples,
                "published": card.splits.get(split),
                "rows": len(part.store),
                "skipped": part.num_skipped,
                "reasons": list(part.reasons),
                "tokens": _lengths(whole.store),
                "truncated_percent": _truncated(card, whole.store, part, length),
                "lost": _lost(card, whole.store, part.store),
                "targets": _targets(card, task, part.store),
                "first": [
                    _shown(tokenizer, part.store, i)
                    for i in range(min(SHOWN, len(part.store)))
                ],
            }
            texts[split] = set(_texts(task, split))
    report["duplicates"] = {
        f"{one}, {other}": len(texts[one] & texts[other])
        for one, other in itertools.combinations(texts, 2)
        if texts[one] & texts[other]
    }
    return report


def _lengths(store: ExampleStore) -> dict[str, int]:
    lengths = store.lengths("input_ids")
    marks = {"median": 50, "p90": 90, "p99": 99, "longest": 100}
    return {name: int(np.percentile(lengths, at)) for name, at in marks.items()}


def _truncated(
    card: TaskCard, whole: ExampleStore, part: TaskExamples, length: int
) -> float | None:
    """None where long texts become windows."""
    if card.kind == "span_qa" or len(part.store) > part.num_examples:
        return None
    return round(100 * float(np.mean(whole.lengths("input_ids") > length)), 2)


def _lost(
    card: TaskCard, whole: ExampleStore, cut: ExampleStore
) -> dict[str, int] | None:
    """How many examples have words, or an answer, that no row holds at the token limit.

    None for texts, which lose nothing that is to be predicted.
    """
    if card.kind == "tagging":
        lost = _words(whole) - _words(cut)
        return {"examples": len(lost), "words": lost.total()}
    if card.kind == "span_qa":
        return {"examples": len(_answered(whole) - _answered(cut))}
    return None


def _words(store: ExampleStore) -> collections.Counter[int]:
    """Of every sentence how many words a row has the label of."""
    words: collections.Counter[int] = collections.Counter()
    for i in range(len(store)):
        has_label = store.row("labels", i) != NO_LABEL
        words[int(store.row("example_id", i)[0])] += int(np.sum(has_label))
    return words


def _answered(store: ExampleStore) -> set[int]:
    """Questions with a window that holds their answer."""
    return {
        int(store.row("example_id", i)[0])
        for i in range(len(store))
        if tuple(store.row("labels", i)[:2]) != NO_ANSWER
    }


def _targets(card: TaskCard, task: Any, store: ExampleStore) -> dict[str, Any]:
    """How often every label occurs, or what values there are."""
    if card.label_range is not None:
        rows = (store.row("values", i) for i in range(len(store)))
        values = [
            task.postprocess_fn(row, example={}, is_target=True)
            for row in rows
            if len(row)
        ]
        marks = np.percentile(values, (0, 50, 100)) if values else ()
        names = ("smallest", "median", "largest")
        return {n: round(float(m), 4) for n, m in zip(names, marks, strict=False)}
    counts: collections.Counter[int] = collections.Counter()
    for i in range(len(store)):
        row = store.row("labels", i)
        if card.kind == "span_qa":
            counts[int(row[2])] += len(row) > 0
        else:
            counts.update(int(label) for label in row if label != NO_LABEL)
    answers = dict(enumerate(card.labels))
    if card.kind == "span_qa":
        answers = {0: "answerable", 1: "unanswerable"}
    return {answers.get(i, "not said"): n for i, n in sorted(counts.items())}


def _shown(tokenizer: Any, store: ExampleStore, index: int) -> dict[str, Any]:
    ids = store.row("input_ids", index)
    return {
        "tokens": [tokenizer.id_to_token(int(i)) for i in ids],
        "segment_ids": store.row("segment_ids", index).tolist(),
        "labels": store.row("labels", index).tolist(),
        "values": [round(float(v), 4) for v in store.row("values", index)],
    }


def _texts(task: Any, split: str) -> Iterator[tuple]:
    dataset = task.source.get_dataset(split, shuffle=False)
    for example in dataset.as_numpy_iterator():
        if not isinstance(example, Mapping):  # as lines of text are
            example = {TEXTS[0]: example}
        yield tuple(
            " ".join(w.decode() for w in np.ravel(example[name]).tolist())
            for name in TEXTS
            if name in example
        )
