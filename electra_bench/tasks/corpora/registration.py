"""Corpora by name, and the cache of examples that are made of them."""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import seqio
import tensorflow as tf
from absl import logging

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.examples.builder import Examples
from electra_bench.data.examples.cache import content_key
from electra_bench.data.examples.corpus_builder import (
    Counts,
    build_corpus_folder,
    read_manifest,
    settings_for,
)
from electra_bench.data.examples.store import ExampleStore
from electra_bench.data.text.files import FORMATS, file_format, find_files
from electra_bench.data.text.streams import ReadReport
from electra_bench.records import TaskCard
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.code_version import code_version
from electra_bench.system.ordered_map import num_cores
from electra_bench.tasks.corpora.ready_made import BuiltSource, TFRecordSource
from electra_bench.tasks.corpora.sources import (
    CorpusSource,
    FileSource,
    Made,
    build_examples,
)
from electra_bench.tasks.features import settings
from electra_bench.tasks.fingerprints import preprocessing_sha256
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.run_vocabulary import RunVocabulary

__all__ = [
    "BuiltCorpus",
    "CorpusSource",
    "add_corpus",
    "add_corpus_mixture",
    "build_corpus",
    "corpus_fingerprint",
    "register_corpus",
]

# What turns files into examples; the vocabulary's module is added.
MODULES = (
    "electra_bench.tasks.corpora.sources",
    "electra_bench.tasks.corpora.ready_made",
    *(
        f"electra_bench.{name}"
        for name in (
            "data.text.archives",
            "data.text.files",
            "data.text.json_lines",
            "data.text.streams",
            "data.examples.corpus_builder",
            "data.examples.builder",
            "data.examples.tfrecords",
            "vocabularies.basic_words",
            "vocabularies.files",
            "vocabularies.sentencepiece_tokenizer",
            "vocabularies.wordpiece",
            "vocabularies.wordpiece_tokenizer",
        )
    ),
)


class BuiltCorpus(NamedTuple):
    """Examples of one split of a corpus.

    Attributes:
        directory: the cached folder, with both splits and the manifest.
        store: the split's examples.
        data_sha256: hash of the corpus.
        manifest: counts and what determined the content.
    """

    directory: str
    store: ExampleStore
    data_sha256: str
    manifest: Mapping[str, Any]


