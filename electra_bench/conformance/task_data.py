"""`electra-bench validate task`: what a task's data hold, before anything is trained."""

import collections
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from electra_bench import registry
from electra_bench.core.batch import NO_LABEL
from electra_bench.data import run_context
from electra_bench.data.examples.store import ExampleStore
from electra_bench.records import TaskCard
from electra_bench.runs.launch import parse
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.features.windows import NO_ANSWER
from electra_bench.tasks.from_files.registration import register_file_tasks
from electra_bench.tasks.leaks.in_training import repeats
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.task_data import check_files, with_settings
from electra_bench.vocabularies.load import open_vocabulary
from electra_bench.vocabularies.text_losses import TextLosses

UNLIMITED = 2**20  # tokens; longer than any text
SHOWN = 3

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
        without a file and why; `leaks`: of two splits how many examples of the second are
        in the first, see `Repeats`; `duplicates`: those that are exactly.

    Raises:
        FileNotFoundError: there is no data for the training or evaluation split.
        ValueError: something is wrong in a file.
    """
    bindings = [f"TASK = {name!r}", *overrides]
    parsed = parse(["runs/finetune.gin", *files], bindings, plugins)
    data_dir = parsed.value("DATA_DIR") or run_context.current().data_dir
    bound = parsed.value("FILES") or {}
    limit = parsed.value("runs.finetune.max_skipped")
    reading: dict[str, Any] = {
        "data_dir": data_dir,
        "files": bound,
        "on_error": on_error,
    }
    if limit is not None:
        reading["max_skipped"] = limit
    register_file_tasks(parsed, name, **reading)
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
    found: dict[str, Split] = {}
    with run_context.use(vocabulary=tokenizer, **reading):
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
                "notes": {m: [count, [*p]] for m, (count, p) in part.notes.items()},
                "unknown_percent": round(_unknown_percent(part), 3),
                "tokens": _lengths(whole.store),
                "truncated_percent": _truncated(card, whole.store, part, length),
                "lost": _lost(card, whole.store, part.store),
                "targets": _targets(card, task, part.store),
                "first": [
                    _shown(tokenizer, part.store, i)
                    for i in range(min(SHOWN, len(part.store)))
                ],
            }
            found[split] = Split.here(name, split, part.data_sha256)
    order = sorted(found, key=lambda split: (split != card.train_split, split))
    report["leaks"] = {
        f"{one}, {other}": counts
        for one, other in itertools.combinations(order, 2)
        if any((counts := _leaks(found[one], found[other])).values())
    }
    leaks = report["leaks"].items()
    report["duplicates"] = {pair: n["exact"] for pair, n in leaks if n["exact"]}
    return report


def _unknown_percent(part: TaskExamples) -> float:
    return TextLosses.of(part.losses).unknown_percent


def _leaks(one: Split, other: Split) -> dict[str, int]:
    """How many examples of one split are in another, by how they are."""
    found = repeats(other, [one], lambda: [one.texts()])
    return {kind: len(getattr(found, kind)) for kind in ("exact", "near", "shared")}


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
        elif card.kind == "multi_label":
            counts.update(np.flatnonzero(row).tolist())
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
