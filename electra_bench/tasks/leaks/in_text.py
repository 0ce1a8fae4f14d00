"""Which scored examples occur in text that a model has been trained on before."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from electra_bench.data.leaks.ngrams import NgramIndex, TextNgrams, places_in
from electra_bench.data.leaks.scan import found_in
from electra_bench.data.text.streams import Document
from electra_bench.records.leaks import TrainingText
from electra_bench.system.ordered_map import num_cores
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.leaks.kept import Split, kept
from electra_bench.tasks.leaks.training_text import documents_of

# Words of an n-gram, and of the shortest text that is looked up, as a whole.
#
# Source: Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C.
LONGEST = 13
SHORTEST = 8
# An example of which so many of its n-grams occur is dirty.
DIRTY = 0.5


class Overlap(NamedTuple):
    """What of a split occurs in some text.

    Attributes:
        num_examples: of the split.
        too_short: ids of the examples without an n-gram, which nothing is said of.
        found: id to the share of its n-grams that occur, in (0, 1]; of others none do.
    """

    num_examples: int
    too_short: list[str]
    found: dict[str, float]

    @property
    def dirty(self) -> dict[str, float]:
        """Those of `found` of which half or more occurs."""
        return {name: share for name, share in self.found.items() if share >= DIRTY}


def overlaps(
    text: TrainingText, splits: Sequence[Split], processes: int | None = None
) -> list[Overlap]:
    """Looks for several splits in a text at once; those that were looked for are known.

    Args:
        text: what a model was trained on.
        splits: what it is scored on.
        processes: that read the text; None for one a core.

    Raises:
        TextGone: the text is not there as it was, and not all is known.
    """
    found = [_kept(text, split) for split in splits]
    missing = [split for split, one in zip(splits, found, strict=True) if one is None]
    if not missing:
        return [overlap for overlap in found if overlap]
    texts = [split.texts() for split in missing]
    made = iter(_looked_up(documents_of(text), texts, processes))
    return [
        overlap or _kept(text, split, one := next(made)) or one
        for split, overlap in zip(splits, found, strict=True)
    ]


class _Unknown(Exception):
    """Nothing is kept."""


def _kept(
    text: TrainingText, split: Split, overlap: Overlap | None = None
) -> Overlap | None:
    """What is known, or becomes known by this, of a split in a text; None if nothing."""

    def find() -> dict:
        if overlap is None:
            raise _Unknown
        return overlap._asdict()

    name = f"{split.name}-in-{text.name}"
    try:
        return Overlap(**kept(name, [split], __name__, find, text=text.data_sha256))
    except _Unknown:
        return None


def overlap_in(documents: Iterable[Document], texts: ExampleTexts) -> Overlap:
    """Looks for examples in documents."""
    return _looked_up(documents, [texts], None)[0]


def _looked_up(
    documents: Iterable[Document],
    parts: Sequence[ExampleTexts],
    processes: int | None,
) -> list[Overlap]:
    ngrams = [TextNgrams.of(part.texts, SHORTEST, LONGEST) for part in parts]
    every = TextNgrams(*map(np.concatenate, zip(*ngrams, strict=True)))
    index = NgramIndex(every, SHORTEST, LONGEST)
    is_found = found_in(documents, index, processes or num_cores())
    return [
        _overlap(part, of_part, is_found[places_in(index.hashes, of_part.hashes)[1]])
        for part, of_part in zip(parts, ngrams, strict=True)
    ]


def _overlap(texts: ExampleTexts, ngrams: TextNgrams, is_found: np.ndarray) -> Overlap:
    """What was found of every example: of all n-grams of its texts."""
    count = len(texts.texts)
    of_text = np.bincount(ngrams.owners, minlength=count)
    found_of_text = np.bincount(ngrams.owners[is_found], minlength=count)
    too_short, found = [], {}
    for identity, example in zip(texts.ids, texts.examples, strict=True):
        numbers = list(example)
        total, occur = of_text[numbers].sum(), found_of_text[numbers].sum()
        if not total:
            too_short.append(identity)
        elif occur:
            found[identity] = round(float(occur / total), 4)
    return Overlap(len(texts.ids), too_short, found)


def union(overlaps: Sequence[Overlap]) -> Overlap:
    """What occurs in any of several texts: the largest share of every example."""
    found: dict[str, float] = {}
    for overlap in overlaps:
        for identity, share in overlap.found.items():
            found[identity] = max(share, found.get(identity, 0.0))
    return overlaps[0]._replace(found=found)
