"""What all vocabularies with a file share."""

import abc
from collections.abc import Mapping, Sequence

import numpy as np
import seqio
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.vocabularies.wordpiece_file import vocabulary_sha256


class ContentVocabulary(seqio.Vocabulary):
    """A vocabulary that is identified by its file's content and its options.

    Attributes:
        path: where it was read from.
        sha256: of content and options; what caches are named by.
        special_ids: size and ids of the special tokens.
    """

    def __init__(
        self,
        path: str,
        content: bytes,
        options: Mapping[str, bool],
        special_ids: SpecialIds,
    ):
        """Takes what a subclass has read.

        Args:
            path: where `content` comes from.
            content: of the file.
            options: everything else that decides what a text becomes.
            special_ids: of the vocabulary.
        """
        super().__init__()
        self.path = path
        self.special_ids = special_ids
        self._options = tuple(sorted(options.items()))
        self.sha256 = vocabulary_sha256(content, options)

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

    @abc.abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many texts.

        Args:
            texts: any number.

        Returns:
            The ids of all texts one after the other, int32, and where each text's begin
            and end, int64 [texts + 1].
        """

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
        return isinstance(other, ContentVocabulary) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value}" for name, value in self._options)
        return f"{type(self).__name__}({self.path!r}{options})"
