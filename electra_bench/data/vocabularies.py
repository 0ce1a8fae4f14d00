"""Vocabularies as seqio sees them, equal if their content and options are."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import SpecialIds
from electra_bench.data import run_context, vocabulary_files
from electra_bench.data.sentencepiece_vocabulary import SentencePieceVocabulary
from electra_bench.data.seqio_vocabulary import ContentVocabulary
from electra_bench.data.wordpiece import Piece, WordPieceTokenizer


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
        content = vocabulary_files.read_file(path)
        if vocabulary_files.is_sentencepiece(content):
            raise ValueError(
                f"{path!r} is a SentencePiece model, expected a WordPiece vocabulary; "
                "take the vocabulary 'sentencepiece'"
            )
        tokens = vocabulary_files.wordpiece_tokens(content, path)
        ids = {token: i for i, token in enumerate(tokens)}
        vocabulary_files.check_special_tokens(ids, path)
        special_ids = SpecialIds(
            size=len(tokens),
            pad=ids[vocabulary_files.PAD],
            unk=ids[vocabulary_files.UNK],
            cls=ids[vocabulary_files.CLS],
            sep=ids[vocabulary_files.SEP],
            mask=ids[vocabulary_files.MASK],
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


def load_vocabulary(path: str, **options: Any) -> ContentVocabulary:
    """Opens a vocabulary of either sort, as its content says.

    Args:
        path: `vocab.txt` or a SentencePiece model, whatever its name.
        options: of `WordPieceVocabulary` or `SentencePieceVocabulary`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a vocabulary, or special tokens are missing.
    """
    if vocabulary_files.is_sentencepiece(vocabulary_files.read_file(path)):
        return SentencePieceVocabulary(path, **options)
    return WordPieceVocabulary(path, **options)


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


@registry.vocabularies.register("sentencepiece")
def sentencepiece(
    path: str, lower_case: bool = False, strip_accents: bool = False
) -> SentencePieceVocabulary:
    """Builds a SentencePiece vocabulary.

    Args:
        path: a SentencePiece model.
        lower_case: whether to lower-case text before the model sees it; for models whose
            own normalisation does not, although they were trained on such text.
        strip_accents: likewise for accents.
    """
    return SentencePieceVocabulary(path, lower_case, strip_accents)
