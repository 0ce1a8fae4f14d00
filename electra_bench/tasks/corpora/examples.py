"""The examples of a corpus, made on several processes and kept in the cache."""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import seqio
from absl import logging

from electra_bench.data import run_context
from electra_bench.data.examples import corpus_builder
from electra_bench.data.examples.block_sums import MEND, DamagedExamples
from electra_bench.data.examples.builder import Examples
from electra_bench.data.examples.cache import cached_folder, content_key
from electra_bench.data.examples.store import ExampleStore
from electra_bench.data.text.reasons import too_many
from electra_bench.data.text.streams import ReadReport
from electra_bench.system.file_hashes import Changed
from electra_bench.system.inventory import damages_if_listed
from electra_bench.system.ordered_map import num_cores
from electra_bench.tasks.corpora.losses import all_warnings, corpus_warnings
from electra_bench.tasks.corpora.ready_made import BuiltSource, TFRecordSource
from electra_bench.tasks.corpora.sources import CorpusSource, Made, build_examples
from electra_bench.tasks.features.choices import description_of, pretraining_examples
from electra_bench.tasks.fingerprints import making
from electra_bench.vocabularies.text_losses import Loss


class BuiltCorpus(NamedTuple):
    """Examples of one split of a corpus.

    Attributes:
        directory: the cached folder, with both splits and the manifest.
        store: the split's examples.
        data_sha256: hash of the corpus.
        manifest: counts and what determined the content.
        warnings: what of the split was lost, see `corpus_warnings`.
    """

    directory: str
    store: ExampleStore
    data_sha256: str
    manifest: Mapping[str, Any]
    warnings: Mapping[str, Loss]


def seed_of(task: seqio.Task) -> int | None:
    """The seed of example building; None if the task does not just build examples."""
    steps = task.preprocessors
    if len(steps) == 1 and getattr(steps[0], "func", None) is build_examples:
        return steps[0].keywords.get("seed", 0)
    return None


def corpus_fingerprint(source: CorpusSource, split: str) -> str:
    """Hash of a split's data: of the corpus and of what is held out.

    Args:
        source: a corpus.
        split: one of its splits.
    """
    return _of_split(source.fingerprint(), split, source.threshold())


def _of_split(data: str, split: str, threshold: float) -> str:
    return content_key({"data": data, "split": split, "holdout": threshold})


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
        _check_built(source.folder(), vocabulary, max_seq_length)
        sha256 = corpus_fingerprint(source, split)
        return _opened(task, source.folder(), split, sha256)
    # Examples that others made are taken as they are.
    is_made = not isinstance(source, TFRecordSource)
    features = [pretraining_examples()] if is_made else []
    settings = corpus_builder.settings_for(
        vocabulary,
        max_seq_length,
        seed_of(task) or 0,
        source.threshold(),
        *(one.builder for one in features),
    )
    code = making(task, vocabulary, __name__, features)
    data = source.fingerprint()
    parts = code and {
        **code,
        "data": data,
        "holdout": settings.holdout,
        "vocabulary": vocabulary.sha256,
        "max_seq_length": max_seq_length,
        **({"cut_tokens": features[0].cut_tokens} if is_made else {}),
    }
    facts = {"corpus": task.name, "key": parts and content_key(parts), **(parts or {})}
    facts["max_seq_length"] = max_seq_length
    if is_made:
        facts["features"] = description_of(features[0])

    def make(folder: str, overwrite: bool) -> None:
        report = ReadReport()
        workers = processes or num_cores()
        corpus_builder.build_corpus_folder(
            lambda: _made_examples(task, vocabulary, settings, workers, report, data),
            folder,
            facts,
            report,
            name=task.name,
            overwrite=overwrite,
        )
        if report.replaced:
            said = "corpus %r: %d halves of surrogate pairs were read as '?'"
            logging.warning(said, task.name, report.replaced)
        manifest = corpus_builder.read_manifest(folder) or {}
        for warning in all_warnings(task.name, manifest):
            logging.warning("%s", warning)
        if report.skipped:
            first = report.reasons[0]
            said = "corpus %r: %d skipped, the first: %s"
            logging.warning(said, task.name, report.skipped, first)

    with cached_folder("corpora", task.name, parts, make) as folder:
        _check_skipped(task, folder)
        return _opened(task, folder, split, _of_split(data, split, settings.holdout))


