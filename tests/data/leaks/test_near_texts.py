"""Near texts are found as if all were compared with all."""

import random

from electra_bench.data.leaks import near_texts as near
from electra_bench.data.leaks.near_texts import near_texts


def grams(text):
    words = text.split()
    n = min(5, len(words))
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def is_near(one, other):
    a, b = grams(one), grams(other)
    return 10 * len(a & b) >= 9 * len(a | b)


def test_as_all_with_all():
    rng = random.Random(0)
    words = [f"w{i}" for i in range(9)]
    known = [
        " ".join(rng.choice(words) for _ in range(rng.randint(1, 80)))
        for _ in range(60)
    ]

    def edited():
        text = rng.choice(known).split()
        for _ in range(rng.randint(0, 2)):
            text.insert(rng.choice([0, len(text), rng.randrange(len(text))]), "more")
        return " ".join(text)

    ours, theirs = ({edited(): None for _ in range(250)} for _ in range(2))
    found = near_texts([*ours], [*theirs])
    expected = [{j for j, b in enumerate(theirs) if is_near(a, b)} for a in ours]
    assert list(map(set, found)) == expected
    pairs = sum(map(len, expected))
    equal = sum(text in theirs for text in ours)
    assert pairs > equal + 50


def test_of_very_many_near_texts_some_are_kept(monkeypatch):
    monkeypatch.setattr(near, "MAX_NEAR", 3)
    monkeypatch.setattr(near, "PAIRS", 20)
    words = " ".join(f"w{i}" for i in range(60))
    theirs = [f"{words} {i}" for i in range(9)]
    found = near_texts([f"{words} 5", "else", f"{words} x"], theirs)
    assert found[0][0] == 5 and [len(set(one)) for one in found] == [3, 0, 3]


def test_forms_of_one_text_are_near_and_punctuation_alone_is_not():
    assert near_texts(["ＯＮＥ  two", "?", "a b"], ["one two", "!", "a c"]) == [
        [0],
        [],
        [],
    ]
    assert near_texts([], ["x"]) == []
    assert near_texts(["x"], []) == [[]]
