"""WordPiece vocabularies."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

from electra_bench import registry
from electra_bench.config.ranges import Positive
from electra_bench.config.roles import Content, Result, Subject
from electra_bench.vocabularies.file_vocabulary import FileVocabulary
from electra_bench.vocabularies.files import wordpiece_file
from electra_bench.vocabularies.text_losses import LONGEST_WORD


class WordPieceVocabulary(FileVocabulary):
    """A WordPiece vocabulary (`vocab.txt`) with the original's tokenizer."""

    def __init__(
        self,
        path: str,
        lower_case: bool = True,
        strip_accents: bool = True,
        longest_word: int = LONGEST_WORD,
        whole_tokens: Mapping[str, str] | None = None,
    ):
        """Reads a vocabulary.

        Args:
            path: a file with one token a line.
            lower_case: whether to lower-case text.
            strip_accents: whether to strip accents; without effect if `lower_case` is
                False, as in the original.
            longest_word: letters of a word that is divided, at most.
            whole_tokens: tokens that are cut out of a text, see `wordpiece`.

        Raises:
            FileNotFoundError, ValueError: see `wordpiece_file`.
        """
        options = lower_case, strip_accents, longest_word, whole_tokens
        super().__init__(wordpiece_file(path, *options))

    def _decode(self, ids: Iterable[int]) -> str:
        return " ".join(self._tokens[id] for id in ids).replace(" ##", "")

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        tokens = tf.gather(tf.constant(self._tokens), ids)
        text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        return tf.strings.regex_replace(text, " ##", "")


@registry.vocabularies.register("wordpiece")
def wordpiece(
    path: Content[str],
    lower_case: Subject[bool] = True,
    strip_accents: Result[bool] = True,
    longest_word: Result[Positive[int]] = LONGEST_WORD,
    whole_tokens: Result[Mapping[str, str] | None] = None,
) -> WordPieceVocabulary:
    """Builds a WordPiece vocabulary.

    Args:
        path: a file with one token a line.
        lower_case: whether to lower-case text.
        strip_accents: whether to strip accents; without effect if `lower_case` is False.
        longest_word: letters of a word that is divided into pieces, at most; longer ones
            become [UNK]. 200 in the original, 100 in Hugging Face's tokenisers.
        whole_tokens: tokens of the file that are cut out of a text before it is divided
            into words, and how they are matched: 'written', as they are, or 'normalised',
            in the text as `lower_case` and `strip_accents` make it. None in the original.
    """
    options = lower_case, strip_accents, longest_word, whole_tokens
    return WordPieceVocabulary(path, *options)
