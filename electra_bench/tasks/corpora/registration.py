"""Corpora by name: files, and mixtures of them, as seqio tasks."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import seqio

from electra_bench.data import run_context
from electra_bench.data.text.files import find_files
from electra_bench.data.text.formats import FORMATS, file_format
from electra_bench.records import TaskCard
from electra_bench.tasks.cards.corpora import corpus_card
from electra_bench.tasks.corpora.examples import seed_of
from electra_bench.tasks.corpora.ready_made import BuiltSource, TFRecordSource
from electra_bench.tasks.corpora.sources import CorpusSource, FileSource, build_examples
from electra_bench.tasks.registration import declare, load_task, output_features


def add_corpus(
    name: str,
    files: str | Sequence[str],
    *,
    format: str = "auto",
    documents: str = "blank_line",
    text_field: str = "text",
    holdout: float = 0.01,
    on_error: str = "raise",
    max_skipped: float = run_context.MAX_SKIPPED,
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
        format: `text`, `jsonl`, `csv`, `openwebtext` (archives of .txt files), `tfrecord`
            (the original's `pretrain_tfrecords`), `built` (the output of `corpus build`),
            or `auto`, which tells them apart.
        documents: what makes a document of a text file: lines up to a `blank_line`, the
            whole `file`, every `line`, or an article of `wikitext`.
        text_field: the field of a JSON line, or column, that holds the text.
        holdout: fraction of documents for the split `validation`.
        on_error: `raise`, or `skip` and count what cannot be read.
        max_skipped: share of the lines, or of the bytes, that may be left out, from 0 to
            1; if more cannot be read, it is an error.
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
    corpus = corpus_source(
        files,
        format=format,
        documents=documents,
        text_field=text_field,
        holdout=holdout,
        on_error=on_error,
        max_skipped=max_skipped,
    )
    card = corpus_card(
        name=name,
        summary=summary,
        builder=f"{__name__}:add_corpus",
        source=source or ", ".join([files] if isinstance(files, str) else files),
        licence=licence,
        citation=citation,
    )
    register_corpus(card, corpus, seed)
    return card


def corpus_source(
    files: str | Sequence[str],
    *,
    format: str = "auto",
    documents: str = "blank_line",
    text_field: str = "text",
    holdout: float = 0.01,
    on_error: str = "raise",
    max_skipped: float = run_context.MAX_SKIPPED,
    **_of_card: object,
) -> CorpusSource:
    """The source of files; takes what `add_corpus` takes, whose card it leaves alone.

    Raises:
        ValueError: an unknown option.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    patterns = [files] if isinstance(files, str) else [*files]
    if format == "auto" and patterns:
        format = _common_format(patterns)
    reading: dict[str, Any] = {
        "holdout": holdout,
        "on_error": on_error,
        "max_skipped": max_skipped,
    }
    if format == "built":
        if len(patterns) != 1:
            raise ValueError(f"format 'built' takes one folder, got {patterns}")
        return BuiltSource(patterns[0])
    if format == "tfrecord":
        return TFRecordSource(patterns, **reading)
    reading |= {"documents": documents, "text_field": text_field}
    return FileSource(patterns, format=format, **reading)


def _common_format(patterns: Sequence[str]) -> str:
    """`tfrecord` or `built` if the names say so; otherwise files are told apart later."""
    if len(patterns) == 1 and BuiltSource.find(patterns[0]):
        return "built"
    try:
        names = find_files(patterns, run_context.current().data_dir)
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
        known = getattr(task.source, "configuration", None), seed_of(task)
        if known != (source.configuration, seed if preprocessors else None):
            raise ValueError(f"task {card.name!r} exists already, with other settings")
        return task
    declare(card, f"corpus {card.name!r}: the name")
    features = output_features()
    return seqio.TaskRegistry.add(
        card.name,
        source=source,
        preprocessors=preprocessors,
        output_features={name: features[name] for name in ("input_ids", "segment_ids")},
    )


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
