"""Tokens that are cut out of a text, beside those of Hugging Face's tokenisers."""

import pickle
import random

import pytest

from electra_bench.vocabularies.files import SPECIAL_TOKENS, wordpiece_file
from electra_bench.vocabularies.text_losses import TextLosses
from electra_bench.vocabularies.unused_tokens import unused_tokens
from electra_bench.vocabularies.whole_tokens import num_pieces
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

LETTERS = "abehlnorw"
WHOLE = {
    "[E]": "normalised",
    "[E]1": "normalised",
    "<X>": "written",
    "New <b>": "normalised",
    "the": "written",
}
# The first is in the vocabulary file, the others were added to it.
TOKENS = [*SPECIAL_TOKENS, "the", *LETTERS, *"[]1", *(f"##{c}" for c in LETTERS), "中"]
TOKENS += ["[E]", "[E]1", "<X>", "New <b>"]

# Of transformers 5.24.0 (tokenizers 0.23.3), `BertTokenizer` with these tokens in
# `added_tokens_decoder`: text, ids if text is lower-cased, and if it is not.
CASES = [
    ("[E] hello", [28, 9, 20, 22, 22, 24], None),
    ("hello [E]", [9, 20, 22, 22, 24, 28], None),
    ("hel[E]lo", [9, 20, 22, 28, 10, 24], None),
    ("[E] a [E]", [28, 6, 28], None),
    ("[E][E]<X><X>", [28, 28, 30, 30], None),
    (
        "[e] [É] <x> <X>",
        [28, 28, 1, 1, 1, 30],
        [15, 8, 16, 15, 1, 16, 1, 1, 1, 30],
    ),
    ("<X>[E", [30, 15, 8], [30, 15, 1]),
    ("[E]1 [E]2 [E]11", [29, 28, 1, 29, 17], None),
    ("中[E]中<X>中", [27, 28, 27, 30, 27], None),
    ("a\n[E]\n<X>\nb", [6, 28, 30, 7], None),
    ("NEW\n<b> new <B>", [31, 31], [1, 1, 7, 1, 11, 20, 26, 1, 1, 1]),
    # In another case it is a word like others.
    ("other THE the", [12, 5, 13, 5, 5], [12, 5, 13, 1, 5]),
    ("a \t\u0301[e\u0301]\u0301 b", [6, 28, 7], [6, 1, 15, 1, 16, 1, 7]),
]


@pytest.fixture(params=[True, False], ids=["lower", "cased"])
def tokenizer(request):
    return WordPieceTokenizer(TOKENS, request.param, whole_tokens=WHOLE)


def test_ids_are_those_of_transformers(tokenizer):
    expected = [
        lower if tokenizer.lower_case or cased is None else cased
        for _, lower, cased in CASES
    ]
    texts = [text for text, *_ in CASES]
    # In a process of example building, too.
    for one in (tokenizer, pickle.loads(pickle.dumps(tokenizer))):
        ids, splits = one.encode_batch(texts)
        parts = zip(splits[:-1], splits[1:], strict=True)
        assert [ids[start:end].tolist() for start, end in parts] == expected
    assert [tokenizer.encode(text) for text in texts] == expected
    located = map(tokenizer.encode_with_offsets, texts)
    assert [[piece.id for piece in pieces] for pieces in located] == expected
    # As one text for all, and texts without any.
    assert tokenizer.encode_batch([])[1].tolist() == [0]
    ids, splits = tokenizer.encode_batch(["", "a", "", "<X>", ""])
    assert ids.tolist() == [6, 30] and splits.tolist() == [0, 0, 1, 1, 2, 2]


def test_words_of_a_divided_text(tokenizer):
    words = ["a[E]b", "[e]", "<X>1", "the[E]1"]
    found = [tokenizer.encode_word(word) for word in words]
    expected = [[6, 28, 7], [28], [30, 17], [5, 29]]
    if not tokenizer.lower_case:
        expected[1] = [15, 8, 16]
    assert found == expected


def test_offsets():
    tokenizer = WordPieceTokenizer(TOKENS, whole_tokens=WHOLE)
    text = "hé \x00NEW\u00a0<b>\u0301é[é]<X>a"
    pieces = tokenizer.encode_with_offsets(text)
    # transformers has (3, 4), ..., too, but leaves the stripped mark out.
    assert [(piece.id, text[piece.start : piece.end]) for piece in pieces] == [
        *((9, "h"), (20, "é"), (31, "NEW\u00a0<b>\u0301")),
        *((8, "é"), (28, "[é]"), (30, "<X>"), (6, "a")),
    ]


