"""Vocabularies as seqio sees them, equal if their content and options are."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import SpecialIds
from electra_bench.vocabularies import files
from electra_bench.vocabularies.content_vocabulary import ContentVocabulary
from electra_bench.vocabularies.wordpiece_tokenizer import Piece, WordPieceTokenizer


class WordPieceVocabulary(ContentVocabulary):
    """A WordPiece vocabulary (`vocab.txt`) with the original's tokenizer."""

    def __init__(self, path: str, lower_case: bool = True, strip_accents: bool = True):
        """Reads a vocabulary.

        Args:
            path: a file with one token a line.
            lower_case: whether to lower-case text.
            strip_accents: whether to strip accents; without effect if `lower_case` is
                False, as in the original.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a folder, not UTF-8, or special tokens are missing.
        """
        content = files.read_file(path)
        if files.is_sentencepiece(content):
            raise ValueError(
                f"{path!r} is a SentencePiece model, expected a WordPiece vocabulary; "
                "take the vocabulary 'sentencepiece'"
            )
        tokens = files.wordpiece_tokens(content, path)
        ids = {token: i for i, token in enumerate(tokens)}
        files.check_special_tokens(ids, path)
        special_ids = SpecialIds(
            size=len(tokens),
            pad=ids[files.PAD],
            unk=ids[files.UNK],
            cls=ids[files.CLS],
            sep=ids[files.SEP],
            mask=ids[files.MASK],
        )
        options = {
            "lower_case": lower_case,
            "strip_accents": lower_case and strip_accents,
        }
        super().__init__(path, content, options, special_ids)
        self.lower_case = lower_case
        self.strip_accents = strip_accents
        self._tokens = tuple(tokens)
        self._tokenizer = WordPieceTokenizer(tokens, lower_case, strip_accents)

    @property
    def tokenizer(self) -> WordPieceTokenizer:
        """What encodes; unlike the vocabulary it needs no TensorFlow to be unpickled."""
        return self._tokenizer

    def id_to_token(self, id: int) -> str:
        """The token with an id, as the file has it."""
        return self._tokens[id]

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `WordPieceTokenizer.encode_batch`."""
        return self._tokenizer.encode_batch(texts)

    def encode_word(self, word: str) -> list[int]:
        """See `WordPieceTokenizer.encode_word`."""
        return self._tokenizer.encode_word(word)

    def encode_with_offsets(self, text: str) -> list[Piece]:
        """See `WordPieceTokenizer.encode_with_offsets`."""
        return self._tokenizer.encode_with_offsets(text)

    def _encode(self, s: str) -> list[int]:
        return self._tokenizer.encode(s)

    def _decode(self, ids: Iterable[int]) -> str:
        return " ".join(self._tokens[id] for id in ids).replace(" ##", "")

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        tokens = tf.gather(tf.constant(self._tokens), ids)
        text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        return tf.strings.regex_replace(text, " ##", "")


@registry.vocabularies.register("wordpiece")
def wordpiece(
    path: str, lower_case: bool = True, strip_accents: bool = True
) -> WordPieceVocabulary:
    """Builds a WordPiece vocabulary.

    Args:
        path: a file with one token a line.
        lower_case: whether to lower-case text.
        strip_accents: whether to strip accents; without effect if `lower_case` is False.
    """
    return WordPieceVocabulary(path, lower_case, strip_accents)
