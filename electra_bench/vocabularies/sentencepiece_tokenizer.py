"""Text to the ids of a SentencePiece model, without seqio and TensorFlow."""

import sys
import unicodedata
from collections.abc import Sequence

import numpy as np
import sentencepiece

from electra_bench.vocabularies.basic_words import decomposed, is_accent
from electra_bench.vocabularies.text_losses import MeasuresText
from electra_bench.vocabularies.wordpiece_tokenizer import Piece


class SentencePieceTokenizer(MeasuresText):
    """Encodes text as a SentencePiece model says."""

    longest_word = sys.maxsize
    divides_ideographs = False

    def __init__(self, content: bytes, lower_case: bool, strip_accents: bool):
        """Makes a tokenizer.

        Args:
            content: of the model's file.
            lower_case: whether to lower-case text before the model sees it.
            strip_accents: whether to strip accents before the model sees the text.
        """
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        self._lower_case = lower_case
        self._strip_accents = strip_accents
        self.unknown_id = self._processor.unk_id()
        # The model itself may do so, too.
        self.lower_case = self._is_lost("A", "A")

    @property
    def pieces(self) -> list[str]:
        """The pieces in the order of their ids."""
        return self._processor.id_to_piece(list(range(len(self._processor))))

    @property
    def drops_marks(self) -> bool:
        """Whether combining marks are stripped."""
        return self._is_lost("\u0915\u0941", "\u0941")

    def _is_lost(self, text: str, part: str) -> bool:
        return part not in self._processor.normalize(self._normalised(text))

    def unknown_words(self, text: str) -> list[str]:
        """The parts of a text that become [UNK]."""
        encoded = self._processor.encode(
            self._normalised(text), out_type="immutable_proto"
        )
        return [one.surface for one in encoded.pieces if one.id == self.unknown_id]

    def encode(self, text: str) -> list[int]:
        """Ids of one text."""
        return self._processor.encode(self._normalised(text))

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many texts, see `WordPieceTokenizer.encode_batch`."""
        # Parallel work is done by processes that each have their own tokenizer.
        normalised = list(map(self._normalised, texts))
        rows = self._processor.encode(normalised, num_threads=1)
        splits = np.cumsum([0, *map(len, rows)])
        ids = np.fromiter((id for row in rows for id in row), np.int32, splits[-1])
        return ids, splits

    def encode_word(self, word: str) -> list[int]:
        """Ids of one word of a text that is divided into words already."""
        return self.encode(word)

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
            while last < len(text) and self._strip_accents and is_accent(text[last]):
                last += 1
            located.append(Piece(piece.id, min(covered), last))
        return located

    def _normalised(self, text: str) -> str:
        if self._lower_case:
            text = text.lower()
        if self._strip_accents:
            text = unicodedata.normalize("NFD", text)
            text = "".join([c for c in text if not is_accent(c)])
        return text

    def _located(self, text: str) -> list[tuple[str, int]]:
        """The characters of the normalised text with their places in the text."""
        chars = [(c, i) for i, c in enumerate(text)]
        if self._lower_case:
            lowered = iter(text.lower())
            chars = [(next(lowered), i) for c, i in chars for _ in c.lower()]
        if self._strip_accents:
            chars = [pair for pair in decomposed(chars) if not is_accent(pair[0])]
        return chars
