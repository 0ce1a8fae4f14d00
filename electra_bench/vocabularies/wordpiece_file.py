"""A WordPiece vocabulary without seqio: for verbs that need no TensorFlow."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from electra_bench.vocabularies import files
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer


class SpecialTokens(NamedTuple):
    """Size of a vocabulary and the ids that examples need."""

    size: int
    cls: int
    sep: int


class WordPieceFile(NamedTuple):
    """What example building needs of a vocabulary.

    Attributes:
        tokenizer: encodes text.
        special_ids: size and special tokens.
        sha256: equal to that of `WordPieceVocabulary`.
    """

    tokenizer: WordPieceTokenizer
    special_ids: SpecialTokens
    sha256: str


def vocabulary_sha256(content: bytes, options: Mapping[str, bool]) -> str:
    """Identifies a vocabulary: a hash of its file and of its options."""
    identity = hashlib.sha256(content).hexdigest() + repr(
        tuple(sorted(options.items()))
    )
    return hashlib.sha256(identity.encode()).hexdigest()


def wordpiece_file(path: str, lower_case: bool, strip_accents: bool) -> WordPieceFile:
    """Reads a vocabulary.

    Args:
        path: a file with one token a line.
        lower_case: whether to lower-case text.
        strip_accents: whether to strip accents, see `WordPieceTokenizer`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, not UTF-8, or special tokens are missing.
    """
    content = files.read_file(path)
    tokens = files.wordpiece_tokens(content, path)
    ids = {token: i for i, token in enumerate(tokens)}
    files.check_special_tokens(ids, path)
    options = {"lower_case": lower_case, "strip_accents": lower_case and strip_accents}
    return WordPieceFile(
        WordPieceTokenizer(tokens, lower_case, strip_accents),
        SpecialTokens(len(tokens), ids[files.CLS], ids[files.SEP]),
        vocabulary_sha256(content, options),
    )
