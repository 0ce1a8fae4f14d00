"""A corpus past an index of n-grams, on several processes."""

import functools
import itertools
import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from electra_bench.data.leaks.ngrams import NgramIndex
from electra_bench.data.text.streams import Document
from electra_bench.system.ordered_map import ordered_map

BLOCK_CHARS = 1 << 19
# Of the part before, for n-grams that begin in it.
OVERLAP_CHARS = 500
# Fewer blocks are done before workers have started.
FEW_BLOCKS = 8


def found_in(
    documents: Iterable[Document], index: NgramIndex, processes: int
) -> np.ndarray:
    """Which n-grams of an index occur in documents.

    Args:
        documents: see `iter_documents`; n-grams go from line to line, but not from one
            document to the next.
        index: the n-grams.
        processes: workers; 1 works in the calling process, as does any number for little
            text.

    Returns:
        bool, one for each of `index.hashes`.

    Raises:
        RuntimeError: a worker died.
    """
    found = np.zeros(len(index.hashes), bool)
    blocks = _blocks(documents)
    first = list(itertools.islice(blocks, FEW_BLOCKS))
    if len(first) < FEW_BLOCKS:
        processes = 1
    with tempfile.TemporaryDirectory(prefix="electra_bench-") as folder:
        path = os.path.join(folder, "index")
        Path(path).write_bytes(pickle.dumps(index))
        work = functools.partial(_found, path)
        every = itertools.chain(first, blocks)
        for _, numbers in ordered_map(work, every, processes, [__name__]):
            found[numbers] = True
    _index.cache_clear()
    return found


def _found(path: str, texts: list[str]) -> np.ndarray:
    return _index(path).found(texts)


@functools.cache
def _index(path: str) -> NgramIndex:
    """A worker's index, read once."""
    return pickle.loads(Path(path).read_bytes())


def _blocks(documents: Iterable[Document]) -> Iterator[list[str]]:
    """Texts of documents, or of parts of long ones with the end of the part before."""
    block: list[str] = []
    chars, before = 0, ""
    for part in documents:
        text = part.text if part.start else f"{before}\n{part.text}"
        before = part.text[-OVERLAP_CHARS:]
        block.append(text)
        chars += len(text)
        if chars >= BLOCK_CHARS:
            yield block
            block, chars = [], 0
    if block:
        yield block
