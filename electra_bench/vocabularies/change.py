"""Which tokens of a vocabulary an earlier one had, and where."""

from typing import Any, NamedTuple

import numpy as np


class VocabularyChange(NamedTuple):
    """From one vocabulary to another.

    Attributes:
        old_ids: for every token of the new vocabulary its id in the old one, -1 where that
            has none, int64 [new size].
        old_size: tokens of the old one.
    """

    old_ids: np.ndarray
    old_size: int

    @property
    def num_new(self) -> int:
        """How many tokens the old vocabulary lacks."""
        return int(np.sum(self.old_ids < 0))

    def described(self, init: str | None) -> str:
        """What users are told of it, with the checkpoint that the old one belongs to."""
        kept = len(self.old_ids) - self.num_new
        return (
            f"{kept} tokens are in the vocabulary of {init} and keep their rows, "
            f"{self.num_new} are new"
        )

    def carry_over(self, old: np.ndarray, new: np.ndarray) -> np.ndarray:
        """`new`, [new size or more, ...], with the rows of `old`, [old size or more, ...],
        of all tokens that both have.
        """
        [known] = np.nonzero(self.old_ids >= 0)
        rows = np.array(new)
        rows[known] = old[self.old_ids[known]]
        return rows


def vocabulary_change(old: Any, new: Any) -> VocabularyChange | None:
    """How two vocabularies differ; None if they have the same tokens in the same order."""
    before, now = (
        [vocabulary.id_to_token(i) for i in range(vocabulary.special_ids.size)]
        for vocabulary in (old, new)
    )
    if before == now:
        return None
    ids = {token: i for i, token in enumerate(before)}
    old_ids = [ids.get(token, -1) for token in now]
    return VocabularyChange(np.array(old_ids, np.int64), len(before))
