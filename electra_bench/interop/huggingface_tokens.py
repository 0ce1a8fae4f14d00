"""Tokens that a tokeniser of Hugging Face's has beside its vocabulary file."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from electra_bench.interop.huggingface_weights import ForeignModelError
from electra_bench.vocabularies.files import (
    SPECIAL_TOKENS,
    read_file,
    wordpiece_tokens,
)


def check_added_tokens(folder: str, vocab: str | None) -> None:
    """Checks that a model's tokeniser has no tokens of its own.

    Such tokens are cut out of a text before WordPiece sees it, which the tokeniser here
    does not. The five special ones are no text: they only have to be where the vocabulary
    has them.

    Args:
        folder: of the model.
        vocab: path of its vocabulary file; None if there is none.

    Raises:
        ForeignModelError: names the first such token, its id and the file.
    """
    tokens = wordpiece_tokens(read_file(vocab), vocab) if vocab else None
    for path, token, number in _added(folder):
        if token not in SPECIAL_TOKENS:
            raise ForeignModelError(
                f"{path} adds {token!r} ({number}) to the vocabulary, which its tokeniser "
                "keeps whole and WordPiece here cuts into pieces; take it out of the file "
                "to import the model without it"
            )
        if tokens is not None and tokens[number : number + 1] != [token]:
            raise ForeignModelError(
                f"{path} has {token!r} at {number}, and {vocab} has not"
            )


def _added(folder: str) -> Iterator[tuple[str, str, int]]:
    """File, token and id of all that is added, wherever versions of transformers say it."""
    for name, items in (
        ("added_tokens.json", _of_table),
        ("tokenizer.json", _of_tokenizer),
        ("tokenizer_config.json", _of_config),
    ):
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            continue
        try:
            found = [(str(token), int(number)) for token, number in items(_read(path))]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForeignModelError(
                f"{path}: added tokens cannot be read: {error!r}"
            ) from error
        yield from ((path, token, number) for token, number in found)


def _read(path: str) -> dict:
    return json.loads(Path(path).read_text("utf-8"))


def _of_table(content: dict) -> list[tuple[str, int]]:
    return list(content.items())


def _of_tokenizer(content: dict) -> list[tuple[str, int]]:
    return [(x["content"], x["id"]) for x in content.get("added_tokens") or ()]


def _of_config(content: dict) -> list[tuple[str, int]]:
    added = content.get("added_tokens_decoder") or {}
    return [(token["content"], number) for number, token in added.items()]
