"""Caches whose names are hashes of what went in, so that none can be stale."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping

from electra_bench.data.cache_dir import cache_dir
from electra_bench.data.example_store import ExampleStore, ExampleWriter

MANIFEST = "manifest.json"


def content_key(parts: Mapping[str, object]) -> str:
    """Hash of everything that determines a cache's content, 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached_examples(
    name: str,
    parts: Mapping[str, object],
    build: Callable[[ExampleWriter], None],
) -> ExampleStore:
    """Opens a cached store, building it first if there is none.

    A build appears under its name only when it is complete; two processes that build the
    same one do the work twice and keep one.

    Args:
        name: for people; the folder is `<cache>/examples/<name>-<key>`.
        parts: what determines the content.
        build: writes the rows.
    """
    folder = os.path.join(cache_dir(), "examples")
    path = os.path.join(folder, f"{name}-{content_key(parts)}")
    if not os.path.isfile(os.path.join(path, MANIFEST)):
        os.makedirs(folder, exist_ok=True)
        partial = tempfile.mkdtemp(prefix=f".{name}-", dir=folder)
        try:
            with ExampleWriter(os.path.join(partial, "rows")) as writer:
                build(writer)
            with open(os.path.join(partial, MANIFEST), "w", encoding="utf-8") as file:
                json.dump(dict(parts), file, indent=1)
            # If another process was faster, its result is the same.
            with contextlib.suppress(OSError):
                os.rename(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return ExampleStore([os.path.join(path, "rows")])