def _check_skipped(task: seqio.Task, folder: str) -> None:
    """Compares what was left out when a folder was made, perhaps with another limit.

    Raises:
        ValueError: more than may be.
    """
    manifest = corpus_builder.read_manifest(folder) or {}
    limit = getattr(task.source, "max_skipped", 1.0)
    # Folders of earlier versions do not say.
    share = manifest.get("unread_share", 0.0)
    if share > limit:
        name, reasons = f"corpus {task.name!r}", manifest["skipped_reasons"]
        count = f"{100 * share:.1f} % of its lines or bytes"
        raise ValueError(too_many(name, count, limit, "max_skipped", reasons))


def _made_examples(
    task: seqio.Task,
    vocabulary: Any,
    settings: corpus_builder.Settings,
    processes: int,
    report: ReadReport,
    data: str,
) -> Made:
    """Examples in bulk; through seqio if the task does more than build examples.

    Raises:
        Changed: they are made of other data than the fingerprint says.
    """
    if seed_of(task) is not None or not task.preprocessors:
        yield from task.source.made_examples(vocabulary, settings, processes, report)
    else:
        yield from _seqio_examples(task, settings)
    if task.source.fingerprint_as_read(report) != data:
        raise Changed(f"corpus {task.name!r}")


def _seqio_examples(task: seqio.Task, settings: corpus_builder.Settings) -> Made:
    lengths = {"input_ids": settings.max_seq_length}
    for split in task.splits:
        dataset = task.get_dataset(lengths, split, shuffle=False)
        for example in dataset.as_numpy_iterator():
            ids = example["input_ids"].astype(settings.dtype)
            segments = example["segment_ids"].astype(np.uint8)
            made = Examples(ids, segments, np.array([len(ids)]))
            counts = corpus_builder.Counts(tokens=len(ids), examples=1)
            yield {split: made}, {split: counts}


def _opened(task: seqio.Task, folder: str, split: str, sha256: str) -> BuiltCorpus:
    manifest = corpus_builder.read_manifest(folder) or {}
    counts = manifest["splits"].get(split)
    if not counts or not counts["examples"]:
        total = sum(part["documents"] for part in manifest["splits"].values())
        raise ValueError(
            f"corpus {task.name!r}: split {split!r} has no examples; of {total} documents "
            "none was held out. 'holdout' is the fraction to hold out; a blank line ends "
            "a document, documents='line' makes every line one"
        )
    store = ExampleStore([os.path.join(folder, split)])
    if len(store) != counts["examples"]:
        raise DamagedExamples(
            f"{folder}: split {split!r} has {len(store):,} of {counts['examples']:,} "
            f"examples; {MEND}"
        )
    warnings = corpus_warnings(task.name, manifest, split)
    return BuiltCorpus(folder, store, sha256, manifest, warnings)


def _check_built(folder: str, vocabulary: Any, max_seq_length: int) -> None:
    manifest = corpus_builder.read_manifest(folder)
    if found := damages_if_listed(folder):
        raise DamagedExamples(f"{folder}: {found[0]}; {MEND}")
    if manifest["vocabulary"] != vocabulary.sha256:
        raise ValueError(f"{folder}: examples made with another vocabulary")
    if manifest["max_seq_length"] > max_seq_length:
        raise ValueError(
            f"{folder}: examples of {manifest['max_seq_length']} tokens, max_seq_length "
            f"is {max_seq_length}"
        )
    # Folders of earlier versions do not say.
    cut_tokens = manifest.get("cut_tokens", "dropped")
    usual = {"name": "pretraining", "values": {"cut_tokens": cut_tokens}}
    made = manifest.get("features", usual)
    here = json.loads(json.dumps(description_of(pretraining_examples())))
    name, values = here["name"], here["values"]
    if made["name"] != name:
        raise ValueError(
            f"{folder}: examples made with the features {made['name']!r}, "
            f"features.corpus.name is {name!r}"
        )
    for key in sorted({*values, *made["values"]}):
        found, expected = made["values"].get(key), values.get(key)
        if found != expected:
            raise ValueError(
                f"{folder}: examples made with {key.replace('_', ' ')} {found}, "
                f"features.{name}.{key} is {expected!r}"
            )
