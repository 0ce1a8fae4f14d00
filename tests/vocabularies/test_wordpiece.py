import json
import pickle
import random
import unicodedata

import numpy as np
import pytest

from electra_bench.vocabularies import basic_words, wordpiece_tokenizer
from electra_bench.vocabularies.wordpiece_tokenizer import Piece, WordPieceTokenizer

MODES = {
    "uncased": (True, True),
    "uncased_noaccentstrip": (True, False),
    "cased_noaccentstrip": (False, True),
}

# A slow tokenizer written from the rules, one character after the other.

IDEOGRAPHS = [
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
]


def slow_words(text, lower_case, strip_accents):
    shown = ""
    for char in text:
        category = unicodedata.category(char)
        if char in " \t\r\n" or category == "Zs":
            shown += " "
        elif category.startswith("C") or ord(char) in (0, 0xFFFD):
            pass
        elif any(first <= ord(char) <= last for first, last in IDEOGRAPHS):
            shown += " " + char + " "
        else:
            shown += char
    words = []
    for token in shown.split():
        if lower_case:
            token = token.lower()
        if lower_case and strip_accents:
            token = unicodedata.normalize("NFD", token)
            token = "".join(c for c in token if unicodedata.category(c) != "Mn")
        word = ""
        for char in token:
            symbol = ord(char) < 128 and not char.isalnum()
            if symbol or unicodedata.category(char).startswith("P"):
                words += [word, char]
                word = ""
            else:
                word += char
        words.append(word)
    # Decomposed characters could, in principle, be white space.
    return " ".join(words).split()


def slow_ids(text, ids, lower_case, strip_accents):
    result = []
    for word in slow_words(text, lower_case, strip_accents):
        pieces, rest, mark = [], word, ""
        while rest and len(word) <= 200:
            heads = [rest[:n] for n in range(len(rest), 0, -1)]
            head = next((h for h in heads if mark + h in ids), None)
            if head is None:
                break
            pieces.append(ids[mark + head])
            rest, mark = rest[len(head) :], "##"
        result += [ids["[UNK]"]] if rest else pieces
    return result


ALPHABETS = [
    range(32, 127),
    range(0, 0x110),
    range(0x300, 0x370),
    range(0x370, 0x400),
    range(0x4E00, 0x4E20),
    range(0xAC00, 0xAC40),
    range(0xF900, 0xFB00),
    range(0x1D100, 0x1D200),
    range(0x2F800, 0x2FA20),
    range(0x110000),
    # Final sigma and what may stand between it and other letters.
    [0x3A3, 0x27, 0x2E, 0xAD, 0x301, 0x345, 0x200D, 0x61, 0x41, 0x391, 0x4E00, 0x20],
    # Combining marks that are not stripped, among ones that are.
    [0x61, 0x302E, 0x302F, 0x16FF0, 0x1B44, 0x323, 0x301, 0x1D165],
    # Everything that some function takes for white space, or that vanishes.
    [0x20, 9, 10, 13, 0xA0, 0x2028, 0x2029, 0x85, 0xB, 0xC, 0x1C, 0x1F, 0x180E, 0xFEFF],
    [0, 0xFFFD, 0xFA6E, 0xFADA, 0x378, 0xE000, 0x10FFFF, 0x61, 0x20],
    [0x130, 0x131, 0x49, 0x69, 0x307, 0x37E, 0x1FEF, 0x387, 0x212A, 0x1E9E],
]


def random_texts(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        alphabets = rng.sample(ALPHABETS, rng.randint(1, 3))
        codes = [rng.choice(rng.choice(alphabets)) for _ in range(rng.randint(0, 40))]
        yield "".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000)


def random_vocabulary(texts, seed):
    """Pieces of random words, so that some words match and some do not."""
    rng = random.Random(seed)
    tokens = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    for text in texts:
        for mode in MODES.values():
            for word in slow_words(text, *mode):
                start = rng.randint(0, len(word))
                piece = word[start : start + rng.randint(1, 4)]
                tokens.setdefault("##" + piece if start else piece, None)
                for char in word[:3]:
                    tokens.setdefault(char, None)
                    tokens.setdefault("##" + char, None)
    return list(tokens)


def rows(batch):
    values, splits = batch
    return [part.tolist() for part in np.split(values, splits[1:-1])]


