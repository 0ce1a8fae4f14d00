"""Caches whose names are hashes of what went in, so that none can be stale."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.complete_folder import complete_folder

MANIFEST = "manifest.json"


def content_key(parts: Mapping[str, object]) -> str:
    """Hash of everything that determines a cache's content, 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cached_examples(
    name: str,
    parts: Mapping[str, object],
    build: Callable[[ExampleWriter], Mapping[str, object]],
) -> tuple[ExampleStore, Mapping[str, Any]]:
    """Opens a cached store, building it first if there is none.

    A build appears under its name only when it is complete; two processes that build the
    same one do the work twice and keep one.

    Args:
        name: for people; the folder is `<cache>/examples/<name>-<key>`.
        parts: what determines the content.
        build: writes the rows; returns what is to be known of the building, JSON values.

    Returns:
        The store, and what the building returned.
    """
    path = os.path.join(cache_dir(), "examples", f"{name}-{content_key(parts)}")
    if not os.path.isfile(os.path.join(path, MANIFEST)):
        with complete_folder(path) as partial:
            with ExampleWriter(os.path.join(partial, "rows")) as writer:
                notes = build(writer)
            with open(os.path.join(partial, MANIFEST), "w", encoding="utf-8") as file:
                json.dump({**parts, "notes": notes}, file, indent=1)
    with open(os.path.join(path, MANIFEST), encoding="utf-8") as file:
        notes = json.load(file)["notes"]
    return ExampleStore([os.path.join(path, "rows")]), notes
