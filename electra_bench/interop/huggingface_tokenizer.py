"""How a tokeniser of Hugging Face's normalises text, and whether it can be had here."""

from collections.abc import Mapping
from typing import Any

from electra_bench.vocabularies.files import SPECIAL_TOKENS
from electra_bench.vocabularies.text_losses import LONGEST_WORD

# Classes whose text becomes WordPieces as BERT's does; the last says it in tokenizer.json.
CLASSES = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer")
BY_ITS_FILE = "PreTrainedTokenizerFast"
# The field that says how many letters a word has that is divided, at most.
LETTERS = "max_input_chars_per_word"
BERTS_LONGEST_WORD = 100
# Fields of tokenizer_config.json with the values that WordPiece here is equal to.
REQUIRED = {
    "clean_text": True,
    "do_basic_tokenize": True,
    "do_subword_tokenize": True,
    "do_word_tokenize": True,
    "subword_tokenizer_type": "wordpiece",
    "tokenize_chinese_chars": True,
    "word_tokenizer_type": "basic",
    "wordpieces_prefix": "##",
    **{f"{name[1:-1].lower()}_token": name for name in SPECIAL_TOKENS},
}
# The same of tokenizer.json.
REQUIRED_OF_PARTS = {
    ("model", "type"): "WordPiece",
    ("model", "continuing_subword_prefix"): "##",
    ("model", "unk_token"): "[UNK]",
    ("normalizer", "type"): "BertNormalizer",
    ("normalizer", "clean_text"): True,
    ("normalizer", "handle_chinese_chars"): True,
    ("pre_tokenizer", "type"): "BertPreTokenizer",
}


class ForeignTokenizerError(ValueError):
    """A tokeniser that makes other tokens of a text than WordPiece here; says why."""


def text_options(
    model_config: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    tokenizer: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a model's files say of text.

    As in transformers, tokenizer_config.json goes before tokenizer.json, and BERT's
    tokeniser strips accents if it lower-cases, and divides words of 100 letters at most,
    unless either says otherwise.

    Args:
        model_config: config.json.
        config: tokenizer_config.json, None without.
        tokenizer: tokenizer.json, None without.

    Returns:
        Parameters of `vocabularies.wordpiece`; only that of words without files.

    Raises:
        ForeignTokenizerError: names the first thing that cannot be had here.
    """
    said = config or {}
    kind = said.get("tokenizer_class") or model_config.get("tokenizer_class")
    if kind is not None:
        is_known = str(kind).removesuffix("Fast") in CLASSES
        if not is_known and not (kind == BY_ITS_FILE and tokenizer):
            raise ForeignTokenizerError(
                f"the tokeniser is {kind!r}, which divides text in its own way; expected "
                f"one of {list(CLASSES)}"
            )
    for field, expected in REQUIRED.items():
        # A token may be written with its properties.
        found = said.get(field, expected)
        found = found["content"] if isinstance(found, dict) else found
        _check(f"{field} in tokenizer_config.json", found, expected)
    kept = [
        token for token in said.get("never_split") or () if token not in SPECIAL_TOKENS
    ]
    _check("never_split in tokenizer_config.json", kept, [])
    normalizer = _checked_normalizer(tokenizer) if tokenizer else {}
    longest = _longest_word(said, tokenizer or {})
    if config is None and tokenizer is None:
        return longest
    lower = said.get("do_lower_case", normalizer.get("lowercase", True))
    strips = said.get("strip_accents", normalizer.get("strip_accents"))
    strips = lower if strips is None else strips
    for field, value in {"do_lower_case": lower, "strip_accents": strips}.items():
        if not isinstance(value, bool):
            raise ForeignTokenizerError(f"{field} is {value!r}, expected true or false")
    if strips and not lower:
        raise ForeignTokenizerError(
            "the tokeniser strips accents without lower-casing, which WordPiece here does "
            "not"
        )
    return {"lower_case": lower, "strip_accents": strips, **longest}


def _longest_word(
    config: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> dict[str, int]:
    """The parameter, where it is not as usual here."""
    # Only exports from here say it in the first; transformers passes over it.
    of_model = (tokenizer.get("model") or {}).get(LETTERS, BERTS_LONGEST_WORD)
    longest = config.get(LETTERS, of_model)
    if not isinstance(longest, int) or longest < 1:
        raise ForeignTokenizerError(
            f"{LETTERS} is {longest!r}, expected a whole number above 0"
        )
    return {} if longest == LONGEST_WORD else {"longest_word": longest}


def _checked_normalizer(tokenizer: Mapping[str, Any]) -> Mapping[str, Any]:
    for (part, field), expected in REQUIRED_OF_PARTS.items():
        content = tokenizer.get(part)
        # What is left out has BERT's value, but for what says of which sort a part is.
        usual = None if field == "type" else expected
        found = content.get(field, usual) if isinstance(content, dict) else content
        _check(f"{field} of {part} in tokenizer.json", found, expected)
    return tokenizer["normalizer"]


def _check(name: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise ForeignTokenizerError(
            f"{name} is {found!r}, and WordPiece here does as {expected!r}"
        )
