"""SentencePiece models as vocabularies."""

from collections.abc import Iterable

import tensorflow as tf

from electra_bench import registry
from electra_bench.config.roles import Content, Result, Subject
from electra_bench.vocabularies.file_vocabulary import FileVocabulary
from electra_bench.vocabularies.files import sentencepiece_file


class SentencePieceVocabulary(FileVocabulary):
    """A SentencePiece model.

    [CLS], [SEP], [MASK], [PAD] and [UNK] must be pieces of it; `<pad>` and `<unk>` pass,
    too. Text is normalised as the model says. A leading `▁` of a piece stands for a space.
    """

    def __init__(
        self, path: str, lower_case: bool = False, strip_accents: bool = False
    ):
        """Reads a model.

        Args:
            path: a SentencePiece model.
            lower_case: whether to lower-case text before the model sees it.
            strip_accents: whether to strip accents before the model sees the text.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a folder, not a SentencePiece model, or special tokens missing.
        """
        super().__init__(sentencepiece_file(path, lower_case, strip_accents))

    def _decode(self, ids: Iterable[int]) -> str:
        # Control pieces such as [CLS] have no text of their own.
        return "".join(self._tokens[id] for id in ids).replace("▁", " ").strip()

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        pieces = tf.gather(tf.constant(self._tokens), ids)
        text = tf.strings.reduce_join(pieces, axis=-1)
        return tf.strings.strip(tf.strings.regex_replace(text, "▁", " "))


@registry.vocabularies.register("sentencepiece")
def sentencepiece(
    path: Content[str],
    lower_case: Subject[bool] = False,
    strip_accents: Result[bool] = False,
) -> SentencePieceVocabulary:
    """Builds a SentencePiece vocabulary.

    Args:
        path: a SentencePiece model.
        lower_case: whether to lower-case text before the model sees it; for models whose
            own normalisation does not, although they were trained on such text.
        strip_accents: whether to strip accents before, in the same case.
    """
    return SentencePieceVocabulary(path, lower_case, strip_accents)
