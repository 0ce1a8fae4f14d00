"""The files of the documentation tasks, made once and kept in the cache."""

import contextlib
import functools
import gc
import json
import os
from collections.abc import Iterator

from electra_bench.data.examples.cache import cached_folder
from electra_bench.system.atomic import complete_folder
from electra_bench.system.behaviour import behaviour_sha256
from electra_bench.system.cache_dir import cache_dir
from electra_bench.tasks.pydoc import examples
from electra_bench.tasks.pydoc.docstrings import (
    PACKAGES,
    docstrings,
    site_packages,
    source_files,
    source_sha256,
)

CORPUS = "corpus.txt"


def pydoc_files(folder: str | None = None) -> str:
    """The folder with `corpus.txt` and `<task>-<split>.jsonl`.

    Its name is a hash of the packages' source files and of the code that reads them; about
    half a minute if it has to be made.

    Args:
        folder: where packages are installed; None for this environment.

    Raises:
        FileNotFoundError: none of the packages is there.
    """
    if folder is None:
        return _installed(site_packages(), cache_dir())
    files = source_files(folder)
    if not files:
        raise FileNotFoundError(
            f"{folder}: holds none of the packages {', '.join(PACKAGES)}"
        )
    parts = {
        "source": source_sha256(files),
        "code": behaviour_sha256([], modules=[__name__]),
    }

    def make(path: str, overwrite: bool) -> None:
        with complete_folder(path, overwrite, inventory=True) as partial:
            _write(partial, files)

    with cached_folder("pydoc", "packages", parts, make) as path:
        return path


@functools.cache
def _installed(folder: str, cache: str) -> str:
    """Looked up once: packages are not installed under a running process."""
    del cache  # only tells results apart
    return pydoc_files(folder)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection: syntax trees have no cycles, and many small objects.

    The collector would take a fifth of the time. Worker processes are no alternative: they
    would need a `__main__` guard in every script that reads a task.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collection()
def _write(folder: str, files: list[tuple[str, str, str]]) -> None:
    found = list(examples.documents(docstrings(files)))
    with open(os.path.join(folder, CORPUS), "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in examples.corpus_lines(found))
    for task, splits in examples.examples(found).items():
        for split, rows in splits.items():
            path = os.path.join(folder, f"{task}-{split}.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