def test_a_syllable_may_be_divided():
    # Decomposed, the second begins with the first; so transformers has it, too.
    tokens = [*SPECIAL_TOKENS, "\u11a8", "가"]
    tokenizer = WordPieceTokenizer(tokens, whole_tokens={"가": "normalised"})
    assert tokenizer.encode("가각") == [6, 6, 5]
    pieces = tokenizer.encode_with_offsets("가각")
    assert [tuple(piece)[1:] for piece in pieces] == [(0, 1), (1, 2), (1, 2)]


def test_all_ways_agree(tokenizer):
    rng = random.Random(0)
    atoms = [
        *WHOLE,
        "[e]",
        "É",
        "\u0301",
        "\x00",
        "\n",
        "\u00a0",
        " ",
        "<",
        "Σ",
        *"aW1",
    ]
    texts = ["".join(rng.choices(atoms, k=rng.randint(1, 9))) for _ in range(300)]
    ids, splits = tokenizer.encode_batch(texts)
    for i, text in enumerate(texts):
        found = ids[splits[i] : splits[i + 1]].tolist()
        pieces = tokenizer.encode_with_offsets(text)
        assert [piece.id for piece in pieces] == found
        unknown = list(tokenizer.unknown_words(text))
        assert len(unknown) == found.count(1)


def test_whole_tokens_are_never_unknown():
    tokenizer = WordPieceTokenizer(TOKENS, whole_tokens=WHOLE)
    texts = ["<X> [e] zzz<X>", "[E]1"]
    losses = TextLosses.of(
        tokenizer.losses(texts, *tokenizer.encode_batch(texts), range(2))
    )
    assert (losses.characters, losses.unknown) == (3 + 3 + 6 + 4, 3)


def test_tokens_after_the_end_of_the_file_are_no_pieces():
    # So it is with transformers, whose file does not have them.
    tokens = [*SPECIAL_TOKENS, "co", "##vid", "flu", "covid", "##u"]
    whole = dict.fromkeys(("flu", "covid", "##u"), "written")
    tokenizer = WordPieceTokenizer(tokens, whole_tokens=whole)
    assert num_pieces(tokens, whole) == 7
    assert tokenizer.encode("covid COVID") == [8, 5, 6]
    assert num_pieces([*tokens, "x"], whole) == 11
    assert WordPieceTokenizer([*tokens, "x"], whole_tokens=whole).encode("COVID") == [8]
    assert num_pieces(tokens, {}) == 10


def test_many_are_found_in_one_pass():
    words = [f"w{i}" for i in range(3000)]
    tokens = [*SPECIAL_TOKENS, *words]
    whole = dict.fromkeys(words, "normalised")
    tokenizer = WordPieceTokenizer(tokens, whole_tokens=whole)
    assert tokenizer.encode("W29W2999w29w") == [34, 3004, 34, 1]


def test_they_are_no_mark_of_a_cased_vocabulary():
    names = [f"Name{i}" for i in range(9)]
    tokens = [*SPECIAL_TOKENS, "a", *names]
    for whole in ({}, dict.fromkeys(names, "written")):
        tokenizer = WordPieceTokenizer(tokens, whole_tokens=whole)
        found = unused_tokens("v.txt", tokens, tokenizer)
        assert [*found] == ([] if whole else ["cased vocabulary"])


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ({"<Y>": "written"}, "has no '<Y>', which vocabularies.wordpiece.whole_tokens"),
        ({"[MASK]": "written"}, r"names '\[MASK\]', which is plain text"),
        ({"<X>": "raw"}, "'<X>' is matched 'raw', expected 'written' or 'normalised'"),
        ({"\u0301": "normalised"}, "nothing is left of a whole token"),
    ],
)
def test_what_cannot_be_whole(tmp_path, whole, said):
    path = tmp_path / "v.txt"
    path.write_text("".join(f"{token}\n" for token in [*TOKENS, "\u0301"]))
    with pytest.raises(ValueError, match=said):
        wordpiece_file(str(path), True, True, 200, whole)
