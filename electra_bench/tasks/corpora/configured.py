"""Corpora that a configuration describes, registered for one process."""

import inspect
from collections.abc import Mapping
from typing import Any

from electra_bench.data import run_context
from electra_bench.system.near_names import near_and_all
from electra_bench.tasks.corpora.registration import add_corpus, add_corpus_mixture


def register_corpora(
    corpus: str | Mapping[str, float],
    corpora: Mapping[str, Mapping[str, Any]] | None,
    data_dir: str | None = None,
) -> str:
    """Registers a run's own corpora.

    Args:
        corpus: a name, or names with their mixing rates.
        corpora: names to arguments of `add_corpus`, at least `files`.
        data_dir: folder that files are looked up in, too.

    Returns:
        The registered task or mixture to train on.

    Raises:
        ValueError: arguments that `add_corpus` does not take, or without `files`.
    """
    with run_context.use(data_dir=data_dir or run_context.current().data_dir):
        for name, arguments in (corpora or {}).items():
            _check_arguments(name, arguments)
            add_corpus(name, **arguments)
    if isinstance(corpus, str):
        return corpus
    name = "mixture_of_" + "_".join(sorted(corpus))
    add_corpus_mixture(name, corpus)
    return name


def _check_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    known = [*inspect.signature(add_corpus).parameters][1:]
    if not isinstance(arguments, Mapping) or "files" not in arguments:
        raise ValueError(
            f"corpus {name!r}: expected {{'files': ...}} with any of {known[1:]}, "
            f"got {arguments!r}"
        )
    for argument in arguments:
        if argument not in known:
            raise ValueError(
                f"corpus {name!r} has no option {argument!r}; "
                + near_and_all(str(argument), known)
            )
