"""Which examples of a batch share a row of the encoder."""

import heapq
from typing import NamedTuple

import numpy as np

# Numbers of rows are multiples of the batch's size divided by this: few shapes.
ROW_COUNTS = 32


class Packed(NamedTuple):
    """Where examples stand.

    Attributes:
        order: of the examples, by the places where they stand, int64 [examples].
        place: of the first token of each among the tokens of all rows, in that order,
            int32 [examples].
        num_rows: of how many rows.
    """

    order: np.ndarray
    place: np.ndarray
    num_rows: int


def packed(lengths: np.ndarray, tasks: np.ndarray, room: int) -> Packed:
    """Puts the examples of a batch into few rows.

    Rows are of examples of one task, and those of a task follow one another, so that every
    part of a batch, in this order, stands in rows that follow one another, too.

    Args:
        lengths: tokens of every example, `room` at most, int [examples].
        tasks: of every example, int [examples].
        room: tokens of a row.
    """
    rows, num_rows = np.empty(len(lengths), np.int64), 0
    for task in np.unique(tasks):
        chosen = np.flatnonzero(tasks == task)
        rows[chosen] = num_rows + _rows(lengths[chosen], room)
        num_rows = int(rows[chosen].max()) + 1
    order = np.argsort(rows, kind="stable")
    starts = np.cumsum(lengths[order]) - lengths[order]
    # Less what stands in the rows before.
    starts -= starts[np.searchsorted(rows[order], rows[order])]
    multiple = max(1, len(lengths) // ROW_COUNTS)
    place = (rows[order] * room + starts).astype(np.int32)
    return Packed(order, place, -(-num_rows // multiple) * multiple)


def _rows(lengths: np.ndarray, room: int) -> np.ndarray:
    """The longest first, each into the row with the most room; another if there is none.

    Rows are filled alike, and so hold about as many examples each.
    """
    long = int((lengths > room / 2).sum())
    least = max(1, long, -(-int(lengths.sum()) // room))
    filled = [(0, row) for row in range(least)]
    rows = np.empty(len(lengths), np.int64)
    for example in np.argsort(-lengths, kind="stable"):
        used, row = filled[0]
        length = int(lengths[example])
        if used + length > room:
            row = len(filled)
            heapq.heappush(filled, (length, row))
        else:
            heapq.heapreplace(filled, (used + length, row))
        rows[example] = row
    return rows