def add_corpus(
    name: str,
    files: str | Sequence[str],
    *,
    format: str = "auto",
    documents: str = "blank_line",
    text_field: str = "text",
    holdout: float = 0.01,
    on_error: str = "raise",
    seed: int = 0,
    summary: str = "a corpus of the user's",
    source: str = "",
    licence: str = "",
    citation: str = "",
) -> TaskCard:
    """Registers files as a corpus.

    Args:
        name: of the seqio task and the card.
        files: names, folders or globs, also relative to the run's data folder.
        format: `text`, `jsonl`, `openwebtext` (archives of .txt files), `tfrecord` (the
            original's `pretrain_tfrecords`), `built` (the output of `corpus build`), or
            `auto`, which tells them apart.
        documents: what makes a document of a text file: lines up to a `blank_line`, the
            whole `file`, or every `line`.
        text_field: the field of a JSON line that holds the text.
        holdout: fraction of documents for the split `validation`.
        on_error: `raise`, or `skip` and count what cannot be read.
        seed: of the draws of example building.
        summary: see `TaskCard`.
        source: see `TaskCard`.
        licence: see `TaskCard`.
        citation: see `TaskCard`.

    Returns:
        The card.

    Raises:
        ValueError: an unknown option, or another corpus has this name.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    patterns = [files] if isinstance(files, str) else list(files)
    if format == "auto" and patterns:
        format = _common_format(patterns)
    reading = {"holdout": holdout, "on_error": on_error}
    if format == "built":
        if len(patterns) != 1:
            raise ValueError(f"format 'built' takes one folder, got {patterns}")
        corpus = BuiltSource(patterns[0])
    elif format == "tfrecord":
        corpus = TFRecordSource(patterns, **reading)
    else:
        corpus = FileSource(
            patterns,
            format=format,
            documents=documents,
            text_field=text_field,
            **reading,
        )
    card = TaskCard(
        name=name,
        version=1,
        kind="corpus",
        summary=summary,
        builder=f"{__name__}:add_corpus",
        splits={},
        main_metric="masked_lm_loss",
        higher_is_better=False,
        source=source or ", ".join(map(str, patterns)),
        licence=licence,
        citation=citation,
        eval_split="validation",
    )
    register_corpus(card, corpus, seed)
    return card


def _common_format(patterns: Sequence[str]) -> str:
    """`tfrecord` or `built` if the names say so; otherwise files are told apart later."""
    base = run_context.current().data_dir
    folders = [patterns[0], *([os.path.join(base, patterns[0])] if base else [])]
    if len(patterns) == 1 and any(map(read_manifest, folders)):
        return "built"
    try:
        names = find_files(patterns, base)
    except FileNotFoundError:  # said when the corpus is read
        names = patterns
    return "tfrecord" if "tfrecord" in map(file_format, names) else "auto"


def register_corpus(card: TaskCard, source: CorpusSource, seed: int = 0) -> seqio.Task:
    """Registers a corpus with seqio, and its card if it is not declared.

    The same corpus may be registered again.

    Args:
        card: what is known of the corpus.
        source: its documents, or its examples.
        seed: of the draws of example building.

    Raises:
        ValueError: another task or corpus has this name.
    """
    preprocessors = []
    if not isinstance(source, (BuiltSource, TFRecordSource)):
        preprocessors = [functools.partial(build_examples, seed=seed)]
    if card.name in seqio.TaskRegistry.names():
        task = seqio.TaskRegistry.get(card.name)
        if _configuration(task) != (
            source.configuration,
            seed if preprocessors else None,
        ):
            raise ValueError(f"task {card.name!r} exists already, with other settings")
        return task
    if card.name not in registry.tasks.names():
        registry.tasks.add(card.name, card)
    elif registry.tasks.get(card.name) != card:
        raise ValueError(
            f"corpus {card.name!r}: the name is taken by "
            f"{registry.tasks.origin(card.name).target}"
        )
    return seqio.TaskRegistry.add(
        card.name,
        source=source,
        preprocessors=preprocessors,
        output_features={
            "input_ids": seqio.Feature(
                RunVocabulary(), add_eos=False, dtype=tf.int32, rank=1
            ),
            "segment_ids": seqio.Feature(
                seqio.PassThroughVocabulary(size=0),
                add_eos=False,
                dtype=tf.int32,
                rank=1,
            ),
        },
    )


def _configuration(task: seqio.Task) -> tuple | None:
    if not isinstance(task.source, CorpusSource):
        return None
    return task.source.configuration, _seed(task)


def _seed(task: seqio.Task) -> int | None:
    """The seed of example building; None if the task does not just build examples."""
    steps = task.preprocessors
    if len(steps) == 1 and getattr(steps[0], "func", None) is build_examples:
        return steps[0].keywords.get("seed", 0)
    return None


def add_corpus_mixture(name: str, rates: Mapping[str, float]) -> seqio.Mixture:
    """Registers several corpora, mixed.

    Args:
        name: of the mixture.
        rates: registered corpus to its rate; only the ratios of the rates matter.

    Raises:
        ValueError: no corpora, a rate that is not positive, or another mixture has this
            name.
        UnknownName: no such corpus.
    """
    if not rates:
        raise ValueError(f"mixture {name!r} needs at least one corpus")
    for corpus, rate in rates.items():
        if not rate > 0:
            raise ValueError(
                f"mixture {name!r}: the rate of {corpus!r} must be positive, got {rate}"
            )
        load_task(corpus)
    if name in seqio.MixtureRegistry.names():
        mixture = seqio.MixtureRegistry.get(name)
        if {t.name: mixture.get_rate(t) for t in mixture.tasks} != dict(rates):
            raise ValueError(f"mixture {name!r} exists already, with other rates")
        return mixture
    return seqio.MixtureRegistry.add(name, list(rates.items()))


def corpus_fingerprint(source: CorpusSource, split: str) -> str:
    """Hash of a split's data: of the corpus and of what is held out.

    Args:
        source: a corpus.
        split: one of its splits.
    """
    return content_key(
        {"data": source.fingerprint(), "split": split, "holdout": source.threshold()}
    )


def build_corpus(
    task: seqio.Task, split: str, max_seq_length: int, processes: int | None = None
) -> BuiltCorpus:
    """The examples of a corpus for the run's vocabulary, built unless they are cached.

    Both splits are built at once. Equal to what seqio gives for the task, in the same
    order.

    Args:
        task: a corpus; its source is a `CorpusSource`.
        split: one of its splits.
        max_seq_length: tokens of an example, at most.
        processes: workers; None for one a core.

    Raises:
        ValueError: no vocabulary, no such split, a corpus or split without text, or text
            that cannot be read.
        FileNotFoundError: the corpus is not there.
    """
    source = task.source
    vocabulary = run_context.current().vocabulary
    if vocabulary is None:
        raise ValueError(f"corpus {task.name!r} needs a vocabulary; set VOCAB")
    if split not in source.splits:
        raise ValueError(
            f"corpus {task.name!r} has no split {split!r}; it has {list(source.splits)}"
        )
    if isinstance(source, BuiltSource):  # nothing to build
        folder = source.folder()
        manifest = read_manifest(folder)
        _check_built(folder, manifest, vocabulary, max_seq_length)
        return _opened(task.name, folder, split, source, manifest)
    parts = {
        "data": source.fingerprint(),
        "holdout": source.threshold(),
        "vocabulary": vocabulary.sha256,
        "max_seq_length": max_seq_length,
        "preprocessing": preprocessing_sha256(task),
        # Examples that others made are taken as they are.
        **({} if isinstance(source, TFRecordSource) else _cut_tokens()),
        "code": code_version((*MODULES, type(vocabulary).__module__)),
    }
    key = content_key(parts)
    folder = os.path.join(cache_dir(), "corpora", f"{task.name}-{key}")
    manifest = read_manifest(folder)
    if manifest is None:
        report = ReadReport()
        manifest = build_corpus_folder(
            lambda: _made_examples(
                task, vocabulary, max_seq_length, processes or num_cores(), report
            ),
            folder,
            {"corpus": task.name, "key": key, **parts},
            report,
            name=task.name,
        )
        if report.skipped:
            logging.warning(
                "corpus %r: %d skipped, the first: %s",
                task.name,
                report.skipped,
                report.reasons[0],
            )
    return _opened(task.name, folder, split, source, manifest)


def _cut_tokens() -> dict[str, str]:
    return dataclasses.asdict(settings.pretraining())


def _made_examples(
    task: seqio.Task,
    vocabulary: Any,
    max_seq_length: int,
    processes: int,
    report: ReadReport,
) -> Made:
    """Examples in bulk; through seqio if the task does more than build examples."""
    seed = _seed(task)
    if seed is not None or not task.preprocessors:
        yield from task.source.made_examples(
            vocabulary, max_seq_length, seed or 0, processes, report
        )
        return
    dtype = settings_for(vocabulary, max_seq_length, 0).dtype
    for split in task.splits:
        dataset = task.get_dataset({"input_ids": max_seq_length}, split, shuffle=False)
        for example in dataset.as_numpy_iterator():
            ids = example["input_ids"].astype(dtype)
            made = Examples(
                ids, example["segment_ids"].astype(np.uint8), np.array([len(ids)])
            )
            yield {split: made}, {split: Counts(tokens=len(ids), examples=1)}


def _opened(
    name: str,
    folder: str,
    split: str,
    source: CorpusSource,
    manifest: Mapping[str, Any],
) -> BuiltCorpus:
    counts = manifest["splits"].get(split)
    if not counts or not counts["examples"]:
        total = sum(part["documents"] for part in manifest["splits"].values())
        raise ValueError(
            f"corpus {name!r}: split {split!r} has no examples; of {total} documents "
            "none was held out. 'holdout' is the fraction to hold out; a blank line ends "
            "a document, documents='line' makes every line one"
        )
    store = ExampleStore([os.path.join(folder, split)])
    return BuiltCorpus(folder, store, corpus_fingerprint(source, split), manifest)


def _check_built(
    folder: str,
    manifest: Mapping[str, Any],
    vocabulary: Any,
    max_seq_length: int,
) -> None:
    if manifest["vocabulary"] != vocabulary.sha256:
        raise ValueError(f"{folder}: examples made with another vocabulary")
    if manifest["max_seq_length"] > max_seq_length:
        raise ValueError(
            f"{folder}: examples of {manifest['max_seq_length']} tokens, max_seq_length "
            f"is {max_seq_length}"
        )
    cut_tokens = settings.pretraining().cut_tokens
    # Folders of earlier versions do not say.
    made = manifest.get("cut_tokens", "dropped")
    if made != cut_tokens:
        raise ValueError(
            f"{folder}: examples made with cut tokens {made}, "
            f"features.pretraining.cut_tokens is {cut_tokens!r}"
        )
