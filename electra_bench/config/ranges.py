"""Which numbers a parameter may be, said where it is taken: `dropout: Result[Rate[float]]`.

Numbers that gin binds are compared with it while the configuration is read, those of flags
while the command line is.
"""

import math
from typing import Annotated, NamedTuple, TypeVar

T = TypeVar("T", int, float)


class Range(NamedTuple):
    """A range of numbers.

    Attributes:
        words: how a message calls it, after the type.
        least: the smallest.
        most: the largest, or what all are below.
        has_least: whether `least` is in it.
        has_most: whether `most` is in it.
    """

    words: str
    least: float
    most: float = math.inf
    has_least: bool = True
    has_most: bool = False

    def holds(self, number: float) -> bool:
        """Whether a number is in it; no infinite one is, nor NaN."""
        above = self.least <= number if self.has_least else self.least < number
        below = number <= self.most if self.has_most else number < self.most
        return above and below


Positive = Annotated[T, Range("above 0", 0, has_least=False)]
NotNegative = Annotated[T, Range("of at least 0", 0)]
# Of a sequence, in tokens: [CLS] a [SEP].
Length = Annotated[T, Range("of at least 3", 3)]
# A part of something.
Share = Annotated[T, Range("from 0 to 1", 0, 1, has_most=True)]
PositiveShare = Annotated[T, Range("above 0, at most 1", 0, 1, False, True)]
# Of dropout, or of a moving mean: 1 would leave nothing.
Rate = Annotated[T, Range("of at least 0, below 1", 0, 1)]


def range_of(annotation: object) -> Range | None:
    """The range in an annotation; None if it says none."""
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, Range):
            return mark
    return None
