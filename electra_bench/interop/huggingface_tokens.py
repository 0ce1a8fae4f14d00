"""Tokens that a tokeniser of Hugging Face's cuts out of a text, beside its vocabulary."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from electra_bench.interop.huggingface_weights import ForeignModelError
from electra_bench.vocabularies.files import (
    SPECIAL_TOKENS,
    read_file,
    wordpiece_tokens,
)
from electra_bench.vocabularies.whole_tokens import NORMALISED, WRITTEN

# Properties that whole tokens here cannot have.
REFUSED = ("lstrip", "rstrip", "single_word")
# Fields that name further special tokens, of earlier versions of transformers and today's.
SPECIAL_FIELDS = ("additional_special_tokens", "extra_special_tokens")


class AddedTokens(NamedTuple):
    """What a tokeniser adds; the five special tokens are not among it.

    Attributes:
        whole: token to how it is matched, see `vocabularies.wordpiece`.
        further: those that the vocabulary file has not; their ids follow its own.
    """

    whole: dict[str, str]
    further: tuple[str, ...]


class _Said(NamedTuple):
    """What a file says of a token; a number or property that it does not say is None."""

    path: str
    token: str
    number: int | None
    is_normalised: bool | None
    refused: str | None


def added_tokens(folder: str, vocab: str | None) -> AddedTokens:
    """Reads the tokens that a model's tokeniser cuts out of a text.

    The five special ones are no text here: they only have to be where the vocabulary has
    them. As in transformers, tokenizer_config.json goes before tokenizer.json, and a token
    of which neither says otherwise is matched in normalised text unless it is special.

    Args:
        folder: of the model.
        vocab: path of its vocabulary file; None if there is none, and nothing is compared.

    Raises:
        ForeignModelError: names the first token that cannot be had here, and the file.
    """
    tokens = wordpiece_tokens(read_file(vocab), vocab) if vocab else []
    ids = {token: i for i, token in enumerate(tokens)}
    size = len(tokens)
    normalised: dict[str, bool | None] = {}
    # By their numbers, so that each that is added has the next.
    said = sorted(_said(folder), key=lambda x: (x.number is None, x.number))
    for path, token, number, is_normalised, refused in said:
        if token not in SPECIAL_TOKENS:
            _check(path, token, refused)
            if normalised.get(token) is None:
                normalised[token] = is_normalised
            if number == len(tokens) and token not in ids:
                ids[token] = number
                tokens.append(token)
        if vocab and (number is None or number > len(tokens)) and token not in ids:
            place = "" if number is None else f" at {number}"
            raise ForeignModelError(
                f"{path} adds {token!r}{place}, expected {len(tokens)}: the ids of added "
                f"tokens follow those of {vocab} without a hole"
            )
        if vocab and number not in (None, ids.get(token)):
            raise ForeignModelError(
                f"{path} has {token!r} at {number}, and {vocab} has not"
            )
    whole = {
        token: WRITTEN if is_normalised is False else NORMALISED
        for token, is_normalised in normalised.items()
    }
    return AddedTokens(whole, tuple(tokens[size:]) if vocab else ())


def added_tokens_decoder(
    whole: Mapping[str, str], tokens: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The field of tokenizer_config.json that says what is cut out; none without.

    Args:
        whole: token to how it is matched.
        tokens: all of the vocabulary.
    """
    ids = {token: i for i, token in enumerate(tokens)}
    properties = dict.fromkeys((*REFUSED, "special"), False)
    added = {
        str(ids[token]): {
            "content": token,
            "normalized": whole[token] == NORMALISED,
            **properties,
        }
        for token in sorted(whole, key=ids.__getitem__)
    }
    return {"added_tokens_decoder": added} if added else {}


def _check(path: str, token: str, refused: str | None) -> None:
    if refused:
        raise ForeignModelError(
            f"{path} adds {token!r} with {refused}, which whole tokens here have not"
        )
    if not token or token != token.strip() or "\n" in token:
        raise ForeignModelError(
            f"{path} adds {token!r}, which cannot be a line of a vocabulary file"
        )


def _said(folder: str) -> Iterator[_Said]:
    """What is said of tokens, wherever versions of transformers say it."""
    for name, items in (
        ("tokenizer_config.json", _of_config),
        ("tokenizer.json", _of_tokenizer),
        ("added_tokens.json", _of_table),
        ("tokenizer_config.json", _of_special),
        ("special_tokens_map.json", _of_special),
    ):
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            continue
        try:
            content = json.loads(Path(path).read_text("utf-8"))
            found = [_Said(path, *_properties(*item)) for item in items(content)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForeignModelError(
                f"{path}: added tokens cannot be read: {error!r}"
            ) from error
        yield from found


def _properties(
    token: Mapping[str, Any], number: Any
) -> tuple[str, int | None, bool | None, str | None]:
    is_normalised = token.get("normalized", not token.get("special"))
    refused = next((name for name in REFUSED if token.get(name)), None)
    number = None if number is None else int(number)
    return str(token["content"]), number, is_normalised, refused


def _of_config(content: dict) -> list[tuple[dict, Any]]:
    added = content.get("added_tokens_decoder") or {}
    return [(token, number) for number, token in added.items()]


def _of_tokenizer(content: dict) -> list[tuple[dict, Any]]:
    return [(token, token["id"]) for token in content.get("added_tokens") or ()]


def _of_table(content: dict) -> list[tuple[dict, Any]]:
    # Nothing is said but the number.
    return [({"content": token, "normalized": None}, x) for token, x in content.items()]


def _of_special(content: dict) -> list[tuple[dict, None]]:
    """Names, or names with properties, of tokens that are special."""
    found = []
    for field in SPECIAL_FIELDS:
        tokens = content.get(field) or ()
        for token in tokens.values() if isinstance(tokens, dict) else tokens:
            properties = token if isinstance(token, dict) else {"content": token}
            found.append((properties | {"special": True}, None))
    return found