@pytest.fixture(scope="module")
def full_vocabulary(shared_golden):
    return (shared_golden / "vocab.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def small_vocabulary(shared_golden):
    return (shared_golden / "vocab_small.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def extra(shared_golden):
    return json.loads((shared_golden / "tokenization_extra.json").read_text())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", ["full", "small"])
def test_every_golden_line(shared_golden, request, size, mode):
    tokens = request.getfixturevalue(f"{size}_vocabulary")
    name = "tokenization.jsonl" if size == "full" else "tokenization_small.jsonl"
    lines = [json.loads(line) for line in (shared_golden / name).open()]
    if f"ids_{mode}" not in lines[0]:
        assert size == "small"
        return
    tokenizer = WordPieceTokenizer(tokens, *MODES[mode])
    expected = [line[f"ids_{mode}"] for line in lines]
    texts = [line["text"] for line in lines]
    assert rows(tokenizer.encode_batch(texts)) == expected
    assert [tokenizer.encode(text) for text in texts] == expected
    pieces = [tokenizer.encode_with_offsets(text) for text in texts]
    assert [[piece.id for piece in row] for row in pieces] == expected


def test_golden_words(extra):
    names = {
        "lower_strip": (True, True),
        "lower_nostrip": (True, False),
        "cased": (False, False),
    }
    for case in extra["basic_tokenizer"]:
        for name, mode in names.items():
            words = basic_words.located_words(case["text"], *mode)
            assert [word.text for word in words] == case[name]
            assert slow_words(case["text"], *mode) == case[name]


@pytest.mark.parametrize("size", ["full", "small"])
def test_golden_pieces(extra, request, size):
    tokens = request.getfixturevalue(f"{size}_vocabulary")
    tokenizer = WordPieceTokenizer(tokens, lower_case=False)
    for case in extra[f"wordpiece_tokenizer_{size}_vocab"]:
        ids = [
            id for word in case["token"].split() for id in tokenizer._pieces(word)[0]
        ]
        assert [tokens[id] for id in ids] == case["pieces"]


@pytest.mark.parametrize("tokenizer", ["", "cased_tokenizer_"])
def test_golden_tagged_words(extra, full_vocabulary, tokenizer):
    # The original lower-cases here even with a cased tokenizer.
    lower = WordPieceTokenizer(full_vocabulary)
    compared = 0
    for case in extra[f"tokenize_and_align_{tokenizer}full_vocab"]:
        expected = case["tokens_per_word_incl_cls_sep"][1:-1]
        for word, tokens in zip(case["words"], expected, strict=True):
            if word in ("[CLS]", "[SEP]"):  # special tokens in the original
                continue
            ids = lower.encode_word(word)
            assert [full_vocabulary[id] for id in ids] == tokens
            compared += 1
    assert compared > 15


@pytest.fixture(scope="module")
def strings():
    return list(random_texts(10_000, seed=1))


@pytest.mark.parametrize("mode", MODES)
def test_random_unicode(strings, mode):
    tokens = random_vocabulary(strings[::7], seed=2)
    tokenizer = WordPieceTokenizer(tokens, *MODES[mode])
    ids_of_tokens = {token: i for i, token in enumerate(tokens)}
    expected = [slow_ids(text, ids_of_tokens, *MODES[mode]) for text in strings]
    assert rows(tokenizer.encode_batch(strings)) == expected
    for text, ids in zip(strings, expected, strict=True):
        assert [piece.id for piece in tokenizer.encode_with_offsets(text)] == ids
    known = sum(id != 1 for ids in expected for id in ids)
    unknown = sum(id == 1 for ids in expected for id in ids)
    assert known > 20_000
    assert unknown > 2_000


@pytest.mark.parametrize("mode", MODES.values())
def test_random_words_and_places(strings, mode):
    for text in strings[:2000]:
        located = list(basic_words.located_words(text, *mode))
        assert [word.text for word in located] == slow_words(text, *mode)
        for word in located:
            assert len(word.starts) == len(word.ends) == len(word.text)
            assert all(a < b for a, b in zip(word.starts, word.ends, strict=True))
            part = text[min(word.starts) : max(word.ends)]
            if "\N{GREEK CAPITAL LETTER SIGMA}" not in text:
                assert "".join(slow_words(part, *mode)) == word.text


@pytest.mark.parametrize("mode", [(True, True), (False, False)])
def test_every_code_point(mode):
    chars = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for start in range(0, len(chars), 4096):
        text = "".join(f" a{char}b" for char in chars[start : start + 4096])
        pattern = basic_words.unit_pattern(text)
        words = [
            word
            for unit in pattern.findall(text)
            for word in basic_words.words_of_unit(unit, *mode)
        ]
        assert words == slow_words(text, *mode)


TOKENS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("cafe", "##s", "the", "cat", "[", "]", "mask", "σασ", "σας", ",", "co", "##op"),
    *("ᄒ", "##ᅡ", "##ᆫ", "x", "##x"),
]


@pytest.fixture
def tokenizer():
    return WordPieceTokenizer(TOKENS)


def pieces_of(tokenizer, text):
    return [
        (TOKENS[piece.id], text[piece.start : piece.end])
        for piece in tokenizer.encode_with_offsets(text)
    ]


def test_offsets_with_accents(tokenizer):
    assert pieces_of(tokenizer, "The CAFÉS") == [
        ("the", "The"),
        ("cafe", "CAFÉ"),
        ("##s", "S"),
    ]
    decomposed = "Cafe\u0301s, cat"
    assert pieces_of(tokenizer, decomposed) == [
        ("cafe", "Cafe\u0301"),
        ("##s", "s"),
        (",", ","),
        ("cat", "cat"),
    ]


def test_offsets_with_vanishing_characters(tokenizer):
    text = "\x00 co\xadop\u200b  the\x07"
    assert pieces_of(tokenizer, text) == [("co", "co"), ("##op", "op"), ("the", "the")]


def test_offsets_of_unknown_words(tokenizer):
    assert pieces_of(tokenizer, "the Xylophone!") == [
        ("the", "the"),
        ("[UNK]", "Xylophone"),
        ("[UNK]", "!"),
    ]


def test_offsets_within_one_character(tokenizer):
    assert tokenizer.encode_with_offsets(" 한") == [
        Piece(TOKENS.index("ᄒ"), 1, 2),
        Piece(TOKENS.index("##ᅡ"), 1, 2),
        Piece(TOKENS.index("##ᆫ"), 1, 2),
    ]


def test_final_sigma_depends_on_its_word(tokenizer):
    encoded = tokenizer.encode("ΣΑΣ ΣΑΣ, ΣΑΣ'Α ΣΑΣ")
    names = [TOKENS[id] for id in encoded]
    assert names == ["σας", "σας", ",", "σασ", "[UNK]", "[UNK]", "σας"]


def test_special_tokens_in_text_are_text(tokenizer):
    names = [TOKENS[id] for id in tokenizer.encode("[MASK] [PAD]")]
    assert names == ["[", "mask", "]", "[", "[UNK]", "]"]


def test_words_of_200_characters_are_divided_longer_ones_unknown(tokenizer):
    assert len(tokenizer.encode("x" * 200)) == 200
    assert tokenizer.encode("x" * 201) == [1]
    assert tokenizer.encode_word("x" * 201) == [1]


def test_batches_hold_any_texts(tokenizer):
    texts = ["", "the\ncat", "\n", "cat", "", "\x00"]
    values, splits = tokenizer.encode_batch(texts)
    assert values.dtype == np.int32
    assert splits.dtype == np.int64
    assert splits.tolist() == [0, 0, 2, 2, 3, 3, 3]
    assert [TOKENS[id] for id in values] == ["the", "cat", "cat"]
    values, splits = tokenizer.encode_batch([])
    assert values.tolist() == []
    assert splits.tolist() == [0]


def test_batches_of_many_chunks(tokenizer):
    texts = ["the cat " * n for n in range(400)]
    values, splits = tokenizer.encode_batch(texts)
    assert np.diff(splits).tolist() == [2 * n for n in range(400)]
    assert len(values) == splits[-1]


def test_memory_is_bounded(tokenizer, monkeypatch):
    monkeypatch.setattr(wordpiece_tokenizer, "_REMEMBERED", 50)
    texts = [f"x{number}" for number in range(500)] + ["the cat"]
    assert rows(tokenizer.encode_batch(texts))[-1] == tokenizer.encode("the cat")
    assert len(tokenizer._of_unit) <= 50


def test_pickled_without_what_it_remembers(tokenizer):
    fresh = len(pickle.dumps(tokenizer))
    tokenizer.encode("the cat and what else there is")
    data = pickle.dumps(tokenizer)
    assert len(data) == fresh
    assert pickle.loads(data).encode("the cats") == tokenizer.encode("the cats")


def test_needs_unk():
    with pytest.raises(ValueError, match="UNK"):
        WordPieceTokenizer(["the"])
