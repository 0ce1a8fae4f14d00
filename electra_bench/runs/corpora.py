"""Corpora that a configuration describes, registered for one process."""

from collections.abc import Mapping
from typing import Any

from electra_bench.tasks.corpora import add_corpus, add_corpus_mixture


def register(
    corpus: str | Mapping[str, float],
    corpora: Mapping[str, Mapping[str, Any]] | None,
) -> str:
    """Registers a run's own corpora.

    Args:
        corpus: a name, or names with their mixing rates.
        corpora: names to arguments of `add_corpus`, at least `files`.

    Returns:
        The registered task or mixture to train on.
    """
    for name, arguments in (corpora or {}).items():
        add_corpus(name, **arguments)
    if isinstance(corpus, str):
        return corpus
    name = "mixture_of_" + "_".join(sorted(corpus))
    add_corpus_mixture(name, corpus)
    return name
