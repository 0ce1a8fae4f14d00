"""Which scored examples are among those that a run is trained on."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from electra_bench.data.leaks.near_texts import blanks_folded, near_texts
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.leaks.kept import Split, kept

# Of texts with very many near ones so many are tried with one another.
MAX_COMBINATIONS = 10_000


class Repeats(NamedTuple):
    """Ids of the scored examples that are in the training set, too; each in one list.

    Attributes:
        num_examples: of the split.
        exact: all texts are equal, case and white space folded.
        near: every text is equal or near to that of one training example, see
            `near_texts`; of a pair in either order.
        shared: of several texts the longest one is equal or near to a text of a training
            example, the others are not: a paragraph with another question.
    """

    num_examples: int
    exact: list[str]
    near: list[str]
    shared: list[str]


def repeats(
    scored: Split, trained: Sequence[Split], texts: Callable[[], Sequence[ExampleTexts]]
) -> Repeats:
    """Looks for the examples of a split in training sets, once for the same content.

    Args:
        scored: the split.
        trained: all that a run is trained on.
        texts: reads the texts of all of `trained`, in its order.
    """

    def find() -> dict:
        return repeats_in(scored.texts(), texts())._asdict()

    return Repeats(
        **kept(f"{scored.name}-in-train", [scored, *trained], __name__, find)
    )


def repeats_in(scored: ExampleTexts, trained: Sequence[ExampleTexts]) -> Repeats:
    """Looks for examples in others; see `Repeats`."""
    theirs: dict[str, int] = {}
    known: set[tuple[int, ...]] = set()
    for part in trained:
        numbers = [theirs.setdefault(text, len(theirs)) for text in part.texts]
        known.update(tuple(numbers[i] for i in example) for example in part.examples)
    forms = [blanks_folded(text) for text in theirs]
    exact = {tuple(forms[i] for i in example) for example in known}
    near = near_texts(scored.texts, list(theirs))

    def both(texts: tuple[int, ...]) -> set[tuple[int, ...]]:
        return {texts, texts[::-1]} if len(texts) == 2 else {texts}

    found = Repeats(len(scored.ids), [], [], [])
    for identity, example in zip(scored.ids, scored.examples, strict=True):
        texts = [scored.texts[i] for i in example]
        of_texts = [near[i] for i in example]
        combinations = itertools.islice(itertools.product(*of_texts), MAX_COMBINATIONS)
        if not texts:
            continue
        longest = max(range(len(texts)), key=lambda i: len(texts[i]))
        if tuple(map(blanks_folded, texts)) in exact:
            found.exact.append(identity)
        elif any(both(c) & known for c in combinations):
            found.near.append(identity)
        elif len(texts) > 1 and of_texts[longest]:
            found.shared.append(identity)
    return found
