"""Caches whose names are hashes of what went in, so that none can be stale."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.system.atomic import complete_folder
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.inventory import damages

MANIFEST = "manifest.json"


def content_key(parts: Mapping[str, object]) -> str:
    """Hash of everything that determines a cache's content, 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextlib.contextmanager
def cached_folder(
    kind: str,
    name: str,
    parts: Mapping[str, object] | None,
    make: Callable[[str, bool], object],
) -> Iterator[str]:
    """A folder of the cache, made first if it is not there as it was written.

    Two processes that make the same one do the work twice and keep one.

    Args:
        kind: the folder that it lies in, below the cache's.
        name: for people; the content's key follows it.
        parts: what determines the content, JSON values; None if that cannot be told: then
            nothing is kept after the `with` block. What is memory-mapped stays readable.
        make: makes the folder, complete and with an inventory (see `complete_folder`),
            given its name and whether it replaces another.

    Yields:
        Its name.
    """
    if parts is None:
        with tempfile.TemporaryDirectory(prefix="electra_bench-") as place:
            folder = os.path.join(place, name)
            make(folder, False)
            yield folder
        return
    folder = os.path.join(cache_dir(), kind, f"{name}-{content_key(parts)}")
    if not os.path.isdir(folder):
        make(folder, False)
    elif found := damages(folder):
        logging.warning("%s is made anew: %s", folder, found[0])
        make(folder, True)
    # The time of its last use; the cache may be another's.
    with contextlib.suppress(OSError):
        os.utime(folder)
    yield folder


def cached_examples(
    name: str,
    parts: Mapping[str, object] | None,
    build: Callable[[ExampleWriter], Mapping[str, object]],
) -> tuple[ExampleStore, Mapping[str, Any]]:
    """Opens a cached store, building it first if there is none.

    Args:
        name: for people; the folder is `<cache>/examples/<name>-<key>`.
        parts: what determines the content; None if that cannot be told: then nothing is
            kept.
        build: writes the rows; returns what is to be known of the building, JSON values.

    Returns:
        The store, and what the building returned.
    """

    def make(folder: str, overwrite: bool) -> None:
        with complete_folder(folder, overwrite, inventory=True) as partial:
            with ExampleWriter(os.path.join(partial, "rows")) as writer:
                notes = build(writer)
            manifest = json.dumps({**(parts or {}), "notes": notes}, indent=1)
            Path(partial, MANIFEST).write_text(manifest, "utf-8")

    with cached_folder("examples", name, parts, make) as folder:
        notes = json.loads(Path(folder, MANIFEST).read_text("utf-8"))["notes"]
        return ExampleStore([os.path.join(folder, "rows")]), notes
