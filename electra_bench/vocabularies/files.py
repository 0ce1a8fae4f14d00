"""Vocabulary files: reading, recognising, checking."""

import os
from collections.abc import Collection, Mapping

from sentencepiece import sentencepiece_model_pb2

from electra_bench.data.text.files import open_file

PAD = "[PAD]"
UNK = "[UNK]"
CLS = "[CLS]"
SEP = "[SEP]"
MASK = "[MASK]"
SPECIAL_TOKENS = (PAD, UNK, CLS, SEP, MASK)


def read_file(path: str) -> bytes:
    """The content of a vocabulary file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, or an empty file.
    """
    if os.path.isdir(path):
        raise ValueError(
            f"{path!r} is a folder, expected a vocabulary file "
            "(vocab.txt or a SentencePiece model)"
        )
    try:
        with open_file(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no vocabulary file {path!r}") from error
    if not content:
        raise ValueError(f"vocabulary file {path!r} is empty")
    return content


def is_sentencepiece(content: bytes) -> bool:
    """Whether a file's content is a SentencePiece model."""
    # Field 1, a piece, comes first; to text this is a line feed.
    if not content.startswith(b"\n"):
        return False
    try:
        model = sentencepiece_model_pb2.ModelProto.FromString(content)
    # protobuf's DecodeError stands in a module that differs between its versions.
    except Exception:
        return False
    return len(model.pieces) > 0


def wordpiece_tokens(content: bytes, path: str) -> list[str]:
    """The tokens of a WordPiece file, one a line.

    White space around a token is not part of it. A blank line is an empty token that
    matches nothing; of a token that occurs twice the last line counts.

    Source: google-research/electra model/tokenization.py, `load_vocab`.

    Raises:
        ValueError: not UTF-8; says where.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"vocabulary file {path!r} is not UTF-8 text: byte {error.start}"
        ) from error
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.strip() for line in lines]


def check_special_tokens(
    tokens: Collection[str] | Mapping[str, int], path: str
) -> None:
    """Checks that a vocabulary has all special tokens.

    Raises:
        ValueError: some are missing; names them and the file.
    """
    missing = [token for token in SPECIAL_TOKENS if token not in tokens]
    if missing:
        raise ValueError(
            f"vocabulary file {path!r} has no {', '.join(missing)}; expected all of "
            f"{', '.join(SPECIAL_TOKENS)}"
        )
