"""What Hugging Face's tokenisers do otherwise is honoured or refused by its name."""

import pytest

from electra_bench.interop.huggingface_tokenizer import (
    ForeignTokenizerError,
    text_options,
)

WORDPIECE = {
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {}},
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
}


def with_part(part, **fields):
    return WORDPIECE | {part: (WORDPIECE[part] or {}) | fields}


@pytest.mark.parametrize(
    ("config", "tokenizer", "lower_case", "strip_accents"),
    [
        ({}, None, True, True),
        ({"do_lower_case": False}, None, False, False),
        ({"do_lower_case": True, "strip_accents": False}, None, True, False),
        ({"strip_accents": None, "tokenizer_class": "BertTokenizer"}, None, True, True),
        ({"never_split": ["[MASK]"]}, None, True, True),
        ({"unk_token": {"content": "[UNK]", "lstrip": False}}, None, True, True),
        (None, WORDPIECE, True, True),
        (None, with_part("normalizer", lowercase=False), False, False),
        (None, with_part("normalizer", strip_accents=False), True, False),
        # The first of the two files holds, as in transformers.
        ({"do_lower_case": False}, WORDPIECE, False, False),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, WORDPIECE, True, True),
        ({"tokenizer_class": "ElectraTokenizerFast"}, WORDPIECE, True, True),
    ],
)
def test_what_is_honoured(config, tokenizer, lower_case, strip_accents):
    found = text_options({}, config, tokenizer)
    longest = {"longest_word": 100}
    flags = {"lower_case": lower_case, "strip_accents": strip_accents}
    assert found == flags | longest


@pytest.mark.parametrize(
    ("config", "tokenizer", "longest"),
    [
        # As transformers' BertTokenizer has it.
        (None, None, 100),
        ({}, None, 100),
        (None, with_part("model", max_input_chars_per_word=50), 50),
        ({}, with_part("model", max_input_chars_per_word=200), None),
        # An export from here.
        ({"max_input_chars_per_word": 200}, None, None),
    ],
)
def test_the_longest_word_is_honoured(config, tokenizer, longest):
    found = text_options({"tokenizer_class": "ElectraTokenizer"}, config, tokenizer)
    assert found.get("longest_word") == longest


@pytest.mark.parametrize(
    ("config", "tokenizer", "said"),
    [
        ({"tokenizer_class": "BertJapaneseTokenizer"}, None, "'BertJapaneseTokenizer'"),
        (
            {"tokenizer_class": "PreTrainedTokenizerFast"},
            None,
            "divides text in its own",
        ),
        ({"tokenizer_class": "RobertaTokenizer"}, None, "'RobertaTokenizer'"),
        ({"word_tokenizer_type": "mecab"}, None, "word_tokenizer_type .* 'mecab'"),
        ({"subword_tokenizer_type": "character"}, None, "subword_tokenizer_type"),
        ({"tokenize_chinese_chars": False}, None, "tokenize_chinese_chars .* is False"),
        ({"do_basic_tokenize": False}, None, "do_basic_tokenize"),
        ({"never_split": ["[MASK]", "C++"]}, None, r"never_split .* is \['C\+\+'\]"),
        ({"wordpieces_prefix": "@@"}, None, "wordpieces_prefix .* is '@@'"),
        ({"unk_token": "<unk>"}, None, "unk_token .* is '<unk>'"),
        ({"mask_token": {"content": "<mask>"}}, None, "mask_token .* is '<mask>'"),
        (
            {"do_lower_case": "false"},
            None,
            "do_lower_case is 'false', expected true or",
        ),
        (
            {"do_lower_case": False, "strip_accents": True},
            None,
            "strips accents without lower-casing",
        ),
        ({}, with_part("model", type="BPE"), "type of model .* is 'BPE'"),
        ({}, with_part("model", type="Unigram"), "is 'Unigram'"),
        ({}, WORDPIECE | {"normalizer": None}, "type of normalizer .* is None"),
        ({}, with_part("normalizer", type="NFKC"), "is 'NFKC'"),
        (
            {},
            with_part("normalizer", handle_chinese_chars=False),
            "handle_chinese_chars",
        ),
        (
            {},
            with_part("pre_tokenizer", type="ByteLevel"),
            "pre_tokenizer .* 'ByteLevel'",
        ),
        ({}, with_part("model", continuing_subword_prefix=""), "continuing_subword"),
        ({}, with_part("model", max_input_chars_per_word="x"), "is 'x', expected a wh"),
    ],
)
def test_what_is_refused(config, tokenizer, said):
    with pytest.raises(ForeignTokenizerError, match=said):
        text_options({}, config, tokenizer)
    with pytest.raises(ForeignTokenizerError, match="'CamembertTokenizer'"):
        text_options({"tokenizer_class": "CamembertTokenizer"}, None, None)
