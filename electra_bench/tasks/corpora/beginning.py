"""What the beginning of a corpus loses on its way to tokens, before any is built."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import seqio

from electra_bench.tasks.corpora.sources import CorpusSource, NoText
from electra_bench.vocabularies.text_losses import TextLosses, losses_of

# Characters of every corpus that are looked at.
BEGINNING = 1_000_000


def losses_at_the_beginning(
    tasks: Sequence[seqio.Task], vocabulary: Any
) -> dict[str, TextLosses]:
    """Corpora to what the first million characters of each lose.

    Those that have no text are left out.

    Args:
        tasks: corpora.
        vocabulary: what encodes them.
    """
    found = {}
    for task in tasks:
        if not isinstance(task.source, CorpusSource):
            continue
        try:
            lines = list(_first_lines(task.source))
        except NoText:
            continue
        ids, splits = vocabulary.encode_batch(lines)
        found[task.name] = losses_of(vocabulary, lines, ids, splits)
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
