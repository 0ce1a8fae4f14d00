"""A registered task's examples, ready for random access.

The only way from seqio to the trainer and the evaluator: everything that determines the
examples (source, preprocessors, vocabulary, length) is read off the seqio task and is part
of the cache's key.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import seqio
import tensorflow as tf
from absl import logging

from electra_bench.data import run_context
from electra_bench.data.examples.cache import cached_examples
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.data.text.reasons import Reasons
from electra_bench.system.file_hashes import Changed
from electra_bench.tasks.corpora.examples import BuiltCorpus, build_corpus
from electra_bench.tasks.corpora.sources import CorpusSource
from electra_bench.tasks.features import choices
from electra_bench.tasks.features.preprocessors import ROWS_AT_ONCE, as_ragged
from electra_bench.tasks.fingerprints import OnceRead, making
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.text_losses import TextLosses


class TaskExamples(NamedTuple):
    """Examples of one split of one task.

    Attributes:
        task: registered name.
        rate: mixing rate; 1 for a task of its own.
        store: the examples.
        data_sha256: hash of the split's raw examples.
        num_skipped: rows of the data that were left out; `reasons`: why, see `Reasons`.
        notes: what was mended or seems wrong ("tags mended") to how often, and the first
            few places.
        cut: what the limits of features left out ("words cut") to how many, of how many.
        losses: what texts lost when they became tokens, see `TextLosses`.
        doubts: what the vocabulary says against how it is used, see `unused_tokens`.
    """

    task: str
    rate: float
    store: ExampleStore
    data_sha256: str
    num_skipped: int = 0
    reasons: tuple[str, ...] = ()
    cut: Mapping[str, tuple[int, int]] = MappingProxyType({})
    notes: Mapping[str, tuple[int, tuple[str, ...]]] = MappingProxyType({})
    losses: Mapping[str, int] = MappingProxyType({})
    doubts: Mapping[str, str] = MappingProxyType({})

    @property
    def num_examples(self) -> int:
        """How many there are: of questions, not of their windows."""
        return self.store.num_distinct("example_id")

    def first_rows(self) -> list[int]:
        """Of every example its first row, in the order of the split."""
        first: dict[int, int] = {}
        for row in range(len(self.store)):
            first.setdefault(int(self.store.row("example_id", row)[0]), row)
        return list(first.values())


def examples(
    name: str, split: str, seq_length: int, processes: int | None = 1
) -> list[TaskExamples]:
    """The examples of a task, or of every task of a mixture.

    Args:
        name: registered task or mixture.
        split: which split.
        seq_length: token limit.
        processes: for building a corpus; None for one a core.

    Raises:
        UnknownName: no such task or mixture.
        ValueError: no such split, or a split without examples.
    """
    mixture = load_task(name)
    if isinstance(mixture, seqio.Mixture):
        return [
            _task_examples(task, mixture.get_rate(task), split, seq_length, processes)
            for task in mixture.tasks
        ]
    return [_task_examples(mixture, 1.0, split, seq_length, processes)]


def token_counts(parts: Sequence[TaskExamples], feature: str, size: int) -> np.ndarray:
    """How often tokens occur in as many examples of the mixture as there are in all.

    Args:
        parts: of a mixture, or a single one.
        feature: that holds token ids.
        size: of the vocabulary.

    Returns:
        float64 [size].
    """
    # Occurrences in an example that is drawn by the rates.
    rates = sum(part.rate for part in parts)
    per_example = sum(
        part.rate / rates * part.store.counts(feature, size) / len(part.store)
        for part in parts
    )
    return per_example * sum(len(part.store) for part in parts)


def sample(name: str, split: str, seq_length: int, size: int) -> ExampleStore:
    """The first examples of a task or of a mixture's first task, not cached.

    Args:
        name: registered task or mixture.
        split: which split.
        seq_length: token limit.
        size: how many, at most.
    """
    task = load_task(name)
    if isinstance(task, seqio.Mixture):
        task = task.tasks[0]
    dataset = _read_once(task, split, seq_length)

    def build(writer: ExampleWriter) -> Mapping[str, object]:
        _write(dataset.take(size), writer)
        return {}

    store, _ = cached_examples(task.name, None, build)
    if len(store) == 0:
        raise ValueError(f"task {task.name!r}: split {split!r} has no examples")
    return store


def _task_examples(
    task: seqio.Task,
    rate: float,
    split: str,
    seq_length: int,
    processes: int | None,
) -> TaskExamples:
    if split not in task.splits:
        raise ValueError(
            f"task {task.name!r} has no split {split!r}; it has {sorted(task.splits)}"
        )
    if isinstance(task.source, CorpusSource):
        built = build_corpus(task, split, seq_length, processes)
        return _of_corpus(task.name, rate, split, built)
    # What was left out or put right is not in the hash of the rows that are kept.
    skipped: dict[str, None] = {}
    noted: dict[str, dict[str, None]] = {}
    read = OnceRead(task.source, split)
    with run_context.use(skipped=skipped, notes=noted):
        hashes = read.hashes()
    context = run_context.current()
    vocabulary = context.vocabulary
    # A source that knows its hash was not read yet, so nobody has told where it lies.
    unread = hasattr(task.source, "data_sha256")
    features = [choices.tagged_words(), choices.context_windows()]
    code = making(task, vocabulary, __name__, features)
    parts = code and {
        **code,
        "task": task.name,
        "split": split,
        "data": hashes.data,
        "groups": hashes.groups,
        "vocabulary": vocabulary.sha256 if vocabulary else None,
        "seq_length": seq_length,
        "on_error": context.on_error,
        "place": [context.data_dir, context.files.get(split)] if unread else None,
        "max_skipped": context.max_skipped if unread else None,
        "skipped": list(skipped),
        "notes": {mark: list(places) for mark, places in noted.items()},
    }

    def build(writer: ExampleWriter) -> Mapping[str, object]:
        cut: dict[str, list[int]] = {}
        losses: dict[str, int] = {}
        with run_context.use(skipped=skipped, cut=cut, notes=noted, losses=losses):
            dataset = _read_once(_with_source(task, read), split, seq_length)
        _write(dataset, writer)
        if read.hashes() != hashes:
            raise Changed(f"{task.name}: split {split!r}")
        reasons = Reasons(skipped).by_frequency()[: Reasons.MOST]
        if reasons:
            logging.warning("%s: skipped %d rows", task.name, len(skipped))
        for reason in reasons:
            logging.warning("skipped: %s", reason)
        for mark, places in noted.items():
            logging.warning(
                "%s: %s: %d, the first: %s", task.name, mark, len(places), [*places][0]
            )
        of_text = TextLosses.of(losses).warnings(f"task {task.name!r}, {split}")
        for loss in of_text.values():
            logging.warning("%s", loss.sentence)
        return {
            "skipped": len(skipped),
            "reasons": reasons,
            "cut": {what: counts for what, counts in cut.items() if counts[0]},
            "notes": {m: [len(p), [*p][: Reasons.MOST]] for m, p in noted.items()}
            | {m: [x.count, [x.found, x.cure]] for m, x in of_text.items()},
            "losses": losses,
        }

    store, notes = cached_examples(f"{task.name}-{split}", parts, build)
    if len(store) == 0:
        raise ValueError(f"task {task.name!r}: split {split!r} has no examples")
    return TaskExamples(
        task.name,
        rate,
        store,
        hashes.data,
        notes["skipped"],
        tuple(notes["reasons"]),
        {what: tuple(counts) for what, counts in notes["cut"].items()},
        {mark: (count, tuple(p)) for mark, (count, p) in notes["notes"].items()},
        notes["losses"],
        getattr(vocabulary, "doubts", {}),
    )


def _of_corpus(name: str, rate: float, split: str, built: BuiltCorpus) -> TaskExamples:
    """A corpus's split; what was left out or read otherwise is told of the first."""
    manifest = built.manifest
    notes: dict[str, tuple[int, tuple[str, ...]]] = {
        mark: (loss.count, (loss.found, loss.cure))
        for mark, loss in built.warnings.items()
    }
    skipped, reasons = 0, ()
    if split == next(iter(manifest["splits"])):
        skipped, reasons = manifest["skipped"], tuple(manifest["skipped_reasons"])
        if replaced := manifest.get("replaced"):
            said = f"corpus {name!r}: half surrogate pairs, as '?'"
            notes["characters replaced"] = replaced, (said,)
    return TaskExamples(
        name,
        rate,
        built.store,
        built.data_sha256,
        skipped,
        reasons,
        notes=notes,
        losses=manifest["splits"][split],
        doubts=getattr(run_context.current().vocabulary, "doubts", {}),
    )


