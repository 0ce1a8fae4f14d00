"""Tagged words: how they become tokens, and where their tags stand."""

import dataclasses
import functools
import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import NotNegative
from electra_bench.config.roles import Result
from electra_bench.core import SpecialIds
from electra_bench.core.batch import NO_LABEL, UNKNOWN_LABEL
from electra_bench.registry import features
from electra_bench.tasks.features import choices, cuts
from electra_bench.tasks.features.preprocessors import map_rows, ragged
from electra_bench.tasks.features.windows import has_max_context, spans
from electra_bench.vocabularies.basic_words import is_accent
from electra_bench.vocabularies.run_vocabulary import run_vocabulary

Row = tuple[list[int], list[int]]  # tokens and their labels


@features.register("words")
@dataclasses.dataclass(frozen=True)
class Words:
    """Tagged words, one row a sentence or several that overlap.

    Attributes:
        segment_id: segment of every token; the original has 1.
        cut_words: what becomes of words beyond the length limit. "windows": a long
            sentence becomes several rows, each beginning in the middle of the one before,
            and a word is trained and predicted in the one that shows most of what stands
            around it. "dropped": they are neither, nor are they scored, as in the original.
        limit: what the length limit counts where words are dropped: "tokens", or
            "tokens_and_words", those of the sentence so far and on top all its words, as
            the original does, which so cuts long sentences early.
        lower_case: whether words are lower-cased and lose their accents whatever the
            vocabulary says, as in the original.
        empty_words: what becomes of a word without tokens, as a zero-width space.
            "unknown": it is read as [UNK]. "next": it is not read, and its tag is told at
            the first token of the next word, or at [SEP], as in the original. A place has
            one label, so its sentence becomes several rows of the same tokens.

    Source: google-research/electra finetune/tagging/tagging_tasks.py, `featurize`,
    `tokenize_and_align`.
    """

    segment_id: Result[NotNegative[int]] = 0
    cut_words: Result[Literal["windows", "dropped"]] = "windows"
    limit: Result[Literal["tokens", "tokens_and_words"]] = "tokens"
    lower_case: Result[bool] = False
    empty_words: Result[Literal["unknown", "next"]] = "unknown"

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: one cannot be.
        """
        for name, values in {
            "segment_id": (0, 1),
            "cut_words": ("windows", "dropped"),
            "limit": ("tokens", "tokens_and_words"),
            "empty_words": ("unknown", "next"),
        }.items():
            if getattr(self, name) not in values:
                raise ValueError(
                    f"features.words.{name} must be one of {values}, got "
                    f"{getattr(self, name)!r}"
                )

    def pieces(self, word: str, vocabulary: Any) -> list[int]:
        """The tokens of a word; of one without any see `empty_words`."""
        if self.lower_case:
            word = unicodedata.normalize("NFD", word.lower())
            word = "".join(char for char in word if not is_accent(char))
        found = vocabulary.encode_word(word)
        if found or self.empty_words == "next":
            return found
        return [vocabulary.special_ids.unk]

    def rows(
        self,
        pieces: Sequence[list[int]],
        labels: Sequence[int],
        special: SpecialIds,
        limit: int,
    ) -> list[Row]:
        """A sentence as rows.

        Args:
            pieces: tokens of every word.
            labels: of every word.
            special: ids of the special tokens.
            limit: tokens of a row at most.
        """
        # Where the first token of every word stands, or would if it had any.
        places = np.cumsum([0, *map(len, pieces)])[:-1].tolist()
        words = list(zip(places, labels, strict=True))
        if self.cut_words == "dropped":
            return self._cut(pieces, words, special, limit)
        ids = [token for word in pieces for token in word]
        room = limit - 2
        parts = list(spans(len(ids), room, (room + 1) // 2))
        found = zip(parts, has_max_context(len(ids), parts), strict=True)
        rows = []
        for (begin, end), most in found:
            own = [
                (1 + place - begin, label)
                for place, label in words
                # Behind the last token a word has the place of [SEP].
                if (begin <= place < end and most[place]) or place == end == len(ids)
            ]
            rows += _labelled([special.cls, *ids[begin:end], special.sep], own)
        return rows

    def _cut(
        self,
        pieces: Sequence[list[int]],
        words: Sequence[tuple[int, int]],
        special: SpecialIds,
        limit: int,
    ) -> list[Row]:
        """A sentence that ends at the limit; `words` are places and labels."""
        ids: list[int] = []
        own = []
        # The original counts [CLS] and [SEP] among the words.
        for word, placed in zip([[special.cls], *pieces], [None, *words], strict=True):
            counted = len(pieces) + 2 + len(ids) + 1
            if self.limit == "tokens_and_words" and counted > limit:
                break
            ids += word
            if placed:
                own.append((1 + placed[0], placed[1], bool(word)))
        if self.limit == "tokens":
            ids = ids[: limit - 1]
        kept = [(p, label) for p, label, is_read in own if p + is_read <= len(ids)]
        return _labelled([*ids, special.sep], kept)


def _labelled(ids: list[int], words: Sequence[tuple[int, int]]) -> list[Row]:
    """Tokens with labels, several rows of the same where words share a place.

    Args:
        ids: tokens.
        words: places among them, and labels.
    """
    rows = [(ids, [NO_LABEL] * len(ids))]
    for place, label in words:
        if rows[-1][1][place] != NO_LABEL:
            rows.append((ids, [NO_LABEL] * len(ids)))
        rows[-1][1][place] = label
    return rows


def encode_words(
    dataset: tf.data.Dataset,
    sequence_length: Mapping[str, int] | None = None,
    *,
    labels: Sequence[str],
) -> tf.data.Dataset:
    """Preprocessor for tagged words: adds `input_ids`, `segment_ids`, `labels`.

    A word's label stands at its first token, `UNKNOWN_LABEL` if its tag is empty,
    `NO_LABEL` at all others. What becomes of a sentence that is longer than the limit, and
    of words without any token, says `Words`; words without a label in any row are counted
    as "words cut".

    Source: google-research/electra finetune/tagging/tagging_tasks.py. Differs: words
    literally [SEP] or [CLS] are words.

    Args:
        dataset: examples with `words` and `tags`.
        sequence_length: `input_ids` is the token limit; without it nothing is cut.
        labels: tags in the order of their ids.

    Raises:
        ValueError: a limit that leaves no room for a word.
    """
    vocabulary = run_vocabulary()
    encoding = choices.tagged_words()
    limit = (sequence_length or {}).get("input_ids") or 2**31
    if limit < 3:
        raise ValueError(
            f"sequences of {limit} tokens have no room for a word between [CLS] and [SEP]; "
            "raise the length"
        )
    count_cut = cuts.counter("words cut")
    count_text = cuts.text_counter(vocabulary)
    ids_of_labels = {label.encode(): i for i, label in enumerate(labels)}
    ids_of_labels[b""] = UNKNOWN_LABEL

    @functools.lru_cache(maxsize=2**16)  # words come again and again
    def pieces_of(word: bytes) -> list[int]:
        return encoding.pieces(word.decode(), vocabulary)

    def encode(
        words: np.ndarray, splits: np.ndarray, tags: np.ndarray, _tag_splits: np.ndarray
    ) -> list[Any]:
        """Whose each row is, and the rows of several sentences."""
        owners: list[int] = []
        made: list[Row] = []
        values, ends = ragged([pieces_of(word) for word in words])
        count_text([word.decode() for word in words], values, ends)
        for number, (start, end) in enumerate(itertools.pairwise(splits)):
            pieces = [pieces_of(word) for word in words[start:end]]
            ids = [ids_of_labels[tag] for tag in tags[start:end]]
            rows = encoding.rows(pieces, ids, vocabulary.special_ids, limit)
            owners += [number] * len(rows)
            made += rows
        ids_of_rows = [row for row, _ in made]
        labels_of_rows = [row for _, row in made]
        segments = [[encoding.segment_id] * len(row) for row in ids_of_rows]
        has_label = sum(len(row) - row.count(NO_LABEL) for row in labels_of_rows)
        count_cut(len(words) - has_label, len(words))
        return [owners, *map(ragged, (ids_of_rows, segments, labels_of_rows))]

    outputs = ["input_ids", "segment_ids", "labels"]
    return map_rows(dataset, encode, ["words", "tags"], outputs, expands=True)
