"""The corpus of documentation strings."""

import os

import seqio

from electra_bench.records import TaskCard
from electra_bench.tasks.corpora.registration import register_corpus
from electra_bench.tasks.corpora.sources import FileSource
from electra_bench.tasks.pydoc.files import CORPUS, pydoc_files


class PydocCorpus(FileSource):
    """The prose of installed packages, a module a document, a sentence a line.

    Modules that the documentation tasks evaluate on are left out.
    """

    def __init__(self):
        """Makes a source; reads nothing yet."""
        super().__init__(CORPUS, format="text")

    def files(self) -> list[str]:
        """The one file, which is made on first use."""
        return [os.path.join(pydoc_files(), CORPUS)]


def add(card: TaskCard) -> seqio.Task:
    """Registers the corpus.

    Args:
        card: its card.
    """
    return register_corpus(card, PydocCorpus())