def _with_source(task: seqio.Task, source: seqio.DataSource) -> seqio.Task:
    return seqio.Task(
        task.name,
        source=source,
        output_features=task.output_features,
        preprocessors=task.preprocessors,
    )


def _read_once(task: seqio.Task, split: str, seq_length: int) -> tf.data.Dataset:
    # To decide on a cache in memory, seqio would count the examples twice, and a source
    # reads its file for that.
    return task.get_dataset(
        {"input_ids": seq_length},
        split,
        shuffle=False,
        num_epochs=1,
        try_in_mem_cache=False,
    )


def _write(dataset: tf.data.Dataset, writer: ExampleWriter) -> None:
    # Many rows at once: one at a time takes longer than encoding them.
    for batch in dataset.ragged_batch(ROWS_AT_ONCE):
        rest: dict[str, list] = {}
        for name, rows in batch.items():
            rows = as_ragged(rows)
            is_number = rows.dtype.is_integer or rows.dtype.is_floating
            if is_number and rows.shape.rank == 2:
                lengths = rows.row_lengths().numpy()
                writer.append_rows(name, rows.flat_values.numpy(), lengths)
            else:
                is_ragged = isinstance(rows, tf.RaggedTensor)
                values = rows.to_list() if is_ragged else rows.numpy().tolist()
                rest[name] = _decoded(values)
        for values in zip(*rest.values(), strict=True):
            writer.append(dict(zip(rest, values, strict=True)))


def _decoded(value: Any) -> Any:
    """Texts instead of bytes, as JSON has them."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value
