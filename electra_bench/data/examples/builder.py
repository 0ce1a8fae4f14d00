"""Token ids of lines to pre-training examples, as the original builds them."""

import bisect
import hashlib
import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

# The original gives an example of one segment a target that no example reaches.
ONE_SEGMENT_RATE = 0.1
ONE_SEGMENT_TARGET = 100000
OVER_TARGET_RATE = 0.5
SHORT_RATE = 0.05
MIN_TARGET = 5
CUT_TOKENS = ("dropped", "kept")


class Draws(Protocol):
    """Where random numbers come from: a `random.Random`, or a recording."""

    def random(self) -> float:
        """A number in [0, 1)."""

    def randint(self, a: int, b: int) -> int:
        """An integer in [a, b]."""


def document_draws(seed: int, document_id: str) -> random.Random:
    """The draws of one document: they depend on nothing but these two."""
    digest = hashlib.blake2b(f"{seed}:{document_id}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "little"))


def check_cut_tokens(value: str) -> None:
    """Checks what is to become of tokens that an example has no room for.

    Raises:
        ValueError: it is none of `CUT_TOKENS`.
    """
    if value not in CUT_TOKENS:
        raise ValueError(f"cut_tokens must be one of {CUT_TOKENS}, got {value!r}")


class Examples(NamedTuple):
    """Pre-training examples one after the other.

    Attributes:
        input_ids: tokens with [CLS] and [SEP], not padded, rank 1.
        segment_ids: 0 or 1 for every token, uint8, rank 1.
        lengths: number of tokens of every example, int64 [examples].
    """

    input_ids: np.ndarray
    segment_ids: np.ndarray
    lengths: np.ndarray


class ExampleBuilder:
    """Makes examples of the lines of one document after the other.

    An example takes lines until it has `max_length` tokens (in 5 % of the cases: a random
    smaller number), divides them into two segments of about half each (in 10 %: leaves
    them in one), and is cut to `max_length`. What is cut off is lost with
    `cut_tokens="dropped"`, so documents whose lines are long lose much: see `num_dropped`.
    With "kept" it begins the next example of the document, and no token is lost: each
    example is the stretch of text that follows the one before.

    Source: google-research/electra build_pretraining_dataset.py, `ExampleBuilder`; with
    "dropped" it gives the same examples for the same draws. Differs: `begin` starts every
    document afresh, where the original carries the target length and the draws on from
    document to document, so that its examples depend on the order of files and the number
    of processes.
    """

    def __init__(
        self,
        max_length: int,
        cls_id: int,
        sep_id: int,
        dtype: type,
        cut_tokens: str = "dropped",
    ):
        """Makes a builder without a document; call `begin`.

        Args:
            max_length: tokens of an example, at most, with [CLS] and [SEP].
            cls_id: id of [CLS].
            sep_id: id of [SEP].
            dtype: NumPy integer type of the ids.
            cut_tokens: what becomes of what an example has no room for, one of
                `CUT_TOKENS`.

        Raises:
            ValueError: `max_length` below 5, the smallest random length, or another
                `cut_tokens`.
        """
        check_cut_tokens(cut_tokens)
        if max_length < MIN_TARGET:
            raise ValueError(
                f"max_seq_length must be at least {MIN_TARGET}, got {max_length}"
            )
        self._max_length = max_length
        self._keeps = cut_tokens == "kept"
        self._dtype = dtype
        self._cls = np.array([cls_id], dtype)
        self._sep = np.array([sep_id], dtype)
        self._draws: Draws | None = None
        self._target = max_length
        # Tokens of the lines that wait for their example, and where each line ends.
        self._waiting = np.empty(0, dtype)
        self._waiting_ends: list[int] = []
        self.num_dropped = 0
        self._forget_examples()

    def _forget_examples(self) -> None:
        self._parts: list[np.ndarray] = []
        self._segment_lengths: list[int] = []

    def begin(self, draws: Draws) -> None:
        """Starts a document with the full target length and its own draws."""
        self._draws = draws
        self._target = self._max_length
        self._waiting = np.empty(0, self._dtype)
        self._waiting_ends = []

    def add(self, values: np.ndarray, ends: Sequence[int], start: int = 0) -> None:
        """Adds lines of the document.

        Args:
            values: token ids, of any number of lines.
            ends: where in `values` each of the lines to add ends, increasing.
            start: where the first of them starts.
        """
        if not ends:
            return
        if self._waiting_ends:
            offset = len(self._waiting)
            values = np.concatenate([self._waiting, values[start : ends[-1]]])
            ends = [*self._waiting_ends, *(offset + end - start for end in ends)]
            start = 0
        first = 0  # the first line of the example
        while True:
            # Lines without tokens end nothing and add nothing.
            last = bisect.bisect_left(ends, start + self._target, first)
            if last == len(ends):
                break
            start = self._make_example(values, ends, first, last + 1, start)
            # The next line, or what is left of one.
            first = bisect.bisect_right(ends, start, first)
        self._waiting_ends = [end - start for end in ends[first:]]
        self._waiting = values[start : ends[-1]].astype(self._dtype)

    def close_example(self) -> None:
        """Makes an example of the lines that wait: a document or a file ends here."""
        ends = self._waiting_ends
        first = start = 0
        # Twice, if the special tokens push a few of the last tokens out and they are kept.
        while start < len(self._waiting):
            start = self._make_example(self._waiting, ends, first, len(ends), start)
            first = bisect.bisect_right(ends, start, first)
        self._waiting = np.empty(0, self._dtype)
        self._waiting_ends = []

    def _make_example(
        self, values: np.ndarray, ends: Sequence[int], first: int, last: int, start: int
    ) -> int:
        """Makes one example of the lines `first` to `last` - 1; says where the next starts.

        The order of the draws is the original's: its recorded ones are used in tests.
        """
        random = self._draws.random
        if random() < ONE_SEGMENT_RATE:
            target = ONE_SEGMENT_TARGET
        else:
            # Three places for [CLS] and two [SEP].
            target = (self._target - 3) // 2
        segment_a: list[tuple[int, int]] = []
        segment_b: list[tuple[int, int]] = []
        length_a = length_b = 0
        line_start = start
        for line in range(first, last):
            line_end = ends[line]
            length = line_end - line_start
            if (
                length_a == 0
                # The original puts a short line into the first segment even if it follows
                # one of the second. A stretch of text has no such lines.
                or (length_a + length < target and not (self._keeps and length_b))
                or (length_b == 0 and length_a < target and random() < OVER_TARGET_RATE)
            ):
                segment_a.append((line_start, line_end))
                length_a += length
            else:
                segment_b.append((line_start, line_end))
                length_b += length
            line_start = line_end
        kept_a = min(length_a, self._max_length - 2)
        kept_b = min(length_b, max(0, self._max_length - kept_a - 3))
        if self._keeps:
            stop = start + kept_a + kept_b
        else:
            stop = ends[last - 1]
            self.num_dropped += length_a + length_b - kept_a - kept_b
        self._write(values, segment_a, kept_a, segment_b, kept_b)
        if random() < SHORT_RATE:
            self._target = self._draws.randint(MIN_TARGET, self._max_length)
        else:
            self._target = self._max_length
        return stop

    def _write(self, values, segment_a, kept_a, segment_b, kept_b) -> None:
        parts = self._parts
        parts.append(self._cls)
        _append(parts, values, segment_a, kept_a)
        parts.append(self._sep)
        if kept_b:
            _append(parts, values, segment_b, kept_b)
            parts.append(self._sep)
        self._segment_lengths += (kept_a + 2, kept_b + 1 if kept_b else 0)

    def take(self) -> Examples:
        """The examples made since the last call."""
        # [examples, 2]
        lengths = np.array(self._segment_lengths, np.int64).reshape(-1, 2)
        ids = (
            np.concatenate(self._parts, dtype=self._dtype, casting="unsafe")
            if self._parts
            else np.empty(0, self._dtype)
        )
        segment = np.tile(np.array([0, 1], np.uint8), len(lengths))
        self._forget_examples()
        return Examples(ids, np.repeat(segment, lengths.ravel()), lengths.sum(axis=1))


def _append(
    parts: list[np.ndarray],
    values: np.ndarray,
    ranges: Sequence[tuple[int, int]],
    length: int,
) -> None:
    """Appends the first `length` tokens of the ranges to the parts."""
    for start, end in ranges:
        if end - start >= length:
            parts.append(values[start : start + length])
            return
        parts.append(values[start:end])
        length -= end - start
