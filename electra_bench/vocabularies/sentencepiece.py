"""SentencePiece models as vocabularies."""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import sentencepiece as spm
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import SpecialIds
from electra_bench.vocabularies import files
from electra_bench.vocabularies.basic_words import decomposed, is_accent
from electra_bench.vocabularies.content_vocabulary import ContentVocabulary
from electra_bench.vocabularies.wordpiece_tokenizer import Piece

# SentencePiece's own names, used where a model has none of ours.
_OTHER_NAMES = {files.PAD: "<pad>", files.UNK: "<unk>"}


class SentencePieceVocabulary(ContentVocabulary):
    """A SentencePiece model.

    [CLS], [SEP], [MASK], [PAD] and [UNK] must be pieces of it; `<pad>` and `<unk>` pass,
    too. Text is normalised as the model says.
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
        content = files.read_file(path)
        if not files.is_sentencepiece(content):
            raise ValueError(f"{path!r} is not a SentencePiece model")
        self._processor = spm.SentencePieceProcessor(model_proto=content)
        size = self._processor.get_piece_size()
        self._pieces = tuple(self._processor.id_to_piece(list(range(size))))
        ids = {piece: i for i, piece in enumerate(self._pieces)}
        for ours, other in _OTHER_NAMES.items():
            if ours not in ids and other in ids:
                ids[ours] = ids[other]
        files.check_special_tokens(ids, path)
        special_ids = SpecialIds(
            size=size,
            pad=ids[files.PAD],
            unk=ids[files.UNK],
            cls=ids[files.CLS],
            sep=ids[files.SEP],
            mask=ids[files.MASK],
        )
        options = {"lower_case": lower_case, "strip_accents": strip_accents}
        super().__init__(path, content, options, special_ids)
        self.lower_case = lower_case
        self.strip_accents = strip_accents

    def id_to_token(self, id: int) -> str:
        """The piece with an id; a leading `▁` stands for a space."""
        return self._pieces[id]

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `ContentVocabulary.encode_batch`."""
        # Parallel work is done by processes that each have their own vocabulary.
        rows = self._processor.encode(
            [self._normalised(text) for text in texts], num_threads=1
        )
        splits = np.zeros([len(rows) + 1], np.int64)
        np.cumsum([len(row) for row in rows], out=splits[1:])
        ids = np.fromiter((id for row in rows for id in row), np.int32, splits[-1])
        return ids, splits

    def encode_word(self, word: str) -> list[int]:
        """Ids of one word of a text that is divided into words already."""
        return self._encode(word)

    def encode_with_offsets(self, text: str) -> list[Piece]:
        """Ids of one text, with the characters of the text that they stand for.

        A piece's range begins after the space that the piece holds.
        """
        chars = self._located(text)
        normalised = "".join([c for c, _ in chars])
        # The end of the last character that a stripped accent may follow.
        places = [i for _, i in chars] + [len(text)]
        pieces = self._processor.encode(normalised, out_type="immutable_proto").pieces
        located = []
        for piece in pieces:
            start, end = piece.begin, piece.end
            while start < end and normalised[start].isspace():
                start += 1
            if start == end:
                located.append(Piece(piece.id, places[start], places[end]))
                continue
            covered = places[start:end]
            last = max(covered) + 1
            while last < len(text) and self.strip_accents and is_accent(text[last]):
                last += 1
            located.append(Piece(piece.id, min(covered), last))
        return located

    def _normalised(self, text: str) -> str:
        if self.lower_case:
            text = text.lower()
        if self.strip_accents:
            text = unicodedata.normalize("NFD", text)
            text = "".join([c for c in text if not is_accent(c)])
        return text

    def _located(self, text: str) -> list[tuple[str, int]]:
        """The characters of the normalised text with their places in the text."""
        chars = [(c, i) for i, c in enumerate(text)]
        if self.lower_case:
            lowered = iter(text.lower())
            chars = [(next(lowered), i) for c, i in chars for _ in c.lower()]
        if self.strip_accents:
            chars = [pair for pair in decomposed(chars) if not is_accent(pair[0])]
        return chars

    def _encode(self, s: str) -> list[int]:
        return self._processor.encode(self._normalised(s))

    def _decode(self, ids: Iterable[int]) -> str:
        # Control pieces such as [CLS] have no text of their own.
        return "".join(self._pieces[id] for id in ids).replace("▁", " ").strip()

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        pieces = tf.gather(tf.constant(self._pieces), ids)
        text = tf.strings.reduce_join(pieces, axis=-1)
        return tf.strings.strip(tf.strings.regex_replace(text, "▁", " "))


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
