"""Vocabulary files: recognised, read and checked, without seqio and TensorFlow."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sentencepiece import sentencepiece_model_pb2

from electra_bench.data.text.files import open_file
from electra_bench.vocabularies.sentencepiece_tokenizer import SentencePieceTokenizer
from electra_bench.vocabularies.text_losses import LONGEST_WORD
from electra_bench.vocabularies.unused_tokens import unused_tokens
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# SentencePiece's own names, used where a model has none of ours.
OTHER_NAMES = {"[PAD]": "<pad>", "[UNK]": "<unk>"}

Tokenizer = WordPieceTokenizer | SentencePieceTokenizer


class SpecialTokens(NamedTuple):
    """Size of a vocabulary and the ids of its special tokens, as `core.SpecialIds`."""

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int


class VocabularyFile(NamedTuple):
    """A vocabulary as its file and its options say.

    Attributes:
        path: of the file.
        tokens: in the order of their ids, as the file has them.
        tokenizer: encodes text; pickled without TensorFlow.
        special_ids: size and special tokens.
        options: what beside the file decides what a text becomes.
        sha256: hash of content and options; what caches are named by.
    """

    path: str
    tokens: Sequence[str]
    tokenizer: Tokenizer
    special_ids: SpecialTokens
    options: Mapping[str, Any]
    sha256: str

    @property
    def doubts(self) -> dict[str, str]:
        """What its tokens say against how it is used, see `unused_tokens`."""
        return unused_tokens(self.path, self.tokens, self.tokenizer)


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
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def wordpiece_file(
    path: str,
    lower_case: bool,
    strip_accents: bool,
    longest_word: int = LONGEST_WORD,
    whole_tokens: Mapping[str, str] | None = None,
) -> VocabularyFile:
    """Reads a WordPiece vocabulary.

    Args:
        path: a file with one token a line.
        lower_case: whether to lower-case text.
        strip_accents: whether to strip accents; without effect if `lower_case` is False.
        longest_word: letters of a word that is divided, at most.
        whole_tokens: tokens that are cut out of a text, and how they are matched, see
            `WholeTokens`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, not UTF-8, special or whole tokens are missing, or whole ones
            cannot be matched so.
    """
    options = lower_case, strip_accents, longest_word, whole_tokens
    return wordpiece_of(read_file(path), path, *options)


def wordpiece_of(
    content: bytes,
    path: str,
    lower_case: bool = True,
    strip_accents: bool = True,
    longest_word: int = LONGEST_WORD,
    whole_tokens: Mapping[str, str] | None = None,
) -> VocabularyFile:
    """As `wordpiece_file`, of a content that need not lie at the path that names it."""
    if is_sentencepiece(content):
        raise ValueError(
            f"{path!r} is a SentencePiece model, expected a WordPiece vocabulary; "
            "take the vocabulary 'sentencepiece'"
        )
    tokens = wordpiece_tokens(content, path)
    special_ids = _special_tokens(tokens, path)
    _check_whole_tokens(whole_tokens or {}, tokens, path)
    tokenizer = WordPieceTokenizer(
        tokens, lower_case, strip_accents, longest_word, whole_tokens
    )
    options = {
        "lower_case": lower_case,
        "strip_accents": lower_case and strip_accents,
        **_if_unusual(longest_word, whole_tokens),
    }
    sha256 = sha256_of(content, options)
    return VocabularyFile(path, tokens, tokenizer, special_ids, options, sha256)


def sentencepiece_file(
    path: str, lower_case: bool, strip_accents: bool
) -> VocabularyFile:
    """Reads a SentencePiece model.

    Args:
        path: a SentencePiece model.
        lower_case: whether to lower-case text before the model sees it.
        strip_accents: whether to strip accents before the model sees the text.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a folder, not a SentencePiece model, or special tokens missing.
    """
    content = read_file(path)
    if not is_sentencepiece(content):
        raise ValueError(f"{path!r} is not a SentencePiece model")
    tokenizer = SentencePieceTokenizer(content, lower_case, strip_accents)
    options = {"lower_case": lower_case, "strip_accents": strip_accents}
    sha256 = sha256_of(content, options)
    tokens = tokenizer.pieces
    special_ids = _special_tokens(tokens, path)
    return VocabularyFile(path, tokens, tokenizer, special_ids, options, sha256)


def _special_tokens(tokens: Sequence[str], path: str) -> SpecialTokens:
    """Size and ids of the special tokens.

    Raises:
        ValueError: some are missing; names them and the file.
    """
    ids = {token: i for i, token in enumerate(tokens)}
    found = [ids.get(name, ids.get(OTHER_NAMES.get(name))) for name in SPECIAL_TOKENS]
    missing = [n for n, id in zip(SPECIAL_TOKENS, found, strict=True) if id is None]
    if missing:
        raise ValueError(
            f"vocabulary file {path!r} has no {', '.join(missing)}; expected all of "
            f"{', '.join(SPECIAL_TOKENS)}"
        )
    return SpecialTokens(len(tokens), *found)


def _check_whole_tokens(
    whole: Mapping[str, str], tokens: Sequence[str], path: str
) -> None:
    """Checks that whole tokens are in the vocabulary, and are none of the special ones.

    Raises:
        ValueError: names the first that is not.
    """
    known = set(tokens)
    for token in whole:
        if token not in known:
            raise ValueError(
                f"vocabulary file {path!r} has no {token!r}, which "
                "vocabularies.wordpiece.whole_tokens names"
            )
        if token in SPECIAL_TOKENS:
            raise ValueError(
                f"vocabularies.wordpiece.whole_tokens names {token!r}, which is plain text "
                "where it stands in a text"
            )


def is_content_of(content: bytes, sha256: str, bound: Mapping[str, Any]) -> bool:
    """Whether a `VocabularyFile` of a content can have a hash, whatever its flags.

    Args:
        content: of a vocabulary's file.
        sha256: the hash.
        bound: options beside the flags.
    """
    flags = [
        {
            "lower_case": lower_case,
            "strip_accents": strip_accents,
            **_if_unusual(**bound),
        }
        for lower_case in (True, False)
        for strip_accents in (True, False)
    ]
    return any(sha256_of(content, options) == sha256 for options in flags)


def _if_unusual(
    longest_word: int = LONGEST_WORD, whole_tokens: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The options that are not as in the original, so that hashes of before stay."""
    longest = {} if longest_word == LONGEST_WORD else {"longest_word": longest_word}
    whole = (
        {"whole_tokens": tuple(sorted(whole_tokens.items()))} if whole_tokens else {}
    )
    return longest | whole


def sha256_of(content: bytes, options: Mapping[str, Any]) -> str:
    """The hash of a `VocabularyFile`.

    Args:
        content: of its file.
        options: its options.
    """
    said = repr(tuple(sorted(options.items())))
    identity = hashlib.sha256(content).hexdigest() + said
    return hashlib.sha256(identity.encode()).hexdigest()
