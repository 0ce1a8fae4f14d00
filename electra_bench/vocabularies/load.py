"""Finding and opening a vocabulary's file."""

import os
from pathlib import Path
from typing import Any

from absl import logging

from electra_bench import registry
from electra_bench.records.run_folder import vocabulary_of_run
from electra_bench.system.file_hashes import Changed
from electra_bench.system.regular_files import refuse_special
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
    is_sentencepiece = kind_of(path) == "sentencepiece"
    sort = SentencePieceVocabulary if is_sentencepiece else WordPieceVocabulary
    return sort(path, **options)


def kind_of(path: str) -> str:
    """The registered vocabulary that a file is for, by its content."""
    content = files.read_file(path)
    return "sentencepiece" if files.is_sentencepiece(content) else "wordpiece"


def find_vocabulary(vocab: str | None, init: str | None) -> str:
    """The path of the vocabulary file.

    Args:
        vocab: given path; None takes the one beside the checkpoint.
        init: folder of the run or of the original's model.

    Raises:
        ValueError: neither is given, or it is a pipe or a device.
        FileNotFoundError: no such file.
    """
    if vocab:
        refuse_special(vocab)
        if not os.path.isfile(vocab):
            raise FileNotFoundError(f"no vocabulary file {vocab!r} (macro VOCAB)")
        return vocab
    if not init:
        raise ValueError("a vocabulary is needed: give --gin.VOCAB=\"'vocab.txt'\"")
    path = vocabulary_beside(init)
    if path is None:
        raise FileNotFoundError(
            f"no vocab.txt or vocab.model in {init!r}: put it there, or, to train, give "
            "--gin.VOCAB=\"'vocab.txt'\""
        )
    return path


def vocabulary_beside(folder: str | None) -> str | None:
    """The vocabulary file in a run's folder or beside a checkpoint; None without one.

    Raises:
        ValueError: it is not the one that the run was made with. Of vocabularies other than
            the built-in ones that cannot be told.
    """
    for name in ("vocab.txt", "vocab.model"):
        path = os.path.join(folder or "", name)
        if folder and os.path.isfile(path):
            _check_of_run(folder, path)
            return path
    return None


def _check_of_run(folder: str, path: str) -> None:
    sort, sha256, options = vocabulary_of_run(folder)
    is_built_in = sort in (None, "wordpiece", "sentencepiece")
    if not sha256 or not is_built_in:
        return
    # An empty one, too, is not that of the run.
    content = Path(path).read_bytes()
    if not files.is_content_of(content, sha256, options):
        raise ValueError(
            f"{path} is not the vocabulary that the run was made with, whose vocab_sha256 "
            f"is {sha256}: put that file back"
        )


def content_of(vocabulary: Any) -> bytes:
    """The content of the file that a vocabulary was made of.

    Raises:
        Changed: it is another one by now.
    """
    content = files.read_file(vocabulary.path)
    is_built_in = type(vocabulary) in (WordPieceVocabulary, SentencePieceVocabulary)
    if not is_built_in:
        return content
    if files.sha256_of(content, vocabulary.options) != vocabulary.sha256:
        raise Changed(vocabulary.path)
    return content


def open_vocabulary(
    name: str | None, path: str | None, folder: str | None = None
) -> Any:
    """Builds a registered vocabulary from its file.

    Args:
        name: registered name; None tells WordPiece and SentencePiece apart by content.
        path: its file; None takes the one beside the checkpoint.
        folder: of the checkpoint.

    Raises:
        ValueError, FileNotFoundError: see `find_vocabulary`.
    """
    path = find_vocabulary(path, folder)
    vocabulary = registry.vocabularies.get(name or kind_of(path))(path=path)
    warn_of_doubts(vocabulary)
    return vocabulary


def warn_of_doubts(vocabulary: Any) -> None:
    """Says what a vocabulary's tokens have against how it is used, if they know."""
    for doubt in getattr(vocabulary, "doubts", {}).values():
        logging.warning("%s", doubt)
