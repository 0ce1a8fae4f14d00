"""What the beginning of a corpus loses on its way to tokens, before any is built."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import seqio

from electra_bench.tasks.corpora.sources import CorpusSource, NoText
from electra_bench.vocabularies.text_losses import TextLosses

# Characters of every corpus that are looked at.
BEGINNING = 1_000_000


def losses_at_the_beginning(
    tasks: Sequence[seqio.Task], vocabulary: Any
) -> dict[str, TextLosses]:
    """Corpora to what the first million characters of each lose.

    Those that have no text, and vocabularies that do not count it, are left out.

    Args:
        tasks: corpora.
        vocabulary: what encodes them.
    """
    measure = getattr(getattr(vocabulary, "tokenizer", None), "losses", None)
    found = {}
    for task in tasks:
        if measure is None or not isinstance(task.source, CorpusSource):
            continue
        try:
            lines = list(_first_lines(task.source))
        except NoText:
            continue
        ids, splits = vocabulary.encode_batch(lines)
        counts = measure(lines, np.array(ids), np.array(splits), range(len(lines)))
        found[task.name] = TextLosses.of(counts)
    return found


def _first_lines(source: CorpusSource) -> Iterator[str]:
    parts = source.documents("train")
    lines = itertools.chain.from_iterable(part.lines for part in parts)
    left = BEGINNING
    for line in lines:
        yield line
        left -= len(line)
        if left < 0:
            return
