"""Opening a vocabulary of either sort."""

from typing import Any

from electra_bench.vocabularies import files
from electra_bench.vocabularies.file_vocabulary import FileVocabulary
from electra_bench.vocabularies.sentencepiece import SentencePieceVocabulary
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


def load_vocabulary(path: str, **options: Any) -> FileVocabulary:
    """Opens a vocabulary of either sort, as its content says.

    Args:
        path: `vocab.txt` or a SentencePiece model, whatever its name.
        options: of `WordPieceVocabulary` or `SentencePieceVocabulary`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a vocabulary, or special tokens are missing.
    """
    if files.is_sentencepiece(files.read_file(path)):
        return SentencePieceVocabulary(path, **options)
    return WordPieceVocabulary(path, **options)
