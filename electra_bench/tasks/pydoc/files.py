"""The files of the documentation tasks, made once and kept in the cache."""

import functools
import gc
import json
import os
from collections.abc import Iterable

from electra_bench.data.examples.cache import cached_folder
from electra_bench.system.atomic import complete_folder
from electra_bench.system.behaviour import behaviour_sha256
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.file_hashes import Changed
from electra_bench.tasks.pydoc import docstrings, examples

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
        return _installed(docstrings.site_packages(), cache_dir())
    files = docstrings.source_files(folder)
    if not files:
        raise FileNotFoundError(
            f"{folder}: holds none of the packages {', '.join(docstrings.PACKAGES)}"
        )
    parts = {
        "source": docstrings.source_sha256(files),
        "code": behaviour_sha256([], modules=[__name__]),
    }

    def make(path: str, overwrite: bool) -> None:
        with complete_folder(path, overwrite, inventory=True) as partial:
            _write(partial, files)
            if docstrings.source_sha256(files) != parts["source"]:
                raise Changed(folder)

    with cached_folder("pydoc", "packages", parts, make) as path:
        return path


@functools.cache
def _installed(folder: str, cache: str) -> str:
    """Looked up once: packages are not installed under a running process."""
    del cache  # only tells results apart
    return pydoc_files(folder)


def _write(folder: str, files: list[tuple[str, str, str]]) -> None:
    enabled = gc.isenabled()
    # Syntax trees have no cycles, and many small objects: the collector would take a fifth
    # of the time. Worker processes are no alternative: they would need a `__main__` guard
    # in every script that reads a task.
    gc.disable()
    try:
        found = list(examples.documents(docstrings.docstrings(files)))
        _write_lines(folder, CORPUS, examples.corpus_lines(found))
        for task, splits in examples.examples(found).items():
            for split, rows in splits.items():
                _write_lines(folder, f"{task}-{split}.jsonl", map(json.dumps, rows))
    finally:
        if enabled:
            gc.enable()


def _write_lines(folder: str, name: str, lines: Iterable[str]) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
