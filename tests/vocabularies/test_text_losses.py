"""What texts of many languages lose on their way to tokens."""

import numpy as np
import pytest

from electra_bench.vocabularies import training
from electra_bench.vocabularies.files import SPECIAL_TOKENS, wordpiece_file
from electra_bench.vocabularies.sentencepiece_tokenizer import SentencePieceTokenizer
from electra_bench.vocabularies.text_losses import TextLosses, needed_marks
from electra_bench.vocabularies.unused_tokens import unused_tokens
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
TOKENS = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]


def losses(texts, tokenizer=None, rows=None):
    tokenizer = tokenizer or WordPieceTokenizer(TOKENS)
    ids, splits = tokenizer.encode_batch(texts)
    chosen = range(len(texts)) if rows is None else rows
    return TextLosses.of(tokenizer.losses(texts, ids, splits, chosen))


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("हिन्दु", 2),  # a virama and a vowel sign; the first one is kept
        ("கீ", 1),
        ("ที่นี่", 4),
        ("が", 1),  # becomes か
        ("мой ёж", 2),
        ("ئ آ", 2),
        ("Ångström café Ελλάδα", 0),
        ("مَدْرَسَة", 0),  # points that most texts do not have
        ("שָׁלוֹם", 0),
        ("❤️ 葛󠄀", 0),  # variation selectors
        ("e\u0301", 0),
    ],
)
def test_marks_that_a_script_needs(text, marks):
    assert needed_marks(text) == marks
    keeping = WordPieceTokenizer(TOKENS, strip_accents=False)
    assert losses([text]).marks == marks
    assert losses([text], keeping).marks == 0


def test_unknown_is_counted_by_characters():
    long = "a" * 201
    found = losses(["ab cd", f"x {long}", "ж, yz"])
    assert found == TextLosses(characters=4 + 202 + 4, unknown=203, in_runs=201)
    assert losses(["ab cd", f"x {long}"], rows=[0]).unknown == 0
    found.add({"unknown": 7})
    assert found.unknown == 210


@pytest.mark.parametrize(
    ("text", "mark", "said"),
    [
        (
            "ภาษาไทย" * 40,
            "text unknown",
            "100.0 % of 280 characters become [UNK], 100 % of these in runs of over 200 "
            "letters without blanks",
        ),
        (
            "MKTAYIAKQR" * 30,
            "text unknown",
            "100.0 % of 300 characters become [UNK], 100",
        ),
        (
            "東京 ab",
            "text unknown",
            "50.0 % of 4 characters become [UNK]; a vocabulary",
        ),
        ("हिन्दी में", "marks stripped", "lose a mark that their script needs"),
        ("kışın ırmak", "Turkish lower-cased", "are Turkish ı or İ"),
        ("İSTANBUL İzmir", "Turkish lower-cased", "are Turkish ı or İ"),
        ("the ı of it " * 9, "Turkish lower-cased", "are Turkish ı or İ"),
        ("কুকুর দুধ", "marks stripped", "lose a mark that their script needs"),
        ("தமிழ் மொழி", "marks stripped", "lose a mark that their script needs"),
    ],
)
def test_what_is_more_than_usual_is_said(text, mark, said):
    warnings = losses([text]).warnings("train")
    loss = warnings[mark]
    assert loss.count and loss.sentence.startswith("train: ") and said in loss.sentence


@pytest.mark.parametrize(
    ("known", "unknown", "said"),
    [
        (99, 1, None),
        (1980, 21, "1.0 % of 2,001 characters become [UNK]"),
        (985, 15, "1.5 % of 1,000 characters become [UNK]"),
    ],
)
def test_one_character_of_a_hundred_may_be_unknown(known, unknown, said):
    found = losses(["a " * known + "ж " * unknown]).warnings("train")
    assert [*found] == (["text unknown"] if said else [])
    assert said is None or said in found["text unknown"].sentence


def test_usual_text_is_not_warned_of():
    assert (
        losses(["naïve café " * 50 + " 'tis", "Ωx й " + "ab " * 200]).warnings("") == {}
    )
    cased = WordPieceTokenizer(TOKENS, lower_case=False)
    found = losses(["kışın हिन्दी"], cased)
    assert found.marks == found.dotted == 0


def test_sentencepiece_strips_and_lower_cases_as_its_model_says():
    lines = ["the quick brown fox", "jumps over the lazy dog"] * 20
    stripping, keeping = (
        SentencePieceTokenizer(
            training.train_sentencepiece(lines, 60, strips, strips), False, False
        )
        for strips in (True, False)
    )
    texts = ["the ж", "हु İ"]
    found = losses(texts, stripping)
    assert found.marks == found.dotted == 1
    assert losses(texts, keeping).marks == losses(texts, keeping).dotted == 0
    assert losses(texts, keeping).unknown == 4 and found.unknown >= 2
    # There is no longest word.
    assert losses(["ж" * 300], keeping).in_runs == 0


def test_what_training_cannot_learn():
    thai = "ภาษาไทย" * 40
    counts = training.count_words(["ab ab ", thai])
    tokens = training.wordpiece_of_counts(counts, 40)
    assert not any(letter in "".join(tokens) for letter in thai)
    pieces, found = training.fit(WordPieceTokenizer(tokens, False), counts)
    assert pieces == pytest.approx(1.0)
    assert found.unknown == found.in_runs > 0.9 * found.characters
    with pytest.raises(
        ValueError, match="no words of at most 200 letters; --type sent"
    ):
        training.train_wordpiece([thai], 40)
    assert np.array(training.count_strings([thai]).total()) == 1


@pytest.mark.parametrize(
    ("words", "options", "mark"),
    [
        (["The", "End"], {}, "cased vocabulary"),
        (["The", "End"], {"lower_case": False}, None),
        (["straße", "grün", "schön"], {}, "accented vocabulary"),
        (["grün", "schön"], {"strip_accents": False}, None),
        (["हिन्दी", "में"], {}, "accented vocabulary"),
        (["東京", "##都に", "住む"], {}, "foreign vocabulary"),
        (["東", "##京", "[unused1]", "の", "##した"], {}, None),
        (["the", "##s", "'", "½", "ß", "##ing"], {}, None),
        # A few are usual.
        ([*(f"w{i}" for i in range(100)), "The"], {}, None),
    ],
)
def test_tokens_that_no_text_gives(words, options, mark):
    tokens = [*SPECIAL_TOKENS, *words]
    found = unused_tokens("v.txt", tokens, WordPieceTokenizer(tokens, **options))
    assert [*found] == ([mark] if mark else [])
    assert all(said.startswith("v.txt: ") for said in found.values())


def test_a_golden_vocabulary_has_no_doubts(shared_golden):
    path = shared_golden / "vocab.txt"
    found = wordpiece_file(str(path), True, True)
    assert unused_tokens(str(path), found.tokens, found.tokenizer) == {}
