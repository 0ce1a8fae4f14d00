"""The text that an earlier run has trained on, found again by its record."""

from collections.abc import Iterator

import seqio

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.text.streams import Document
from electra_bench.records.leaks import TrainingText
from electra_bench.system.file_hashes import Changed
from electra_bench.tasks.corpora.examples import corpus_fingerprint
from electra_bench.tasks.corpora.registration import corpus_source
from electra_bench.tasks.corpora.sources import CorpusSource
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.registration import load_task


class TextGone(ValueError):
    """A text is not there as it was, or nothing can read it; says why."""


def documents_of(text: TrainingText) -> Iterator[Document]:
    """The documents of a text; the texts of an example are a document.

    Raises:
        TextGone: it is not there as it was.
    """
    try:
        source = _source(text)
        if isinstance(source, CorpusSource):
            if corpus_fingerprint(source, text.split) != text.data_sha256:
                raise TextGone(f"{text.name} is not as it was")
            return _unchanged(source.documents(text.split))
        split = split_of(text)
    except (OSError, LookupError, ValueError) as error:
        if isinstance(error, TextGone):
            raise
        raise TextGone(f"{text.name} is not there: {error}") from error
    return _unchanged(_example_documents(split))


def _unchanged(documents: Iterator[Document]) -> Iterator[Document]:
    try:
        yield from documents
    except Changed as error:
        raise TextGone(str(error)) from error


def split_of(text: TrainingText) -> Split:
    """The training set of a task that a text is.

    Raises:
        TextGone: it is not there as it was.
    """
    arguments = {"files": {}, "on_error": None, **text.arguments}
    with run_context.use(**arguments):
        split = Split.here(text.name, text.split)
    if split.sha256 != text.data_sha256:
        raise TextGone(f"{text.name} {text.split} is not as it was")
    return split


def _source(text: TrainingText) -> seqio.DataSource:
    is_known = text.name in registry.tasks.names()
    if is_known and registry.tasks.get(text.name).kind != "corpus":
        return load_task(text.name).source
    # A corpus of this run's own may have the same name and other files.
    if "files" in text.arguments:
        # How much may be left out was compared when it was trained on.
        return corpus_source(**{**text.arguments, "max_skipped": 1.0})
    return load_task(text.name).source


def _example_documents(split: Split) -> Iterator[Document]:
    texts = split.texts()
    for identity, example in zip(texts.ids, texts.examples, strict=True):
        yield Document(identity, "\n".join(texts.texts[i] for i in example))
