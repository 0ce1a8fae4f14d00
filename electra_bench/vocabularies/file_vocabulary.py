"""Vocabularies with a file as seqio sees them, equal if content and options are."""

import functools
from collections.abc import Sequence

import numpy as np
import seqio
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.vocabularies.files import VocabularyFile
from electra_bench.vocabularies.wordpiece_tokenizer import Piece


class FileVocabulary(seqio.Vocabulary):
    """A vocabulary that is identified by its file's content and its options.

    Attributes:
        path: where it was read from.
        sha256: of content and options; what caches are named by.
        options: what beside the content decides what a text becomes.
        special_ids: size and ids of the special tokens.
        tokenizer: what encodes; unlike the vocabulary it is unpickled without TensorFlow.
    """

    def __init__(self, file: VocabularyFile):
        """Takes what was read."""
        super().__init__()
        self.path = file.path
        self.sha256 = file.sha256
        self.special_ids = SpecialIds(*file.special_ids)
        self.tokenizer = file.tokenizer
        self.options = dict(file.options)
        self._tokens = tuple(file.tokens)
        self._file = file

    @property
    def lower_case(self) -> bool:
        """Whether text is lower-cased."""
        return self.options["lower_case"]

    @functools.cached_property
    def doubts(self) -> dict[str, str]:
        """What its tokens say against how it is used, see `unused_tokens`."""
        return self._file.doubts

    @property
    def eos_id(self) -> None:
        """None: seqio drops what follows this id, but [SEP] stands between texts, too."""
        return None

    @property
    def pad_id(self) -> int:
        """The id of [PAD]."""
        return self.special_ids.pad

    @property
    def unk_id(self) -> int:
        """The id of [UNK]."""
        return self.special_ids.unk

    @property
    def _base_vocab_size(self) -> int:
        return self.special_ids.size

    def id_to_token(self, id: int) -> str:
        """The token with an id, as the file has it."""
        return self._tokens[id]

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many texts.

        Args:
            texts: any number.

        Returns:
            The ids of all texts one after the other, int32, and where each text's begin
            and end, int64 [texts + 1].
        """
        return self.tokenizer.encode_batch(texts)

    def encode_word(self, word: str) -> list[int]:
        """Ids of one word of a text that is divided into words already."""
        return self.tokenizer.encode_word(word)

    def encode_with_offsets(self, text: str) -> list[Piece]:
        """Ids of one text, with the characters of the text that they stand for."""
        return self.tokenizer.encode_with_offsets(text)

    def _encode(self, s: str) -> list[int]:
        return self.tokenizer.encode(s)

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        """Strings of any shape [...] to int32 [..., ids]: ragged, but for scalars."""
        s = tf.convert_to_tensor(s)

        def encode(texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self.encode_batch(
                [text.decode("utf-8", "replace") for text in texts]
            )

        ids, splits = tf.numpy_function(
            encode, [tf.reshape(s, [-1])], (tf.int32, tf.int64), stateful=False
        )
        ids = tf.ensure_shape(ids, [None])
        if s.shape.rank == 0:
            return ids
        rows = tf.RaggedTensor.from_row_splits(ids, tf.ensure_shape(splits, [None]))
        for axis in range(s.shape.rank - 1, 0, -1):
            rows = tf.RaggedTensor.from_uniform_row_length(
                rows, tf.shape(s, tf.int64)[axis]
            )
        return rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileVocabulary) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        options = "".join(f", {k}={v}" for k, v in sorted(self.options.items()))
        return f"{type(self).__name__}({self.path!r}{options})"
