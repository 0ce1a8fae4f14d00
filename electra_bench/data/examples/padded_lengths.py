"""The few lengths that batches of unlike rows are padded to."""

import numpy as np

# XLA compiles a step for each.
AT_MOST = 6
LENGTH_MULTIPLE = 8


def rounded_up(length: int, multiple: int = LENGTH_MULTIPLE) -> int:
    """The next multiple, at least one."""
    return max(1, -(-length // multiple)) * multiple


def padded_lengths(lengths: np.ndarray, drawn_together: int = 1) -> tuple[int, ...]:
    """Those of at most `AT_MOST` lengths that give the fewest tokens.

    They depend on the rows alone, not on the device: dropout draws a number for every
    place, padding too.

    Args:
        lengths: tokens of every row, int [rows].
        drawn_together: rows drawn at random that are padded to the longest of them; 1 for
            rows of similar length.

    Returns:
        Multiples of 8, ascending, and last the longest row, since an encoder may have no
        positions beyond it.
    """
    steps = -(-np.maximum(lengths, 1) // LENGTH_MULTIPLE)
    up_to = np.cumsum(np.bincount(steps)) / len(steps)
    # Share of the batches that are no longer than so many steps.
    up_to **= drawn_together
    longest = len(up_to) - 1
    last = max(1, int(lengths.max()))
    # Tokens of all that is no longer than `end`, by the best of so many lengths.
    ends = np.arange(longest + 1)
    padded = np.minimum(ends * LENGTH_MULTIPLE, last)
    cost, chosen = up_to * padded, [[(end,) for end in ends]]
    for _ in range(min(AT_MOST, longest) - 1):
        # Whether those up to `begin` are padded less, [end, begin].
        whole = cost[None, :] + (up_to[:, None] - up_to[None, :]) * padded[:, None]
        begins = np.where(ends[None, :] <= ends[:, None], whole, np.inf).argmin(axis=1)
        cost = whole[ends, begins]
        before = chosen[-1]
        chosen.append(
            [
                (*before[begin], end) if begin < end else before[end]
                for begin, end in zip(begins, ends, strict=True)
            ]
        )
    return tuple(int(padded[end]) for end in chosen[-1][longest] if end)
