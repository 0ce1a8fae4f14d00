"""The vocabulary of the run, as registered tasks carry it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.vocabularies.wordpiece_tokenizer import Piece


class RunVocabulary(seqio.Vocabulary):
    """The vocabulary of the run, looked up when it is used.

    seqio binds vocabularies when a task is registered; registered tasks carry this one,
    so that they serve any vocabulary. All of them are equal. In a tf.data pipeline the
    look-up happens when the pipeline is built.
    """

    @property
    def current(self) -> Any:
        """The run's vocabulary.

        Raises:
            ValueError: the run has none.
        """
        vocabulary = run_context.current().vocabulary
        if vocabulary is None:
            raise ValueError(
                "the run has no vocabulary: use it within "
                "electra_bench.data.run_context.use(vocabulary=...)"
            )
        return vocabulary

    @property
    def path(self) -> str:
        """The vocabulary's file."""
        return self.current.path

    @property
    def sha256(self) -> str:
        """Hash of the vocabulary's content."""
        return self.current.sha256

    @property
    def special_ids(self) -> SpecialIds:
        """Ids of the special tokens."""
        return self.current.special_ids

    @property
    def eos_id(self) -> None:
        """None: see `ContentVocabulary.eos_id`."""
        return None

    @property
    def pad_id(self) -> int:
        """The id of [PAD]."""
        return self.current.pad_id

    @property
    def unk_id(self) -> int:
        """The id of [UNK]."""
        return self.current.unk_id

    @property
    def _base_vocab_size(self) -> int:
        return self.current.vocab_size

    def id_to_token(self, id: int) -> str:
        """The token with an id."""
        return self.current.id_to_token(id)

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many texts, int32, and row splits, int64 [texts + 1]."""
        return self.current.encode_batch(texts)

    def encode_word(self, word: str) -> list[int]:
        """Ids of one word of a text that is divided into words already."""
        return self.current.encode_word(word)

    def encode_with_offsets(self, text: str) -> list[Piece]:
        """Ids of one text, with the characters of the text that they stand for."""
        return self.current.encode_with_offsets(text)

    def _encode(self, s: str) -> Sequence[int]:
        return self.current.encode(s)

    def _decode(self, ids: Iterable[int]) -> str:
        return self.current.decode(ids)

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        return self.current.encode_tf(s)

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        return self.current.decode_tf(ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunVocabulary)

    def __hash__(self) -> int:
        return hash(RunVocabulary)

    def __repr__(self) -> str:
        return "RunVocabulary()"
