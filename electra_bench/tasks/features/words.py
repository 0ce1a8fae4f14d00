"""Tagged words: how they become tokens, and where their tags stand."""

import dataclasses
import functools
import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from electra_bench.config.roles import Result
from electra_bench.core import SpecialIds
from electra_bench.core.batch import NO_LABEL, UNKNOWN_LABEL
from electra_bench.registry import features
from electra_bench.tasks.features import choices
from electra_bench.tasks.features.preprocessors import Ragged, map_rows, ragged
from electra_bench.vocabularies.basic_words import is_accent
from electra_bench.vocabularies.run_vocabulary import run_vocabulary


@features.register("words")
@dataclasses.dataclass(frozen=True)
class Words:
    """Tagged words, one row a sentence.

    Attributes:
        segment_id: segment of every token; the original has 1.
        limit: what the length limit counts: "tokens", or "tokens_and_words", those of the
            sentence so far and on top all its words, as the original does, which so cuts
            long sentences early.
        lower_case: whether words are lower-cased and lose their accents whatever the
            vocabulary says, as in the original.

    Source: google-research/electra finetune/tagging/tagging_tasks.py, `featurize`,
    `tokenize_and_align`.
    """

    segment_id: Result[int] = 0
    limit: Result[Literal["tokens", "tokens_and_words"]] = "tokens"
    lower_case: Result[bool] = False

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: one cannot be.
        """
        limits = ("tokens", "tokens_and_words")
        if self.segment_id not in (0, 1) or self.limit not in limits:
            raise ValueError(
                f"features.words: segment_id must be 0 or 1 and limit one of {limits}, got "
                f"{self.segment_id!r} and {self.limit!r}"
            )

    def pieces(self, word: str, vocabulary: Any) -> list[int]:
        """The tokens of a word; [UNK] for one without any."""
        if self.lower_case:
            word = unicodedata.normalize("NFD", word.lower())
            word = "".join(char for char in word if not is_accent(char))
        return vocabulary.encode_word(word) or [vocabulary.special_ids.unk]

    def row(
        self,
        pieces: Sequence[list[int]],
        labels: Sequence[int],
        special: SpecialIds,
        limit: int,
    ) -> tuple[list[int], list[int]]:
        """A sentence as tokens and their labels, cut at the limit.

        Args:
            pieces: tokens of every word.
            labels: of every word.
            special: ids of the special tokens.
            limit: tokens of a row at most.
        """
        words = [[special.cls], *pieces]
        ids, row_labels = [], []
        for word, label in zip(words, [NO_LABEL, *labels], strict=True):
            # [SEP] is counted among the words.
            counted = len(words) + 1 + len(ids) + 1
            if self.limit == "tokens_and_words" and counted > limit:
                break
            ids += word
            row_labels += [label] + [NO_LABEL] * (len(word) - 1)
        room = limit - 1 if self.limit == "tokens" else None
        return [*ids[:room], special.sep], [*row_labels[:room], NO_LABEL]


def encode_words(
    dataset: tf.data.Dataset,
    sequence_length: Mapping[str, int] | None = None,
    *,
    labels: Sequence[str],
) -> tf.data.Dataset:
    """Preprocessor for tagged words: adds `input_ids`, `segment_ids`, `labels`.

    A word's label stands at its first token, `UNKNOWN_LABEL` if its tag is empty,
    `NO_LABEL` at all others. Words without any token become [UNK], so that every word has
    a tag; a sentence is cut at the limit, see `Words`, and words that begin beyond are
    lost.

    Source: google-research/electra finetune/tagging/tagging_tasks.py. Differs: words
    literally [SEP] or [CLS] are words, words without tokens do not share the position of
    the next word.

    Args:
        dataset: examples with `words` and `tags`.
        sequence_length: `input_ids` is the token limit; without it nothing is cut.
        labels: tags in the order of their ids.
    """
    vocabulary = run_vocabulary()
    encoding = choices.tagged_words()
    limit = (sequence_length or {}).get("input_ids") or 2**31
    ids_of_labels = {label.encode(): i for i, label in enumerate(labels)}
    ids_of_labels[b""] = UNKNOWN_LABEL

    @functools.lru_cache(maxsize=2**16)  # words come again and again
    def pieces_of(word: bytes) -> list[int]:
        return encoding.pieces(word.decode(), vocabulary)

    def encode(
        words: np.ndarray, splits: np.ndarray, tags: np.ndarray, _tag_splits: np.ndarray
    ) -> list[Ragged]:
        rows, labels_of_rows = [], []
        for start, end in itertools.pairwise(splits):
            pieces = [pieces_of(word) for word in words[start:end]]
            ids = [ids_of_labels[tag] for tag in tags[start:end]]
            row, row_labels = encoding.row(pieces, ids, vocabulary.special_ids, limit)
            rows.append(row)
            labels_of_rows.append(row_labels)
        segments = [[encoding.segment_id] * len(row) for row in rows]
        return [ragged(rows), ragged(segments), ragged(labels_of_rows)]

    outputs = ["input_ids", "segment_ids", "labels"]
    return map_rows(dataset, encode, ["words", "tags"], outputs)
